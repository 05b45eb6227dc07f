-- Removes a schedule.
--
-- KEYS[1]  the partition's prefix
-- ARGV     id, version ('': whichever)
-- returns  1 when there was such a schedule, else 0
--- @include "schedule"
local key = schedule_key(ARGV[1])
if ARGV[2] ~= '' and redis.call('HGET', key, 'v') ~= ARGV[2] then return 0 end
redis.call('ZREM', SCHEDULES_DUE, ARGV[1])
redis.call('ZREM', SCHEDULES, ARGV[1])
return redis.call('DEL', key)
