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
    if not channels or not string.find(',' .. channels .. ',', ',' .. channel .. ',', 1, true) then
      -- What deletes goes first: then a full Redis takes the rest. A flag would have the whole script refused where
      -- nothing can be written, though the task may have ended.
      redis.call('HDEL', WAITERS, id)
      redis.call('HSET', WAITERS, id, channels and channels .. ',' .. channel or channel)
    end
    reply[i - 1] = 'waiting'
  else
    reply[i - 1] = 'ended'
  end
end
return reply
