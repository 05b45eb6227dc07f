#!lua flags=allow-oom
-- claim: queued -> running, after completing what the worker brings and settling what is due (expire, promote)
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- ARGV[2]  most tasks to hand out
-- ARGV[3]  largest message handed out, in bytes; of a larger one only the beginning is, marked with `!`
-- ARGV[4]  most due tasks to settle per queue, so that no call holds Redis for long
-- ARGV[5]  retention of expired tasks in ms
-- ARGV[6]  number of queues, followed by their names in the order in which they are asked
-- then     nothing, or tasks to complete, as include/complete_from.lua says
-- returns  { 'lease-lost' }, or { lines, message ... }. The lines are 'claimed', now-ms (or '' when nothing waits
--            for its time), next-due-ms or '', fault or '', comma-separated indexes (from 0) of tasks that were to
--            be completed and were not held, then groups of queue index (from 0), priority, n, and n entries; or,
--            where tasks were handed out before, of queue index, priority, -n, and n times: entry, hand-outs of
--            this entry. The messages are in the same order; one is empty when its entry has not the form of one.
--
-- One text for all that is short is answered, and read, faster than a text for each. Not so the messages: to put
-- them together Redis would have to hash them once more, byte by byte.
--
-- What is seldom needed is defined where it is needed: defining all of it takes longer than a small claim.
--- @include "keys"
--- @include "lease"
--- @include "wake"
--- @include "complete_from"
local consumer, max, max_bytes, budget, ttl = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
if not holds_lease(consumer) then return { 'lease-lost' } end

-- Asked for when something waits for its time.
local now
local reply = { 'claimed', '', '', '', '' }
local first_queue, last_queue = 7, 6 + tonumber(ARGV[6])
if last_queue < #ARGV then reply[5] = table.concat(complete_from(last_queue + 1, consumer), ',') end
local left = max

-- The lines go first, when they are complete.
local answer = { '' }

local function hand_out(queue_index, priority, entries, counts)
  local n, at_reply, at_answer = #entries, #reply, #answer
  reply[at_reply + 1] = queue_index
  reply[at_reply + 2] = priority
  reply[at_reply + 3] = counts and -n or n
  at_reply = at_reply + 3
  for i = 1, n do
    local entry = entries[i]
    local fields = entry[2]
    local message = fields and fields[1] == 'm' and fields[2] or ''
    if #message > max_bytes then message = '!' .. #message .. ':' .. string.sub(message, 1, 1000) end
    answer[at_answer + i] = message
    at_reply = at_reply + 1
    reply[at_reply] = entry[1]
    if counts then
      at_reply = at_reply + 1
      reply[at_reply] = counts[entry[1]]
    end
  end
  left = left - n
end

local function take_new(queue_index, priority, stream)
  local count = left == max and ARGV[2] or left
  local read = redis.pcall('XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', count, 'STREAMS', stream, '>')
  if read and read.err and string.find(read.err, 'NOGROUP', 1, true) then
    -- Somebody deleted the stream; the next enqueue makes it anew, the group must be there.
    redis.call('XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM')
    read = false
  end
  if read and read.err then
    reply[4] = read.err
  elseif read then
    hand_out(queue_index, priority, read[1][2])
  end
end

-- The letters of the fields `p<priority>` and `r<priority>` of the queue's hash, and the digits of a priority.
local P, R, ZERO, NINE = string.byte('pr09', 1, 4)

local function claim_from(queue, queue_index)
  local meta = redis.pcall('HGETALL', meta_key(queue))
  if meta.err then
    reply[4] = meta.err
    return
  end
  local priorities, returned = {}, {}
  for i = 1, #meta, 2 do
    local field = meta[i]
    if field == 'paused' then return end
    local kind, digit, more = string.byte(field, 1, 3)
    if digit and not more and digit >= ZERO and digit <= NINE then
      -- Stays a text, in which digits sort as well: to and from numbers takes longer than the rest of this.
      local priority = string.sub(field, 2)
      if kind == P then priorities[#priorities + 1] = priority end
      if kind == R then returned[priority] = tonumber(meta[i + 1]) end
    end
  end
  if #priorities > 1 then table.sort(priorities) end
  for i = #priorities, 1, -1 do
    local priority = priorities[i]
    local stream = stream_key(queue, priority)
    if (returned[priority] or 0) > 0 then
      --- @include "pending"
      -- Tasks given back go first: they were at the head of the stream once.
      local pending = pending_of(stream, RETURNED, '-', left)
      if #pending == 0 then
        redis.call('HDEL', meta_key(queue), 'r' .. priority)
      else
        local ids, counts = {}, {}
        for k, row in ipairs(pending) do
          ids[k] = row[1]
          counts[row[1]] = row[4] + 1
        end
        local entries = redis.call('XCLAIM', stream, GROUP, consumer, 0, unpack(ids))
        redis.call('HINCRBY', meta_key(queue), 'r' .. priority, -#ids)
        if #entries > 0 then hand_out(queue_index, priority, entries, counts) end
      end
    end
    if left > 0 then take_new(queue_index, priority, stream) end
    if left <= 0 then break end
  end
  if left <= 0 then wake(queue) end
end

local function earliest_due(queue)
  local delayed, expiries, due = delayed_key(queue), expiries_key(queue), nil
  if redis.call('EXISTS', delayed, expiries) == 0 then return nil end
  for _, key in ipairs({ delayed, expiries }) do
    local score = tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
    if score and (not due or score < due) then due = score end
  end
  return due
end

local next_due
local function serve(queue, queue_index)
  local due = earliest_due(queue)
  local may_claim = true
  if due and not now then
    --- @include "time"
    now = now_ms()
    reply[2] = now
  end
  if due and due <= now then
    --- @include "settle_due"
    -- With more expiries due than one call may settle, handing out could hand out an expired task.
    may_claim = expire_due(queue, now, budget, ttl) < tonumber(budget)
    promote_due(queue, now, budget)
    due = earliest_due(queue)
  end
  if due and (not next_due or due < next_due) then next_due = due end
  if may_claim then claim_from(queue, queue_index) else wake(queue) end
end

for i = first_queue, last_queue do
  -- What was completed stays so, and what was taken is handed out, whatever is wrong with one queue.
  local ok, fault = pcall(serve, ARGV[i], i - first_queue)
  if not ok then reply[4] = type(fault) == 'table' and fault.err or tostring(fault) end
  if left <= 0 then break end
end
if left > 0 then reply[3] = next_due or '' end
if string.find(reply[4], '%c') then reply[4] = string.gsub(reply[4], '%c', ' ') end
answer[1] = table.concat(reply, '\n')
return answer
