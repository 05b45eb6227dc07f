-- Takes note that a tick could not be carried out.
--
-- KEYS[1]  the partition's prefix
-- ARGV     id, version, due (as read), message, retry-in (ms: look at the same tick again; or ''),
--          next-due, next-at (ms, empty when there is none)
-- returns  'noted', or 'moved' when the schedule was moved on or changed meanwhile
--- @include "schedule"
local id, version, due, message, retry_in, next_due, next_at = unpack(ARGV)
local key = schedule_key(id)
local known = redis.pcall('HMGET', key, 'v', 'due', 'error')
if known.err or known[1] ~= version or known[2] ~= due then return 'moved' end
local now = now_ms()
if retry_in == '' or not known[3] then redis.call('HINCRBY', key, 'failures', 1) end
redis.call('HSET', key, 'error', message, 'failed', now)
if retry_in ~= '' then
  look_at(id, now + tonumber(retry_in))
else
  redis.call('HSET', key, 'last', due)
  place(id, next_due, next_at)
end
return 'noted'
