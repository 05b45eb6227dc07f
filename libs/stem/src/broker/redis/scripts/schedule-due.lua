-- What is to be looked at now, the longest due first.
--
-- KEYS[1]  the partition's prefix
-- ARGV     offset, limit
-- returns  now-ms, time (ms) of the next look after now or '', then for each:
--          id, definition, version, due, fire-at, created, task, pending; absent ones empty
--- @include "schedule"
local now = now_ms()
local ids = redis.call('ZRANGEBYSCORE', SCHEDULES_DUE, '-inf', now, 'LIMIT', ARGV[1], ARGV[2])
local later = redis.call('ZRANGEBYSCORE', SCHEDULES_DUE, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local reply = { now, later[2] or '' }
for _, id in ipairs(ids) do
  local fields = redis.pcall('HMGET', schedule_key(id), 'def', 'v', 'due', 'at', 'created', 'task', 'pending')
  if not fields.err and fields[1] and (fields[3] or fields[7]) then
    reply[#reply + 1] = id
    for i = 1, 7 do reply[#reply + 1] = fields[i] or '' end
  else
    -- Deleted, or overwritten by something foreign: it must not stand in front of the others for ever.
    redis.call('ZREM', SCHEDULES_DUE, id)
  end
end
return reply
