#!lua flags=allow-oom
-- Takes the heartbeat of a process, and forgets those whose time has run out.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  id of the process
-- ARGV[2]  in ms: without another heartbeat for this long it is forgotten
-- ARGV[3]  what it tells of itself, as JSON
-- returns  1
--- @include "keys"
--- @include "time"
local id, ttl, now = ARGV[1], tonumber(ARGV[2]), now_ms()
redis.call('HSET', PROCESSES, id, now .. ' ' .. ARGV[3])
redis.call('ZADD', PROCESS_ENDS, now + ttl, id)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', PROCESS_ENDS, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('HDEL', PROCESSES, gone)
  redis.call('ZREM', PROCESS_ENDS, gone)
end
for _, key in ipairs({ PROCESSES, PROCESS_ENDS }) do
  -- Another process may keep it for longer. One without an expiry counts as kept for good, until here.
  if redis.call('PEXPIRE', key, ttl, 'GT') == 0 then redis.call('PEXPIRE', key, ttl, 'NX') end
end
return 1
