-- enqueue: – -> queued / scheduled
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  number of queues, followed by their names; then the tasks in order, each either
--            code, id, envelope                              nothing but ready now, or
--            -code-1, id, envelope, delay, due, expires-in, expires-at, unique, unique-for
--          code is the queue's index (from 0) times 10 plus the priority; delay, expires-in and
--          unique-for are durations in ms, due and expires-at times in ms; empty when not given.
-- returns  for each task that was not created: its index (from 0), id of the one that holds the claim
-- errors   WRONGTYPE before anything is written, when a stream's key is of a foreign type
--
-- A task whose record exists is not created again. That also makes the call safe to repeat when its
-- answer was lost.
--- @include "keys"
--- @include "time"
--- @include "record"
--- @include "ready"
--- @include "wake"
local queue_count = tonumber(ARGV[1])
local first = queue_count + 2

-- First look at everything that could fail, so that a batch is accepted whole or not at all.
local streams, heads, queue_of = {}, {}, {}
local i = first
while i <= #ARGV do
  local code = tonumber(ARGV[i])
  i = i + (code < 0 and 9 or 3)
  if code < 0 then code = -code - 1 end
  if not streams[code] then
    local queue, priority = ARGV[2 + math.floor(code / 10)], code % 10
    streams[code] = open_stream(queue, priority)
    heads[code] = 'q\t' .. queue .. '\t' .. priority .. '\t'
    queue_of[code] = queue
  end
end

local refused, woken, index, now = {}, {}, 0, nil
local function refuse(id)
  refused[#refused + 1] = index
  refused[#refused + 1] = id
end
local function wake_once(queue)
  if woken[queue] then return end
  woken[queue] = true
  wake(queue)
end

local function holder_of(claim)
  local holder = redis.call('GET', unique_key(claim))
  if not holder then return nil end
  local record = read_record(holder)
  local lives = record and (record.state == 'q' or record.state == 's' or record.state == 'r')
  return lives and holder or nil
end

local function add(code, id, envelope)
  local entry = redis.call('XADD', streams[code], '*', 'm', envelope)
  if redis.call('SET', at .. 't:' .. id, heads[code] .. entry, 'NX') then
    wake_once(queue_of[code])
  else
    redis.call('XDEL', streams[code], entry)
    refuse(id)
  end
end

local function add_special(code, id, envelope, delay, due, expires_in, expires_at, claim, claim_for)
  now = now or now_ms()
  if redis.call('EXISTS', record_key(id)) == 1 then return refuse(id) end
  if claim ~= '' then
    local holder = holder_of(claim)
    if holder then return refuse(holder) end
    if claim_for ~= '' then
      redis.call('SET', unique_key(claim), id, 'PX', claim_for)
    else
      redis.call('SET', unique_key(claim), id)
    end
  end
  local queue = queue_of[code]
  due = delay ~= '' and now + tonumber(delay) or tonumber(due)
  if due and due > now then
    local message = write_message(0, 0, now, 0, envelope)
    redis.call('SET', record_key(id), 's\t' .. queue .. '\t' .. code % 10 .. '\t' .. due .. '\n' .. message)
    redis.call('ZADD', delayed_key(queue), due, id)
    -- A new earliest due time: an idle worker must set its alarm anew.
    if redis.call('ZRANGE', delayed_key(queue), 0, 0)[1] == id then wake_once(queue) end
  else
    add(code, id, envelope)
  end
  local expiry = expires_in ~= '' and now + tonumber(expires_in) or tonumber(expires_at)
  if expiry then redis.call('ZADD', expiries_key(queue), expiry, id) end
end

i = first
while i <= #ARGV do
  local code = tonumber(ARGV[i])
  if code >= 0 then
    add(code, ARGV[i + 1], ARGV[i + 2])
    i = i + 3
  else
    add_special(-code - 1, unpack(ARGV, i + 1, i + 8))
    i = i + 9
  end
  index = index + 1
end
return refused
