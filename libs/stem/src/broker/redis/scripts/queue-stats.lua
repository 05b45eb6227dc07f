-- Counts the tasks of queues.
--
-- KEYS[1]  the partition's prefix
-- ARGV     queues
-- returns  for each: { paused 0 or 1, queued, scheduled, running, dead letters, succeeded, failed, retried,
--            time since when the one at the head has been ready, or 0 }
--- @include "give_back"
--- @include "undelivered"
-- The first ready entry of a stream: the first one given back, or the first one that nobody has read.
local function first_ready(stream)
  local returned = pending_of(stream, RETURNED, '-', 1)[1]
  local fresh = undelivered(stream, 1)[1]
  return returned and returned[1] or fresh and fresh[1]
end

local reply = {}
for i, queue in ipairs(ARGV) do
  local total, running, oldest = 0, 0, 0
  for _, pair in ipairs(streams_of(queue)) do
    local length = redis.pcall('XLEN', pair[2])
    local pending = redis.pcall('XPENDING', pair[2], GROUP)
    if type(length) == 'number' then
      total = total + length
      local first = length > 0 and first_ready(pair[2])
      -- An entry is added when its task becomes ready.
      local since = first and tonumber(string.match(first, '^%d+'))
      if since and (oldest == 0 or since < oldest) then oldest = since end
    end
    if not pending.err then
      for _, row in ipairs(pending[4] or {}) do
        if row[1] ~= RETURNED then running = running + tonumber(row[2]) end
      end
    end
  end
  local counters = redis.call('HMGET', counters_key(queue), 'succeeded', 'failed', 'retried')
  reply[i] = {
    redis.call('HEXISTS', meta_key(queue), 'paused'), total - running,
    redis.call('ZCARD', delayed_key(queue)), running, redis.call('ZCARD', dead_key(queue)),
    tonumber(counters[1] or 0), tonumber(counters[2] or 0), tonumber(counters[3] or 0),
    oldest,
  }
end
return reply
