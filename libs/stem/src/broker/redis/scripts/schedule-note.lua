-- Takes note of a task that was enqueued on behalf of a schedule, but not by a tick.
--
-- KEYS[1]  the partition's prefix
-- ARGV     id, task
-- returns  1 when the schedule exists, else 0
--- @include "schedule"
local key = schedule_key(ARGV[1])
local known = redis.call('HMGET', key, 'v', 'pending')
if not known[1] then return 0 end
-- A pending task has to be the last one until it is settled.
if not known[2] then redis.call('HSET', key, 'task', ARGV[2]) end
return 1
