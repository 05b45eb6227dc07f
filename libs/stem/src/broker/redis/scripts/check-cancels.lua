-- Looks for requests to stop running tasks, for a worker that may have missed the message.
--
-- KEYS[1]  the partition's prefix
-- ARGV     ids of tasks that the worker runs
-- returns  the requests as JSON: { id, reason, terminate, ttlMs }
--- @include "keys"
if redis.call('EXISTS', CANCELS) == 0 then return {} end
local found = {}
for _, request in ipairs(redis.call('HMGET', CANCELS, unpack(ARGV))) do
  if request then found[#found + 1] = request end
end
return found
