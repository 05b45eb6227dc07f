#!lua flags=allow-oom
-- Creates or replaces a schedule; its history stays.
--
-- KEYS[1]  the partition's prefix
-- ARGV     id, version as read ('0': must not exist), definition, override ('', 'p', 'r'),
--          keep ('1': leave the next tick as it is), due (ms or ''), fire-at (ms or '')
-- returns  'stored' or 'conflict': it was changed meanwhile, or has carried this tick out
-- errors   WRONGTYPE before anything is written
--- @include "schedule"
local id, version, definition, override, keep, due, fire_at = unpack(ARGV)
local key = schedule_key(id)
local known = redis.call('HMGET', key, 'v', 'last')
if (known[1] or '0') ~= version then return 'conflict' end
if due ~= '' and known[2] and tonumber(due) <= tonumber(known[2]) then return 'conflict' end

local now = now_ms()
redis.call('ZADD', SCHEDULES, 0, id)
if version == '0' then redis.call('HSET', key, 'created', now) end
redis.call('HSET', key, 'def', definition, 'v', tonumber(version) + 1, 'updated', now)
if override == '' then
  redis.call('HDEL', key, 'override')
else
  redis.call('HSET', key, 'override', override)
end
if keep ~= '1' then place(id, due, fire_at) end
return 'stored'
