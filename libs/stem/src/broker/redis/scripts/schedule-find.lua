-- Reads schedules: those named, or a page of all.
--
-- KEYS[1]  the partition's prefix
-- ARGV     'ids', ids... | 'page', after ('' from the beginning), limit
-- returns  now-ms, then for each schedule found: id, flat list of its fields
--- @include "schedule"
local ids = {}
if ARGV[1] == 'ids' then
  for i = 2, #ARGV do ids[#ids + 1] = ARGV[i] end
else
  local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
  ids = redis.call('ZRANGEBYLEX', SCHEDULES, from, '+', 'LIMIT', 0, ARGV[3])
end
local reply = { now_ms() }
for _, id in ipairs(ids) do
  local fields = read_schedule(id)
  if fields then
    reply[#reply + 1] = id
    reply[#reply + 1] = fields
  end
end
return reply
