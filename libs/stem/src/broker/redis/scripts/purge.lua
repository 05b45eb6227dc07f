#!lua flags=allow-oom
-- cancel, for a bounded number of waiting tasks of one queue
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  queue
-- ARGV[2]  most tasks to settle
-- ARGV[3]  retention in ms
-- returns  { how many were settled, 1 when there may be more }
--- @include "time"
--- @include "end_waiting"
--- @include "give_back"
--- @include "undelivered"
local queue, budget, ttl = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
local settled, looked_at = 0, 0

local function settle(id)
  looked_at = looked_at + 1
  if end_waiting(id, 'C', 'purged', ttl, now) == 'ended' then settled = settled + 1 end
end

for _, id in ipairs(redis.call('ZRANGE', delayed_key(queue), 0, budget - 1)) do
  settle(id)
  redis.call('ZREM', delayed_key(queue), id)
end

-- Settles the task of an entry. One that no record points to is only taken out of the stream.
local function settle_entry(stream, entry, message)
  local id = id_in(message, entry)
  local record = id and read_record(id)
  if record and record.entry == entry then
    settle(id)
  else
    looked_at = looked_at + 1
    redis.call('XACK', stream, GROUP, entry)
    redis.call('XDEL', stream, entry)
  end
end

for _, pair in ipairs(streams_of(queue)) do
  local stream = pair[2]
  local left = budget - looked_at
  if left > 0 then
    for _, row in ipairs(pending_of(stream, RETURNED, '-', left)) do
      settle_entry(stream, row[1], message_at(stream, row[1]) or '')
    end
  end
  left = budget - looked_at
  if left > 0 then
    for _, found in ipairs(undelivered(stream, left)) do
      settle_entry(stream, found[1], found[2][2] or '')
    end
  end
end
return { settled, looked_at >= budget and 1 or 0 }
