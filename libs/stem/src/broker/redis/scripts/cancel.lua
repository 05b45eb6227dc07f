-- cancel: scheduled, queued, retrying -> cancelled; running -> its holder is asked to stop
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  id
-- ARGV[2]  the request as JSON: { id, reason, terminate, ttlMs }
-- ARGV[3]  reason
-- ARGV[4]  retention in ms
-- ARGV[5]  channel on which consumers listen
-- returns  'cancelled', 'requested', 'ended' or 'not-found'
--- @include "time"
--- @include "end_waiting"
local id = ARGV[1]
local met = end_waiting(id, 'C', ARGV[3], tonumber(ARGV[4]), now_ms())
if met == 'ended' then return 'cancelled' end
if met == 'terminal' then return 'ended' end
if met ~= 'running' then return 'not-found' end
-- Kept until the task ends, so that it outlives the worker that should have heard it. What deletes goes first: then a
-- full Redis takes the rest, as it does above.
redis.call('HDEL', CANCELS, id)
redis.call('HSET', CANCELS, id, ARGV[2])
redis.call('PUBLISH', ARGV[5], ARGV[2])
return 'requested'
