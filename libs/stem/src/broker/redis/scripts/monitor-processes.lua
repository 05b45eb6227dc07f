-- The last heartbeat of every process that is not forgotten.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  most processes to tell of; those that were heard of last
-- returns  { now-ms, for each: time of the heartbeat (ms), a blank, and what it told as JSON }
--- @include "keys"
--- @include "time"
local now = now_ms()
local reply = { now }
local ids = redis.call('ZREVRANGEBYSCORE', PROCESS_ENDS, '+inf', '(' .. now, 'LIMIT', 0, ARGV[1])
for from = 1, #ids, 500 do
  local kept = redis.call('HMGET', PROCESSES, unpack(ids, from, math.min(from + 499, #ids)))
  for _, text in ipairs(kept) do
    if text then reply[#reply + 1] = text end
  end
end
return reply
