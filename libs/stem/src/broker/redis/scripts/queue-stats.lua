-- Counts the tasks of queues.
--
-- KEYS[1]  the partition's prefix
-- ARGV     queues
-- returns  for each: { paused 0 or 1, queued, scheduled, running, dead letters, succeeded, failed, retried }
--- @include "give_back"
local reply = {}
for i, queue in ipairs(ARGV) do
  local total, running = 0, 0
  for _, pair in ipairs(streams_of(queue)) do
    local length = redis.pcall('XLEN', pair[2])
    local pending = redis.pcall('XPENDING', pair[2], GROUP)
    if type(length) == 'number' then total = total + length end
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
  }
end
return reply
