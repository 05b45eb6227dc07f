-- Adds what a process has counted to the present minute, and its events to the stream.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  source, unique per process
-- ARGV[2]  number of the batch; one that is not above the last recorded of the source changes nothing
-- ARGV[3]  how long counts are kept, in ms
-- ARGV[4]  how many events are kept
-- ARGV[5]  number of events
-- ARGV[6]  the events, as one JSON array
-- ARGV[7…] pairs of field and increment
-- returns  1, or 0 when the batch was recorded before
--- @include "keys"
--- @include "time"
local source, number, counts_kept, events_kept = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local events = tonumber(ARGV[5])
-- How long a process may be silent before a batch that it repeats could be counted twice.
local RECORDED_MS = 3600000
-- How long after the last event the stream is there.
local EVENTS_MS = 604800000
-- Entries that one call takes off the stream at most.
local TRIM_AT_ONCE = 100

if tonumber(redis.call('GET', recorded_key(source)) or 0) >= number then return 0 end
-- First: should anything fail below, the repeated batch must not be counted twice.
redis.call('SET', recorded_key(source), number, 'PX', RECORDED_MS)

if #ARGV > 6 then
  local now = now_ms()
  local key = counts_key(now - now % 60000)
  for i = 7, #ARGV, 2 do redis.call('HINCRBY', key, ARGV[i], ARGV[i + 1]) end
  local ttl = counts_kept + 60000
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ttl) end
end

if events > 0 then
  redis.call('XADD', EVENTS, '*', 'n', events, 'e', ARGV[6])
  local kept = redis.call('INCRBY', EVENTS_KEPT, events)
  for _ = 1, TRIM_AT_ONCE do
    if kept <= events_kept then break end
    local oldest = redis.call('XRANGE', EVENTS, '-', '+', 'COUNT', 1)[1]
    local n = oldest and tonumber(oldest[2][2]) or 1
    if kept - n < events_kept then break end
    redis.call('XDEL', EVENTS, oldest[1])
    kept = redis.call('DECRBY', EVENTS_KEPT, n)
  end
  redis.call('PEXPIRE', EVENTS, EVENTS_MS)
  redis.call('PEXPIRE', EVENTS_KEPT, EVENTS_MS)
end

return 1
