#!lua flags=allow-oom
-- Asks to be told when tasks have ended.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  channel on which this client listens
-- ARGV[2…] ids
-- returns  for each id: 'waiting', 'ended' or 'unknown'
--- @include "record"
local channel = ARGV[1]
local reply = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local record = read_record(id)
  if not record then
    reply[i - 1] = 'unknown'
  elseif record.state == 'q' or record.state == 's' or record.state == 'r' then
    local channels = redis.call('HGET', WAITERS, id)
    if not channels then
      redis.call('HSET', WAITERS, id, channel)
    elseif not string.find(',' .. channels .. ',', ',' .. channel .. ',', 1, true) then
      redis.call('HSET', WAITERS, id, channels .. ',' .. channel)
    end
    reply[i - 1] = 'waiting'
  else
    reply[i - 1] = 'ended'
  end
end
return reply
