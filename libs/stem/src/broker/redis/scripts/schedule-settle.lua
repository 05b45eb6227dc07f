-- Takes note that the broker has the pending tasks of ticks, or has refused them.
--
-- KEYS[1]  the partition's prefix
-- ARGV     for each: id, task, accepted ('1', or '0' when a unique task was there instead)
-- returns  how many of them were pending
--- @include "schedule"
local settled = 0
for i = 1, #ARGV, 3 do
  local id, task, accepted = unpack(ARGV, i, i + 2)
  local key = schedule_key(id)
  local known = redis.call('HMGET', key, 'pending', 'task', 'at')
  if known[1] and known[2] == task then
    redis.call('HDEL', key, 'pending')
    redis.call('HINCRBY', key, accepted == '1' and 'runs' or 'skipped', 1)
    look_at(id, tonumber(known[3] or ''))
    settled = settled + 1
  end
end
return settled
