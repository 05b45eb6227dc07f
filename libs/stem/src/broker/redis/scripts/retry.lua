#!lua flags=allow-oom
-- retry: running -> retrying; or -> cancelled when a stop was asked for meanwhile
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- then     groups of queue, priority, n, n entries, and n times: id, delay in ms or '', due time in ms or '',
--          attempt (of the next try), deliveries, enqueued-ms, replays, started-ms, envelope,
--          failure as JSON, retention in ms if it is cancelled, unique key or ''
-- returns  'lease-lost', or indexes (from 0) of tasks that were not held
--- @include "keys"
--- @include "time"
--- @include "lease"
--- @include "wake"
--- @include "notify"
--- @include "settle_one"
local WIDTH = 12
local consumer = ARGV[1]
if not holds_lease(consumer) then return 'lease-lost' end

local now = now_ms()
local not_held, cancelled, index = {}, {}, 0
local any_cancels = redis.call('EXISTS', CANCELS) == 1

local function end_if_asked(queue, priority, from)
  local id = ARGV[from]
  local request = any_cancels and redis.call('HGET', CANCELS, id)
  if not request then return false end
  local ok, asked = pcall(cjson.decode, request)
  local attempt, deliveries, enqueued, replays, started, envelope, failure, ttl, unique =
    unpack(ARGV, from + 3, from + WIDTH - 1)
  clear_marks(queue, id, unique)
  write_ended(id, {
    state = 'C', queue = queue, priority = priority, attempt = attempt, deliveries = deliveries,
    replays = replays, enqueued = enqueued, started = started, finished = now, worker = consumer,
    reason = ok and asked.reason or '', envelope = envelope, outcome = failure,
  }, tonumber(ttl))
  cancelled[#cancelled + 1] = id
  return true
end

local i = 2
while i <= #ARGV do
  local queue, priority, n = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local stream = stream_key(queue, priority)
  local first, last = i + 3, i + 2 + n
  local acknowledged = redis.call('XACK', stream, GROUP, unpack(ARGV, first, last))
  redis.call('XDEL', stream, unpack(ARGV, first, last))
  local delayed, progresses = {}, {}
  for k = 0, n - 1 do
    local from = last + 1 + k * WIDTH
    local id, delay, due, attempt, deliveries, enqueued, replays = unpack(ARGV, from, from + 6)
    local held = true
    if acknowledged ~= n then
      -- One of them was not pending: a repeated call, or a stream somebody tampered with. The record says.
      local record = read_record(id)
      held = record and record.entry == ARGV[first + k]
    end
    if not held then
      not_held[#not_held + 1] = index + k
    elseif not end_if_asked(queue, priority, from) then
      local envelope, failure = ARGV[from + 8], ARGV[from + 9]
      local message = write_message(attempt, deliveries, enqueued, replays, envelope)
      due = delay ~= '' and now + tonumber(delay) or tonumber(due) or now
      redis.call('SET', record_key(id),
        'r\t' .. queue .. '\t' .. priority .. '\t' .. due .. '\n' .. message .. '\n' .. failure)
      delayed[#delayed + 1] = due
      delayed[#delayed + 1] = id
      progresses[#progresses + 1] = progress_key(id)
    end
  end
  if #delayed > 0 then
    redis.call('HINCRBY', counters_key(queue), 'retried', #progresses)
    redis.call('DEL', unpack(progresses))
    local earliest = redis.call('ZRANGE', delayed_key(queue), 0, 0)[1]
    redis.call('ZADD', delayed_key(queue), unpack(delayed))
    -- A new earliest due time: an idle worker must set its alarm anew.
    if redis.call('ZRANGE', delayed_key(queue), 0, 0)[1] ~= earliest then wake(queue) end
  end
  index = index + n
  i = last + 1 + n * WIDTH
end
notify(cancelled, 'C')
return not_held
