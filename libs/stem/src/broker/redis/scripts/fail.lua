#!lua flags=allow-oom
-- fail: running -> failed, a dead letter
-- abandon: running -> cancelled
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- ARGV[2]  state letter: F or C
-- then     for each task: queue, priority, entry, id, attempt, deliveries, enqueued-ms, replays,
--          started-ms, envelope, failure as JSON or '', reason, unique key or '',
--          retention in ms or '' to keep it for good
-- returns  'lease-lost', or indexes (from 0) of tasks that were not held
--- @include "keys"
--- @include "time"
--- @include "lease"
--- @include "notify"
--- @include "settle_one"
local consumer, state = ARGV[1], ARGV[2]
if not holds_lease(consumer) then return 'lease-lost' end

local now = now_ms()
local not_held, ended, index = {}, {}, 0
for i = 3, #ARGV, 14 do
  local queue, priority, entry, id, attempt, deliveries, enqueued, replays, started, envelope,
    failure, reason, unique, ttl = unpack(ARGV, i, i + 13)
  if not take_out(consumer, queue, priority, entry) then
    not_held[#not_held + 1] = index
  else
    local progress = redis.call('GET', progress_key(id))
    clear_marks(queue, id, unique)
    write_ended(id, {
      state = state, queue = queue, priority = priority, attempt = attempt, deliveries = deliveries,
      replays = replays, enqueued = enqueued, started = started, finished = now, worker = consumer,
      reason = reason, envelope = envelope, outcome = failure, progress = progress or '',
    }, tonumber(ttl))
    if state == 'F' then
      redis.call('ZADD', dead_key(queue), now, id)
      redis.call('HINCRBY', counters_key(queue), 'failed', 1)
    end
    ended[#ended + 1] = id
  end
  index = index + 1
end
notify(ended, state)
return not_held
