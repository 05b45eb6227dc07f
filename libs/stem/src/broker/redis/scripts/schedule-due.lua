-- What is to be looked at now, the longest due first.
--
-- KEYS[1]  the partition's prefix
-- ARGV     offset, limit
-- returns  now-ms, time (ms) of the next look after now or '', then for each: id, flat list of its fields
--- @include "schedule"
local now = now_ms()
local ids = redis.call('ZRANGEBYSCORE', SCHEDULES_DUE, '-inf', now, 'LIMIT', ARGV[1], ARGV[2])
local later = redis.call('ZRANGEBYSCORE', SCHEDULES_DUE, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local function is_awaited(fields)
  for i = 1, #fields, 2 do
    if fields[i] == 'due' or fields[i] == 'pending' then return true end
  end
  return false
end

local reply = { now, later[2] or '' }
for _, id in ipairs(ids) do
  local fields = read_schedule(id)
  if fields and is_awaited(fields) then
    reply[#reply + 1] = id
    reply[#reply + 1] = fields
  else
    -- Deleted, or overwritten by something foreign: it must not stand in front of the others for ever.
    redis.call('ZREM', SCHEDULES_DUE, id)
  end
end
return reply
