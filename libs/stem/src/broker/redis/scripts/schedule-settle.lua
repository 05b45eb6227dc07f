-- Takes note that the broker has the pending task of a tick, or has refused it.
--
-- KEYS[1]  the partition's prefix
-- ARGV     id, task, accepted ('1', or '0' when a unique task was there instead)
-- returns  1 when it was pending, else 0
--- @include "schedule"
local id, task, accepted = unpack(ARGV)
local key = schedule_key(id)
local known = redis.call('HMGET', key, 'pending', 'task', 'at')
if not known[1] or known[2] ~= task then return 0 end
redis.call('HDEL', key, 'pending')
redis.call('HINCRBY', key, accepted == '1' and 'runs' or 'skipped', 1)
look_at(id, tonumber(known[3] or ''))
return 1
