--- @include "keys"
-- Tells whoever waits for the end of a task. `state` is the letter of the record, sent along because the
-- record may already be gone when the client looks. Without waiters it costs one EXISTS per batch.
local function notify(ids, state)
  if #ids == 0 or redis.call('EXISTS', WAITERS) == 0 then return end
  local waiting = redis.call('HMGET', WAITERS, unpack(ids))
  for index, channels in ipairs(waiting) do
    if channels then
      redis.call('HDEL', WAITERS, ids[index])
      for channel in string.gmatch(channels, '[^,]+') do
        redis.call('PUBLISH', channel, state .. ids[index])
      end
    end
  end
end
