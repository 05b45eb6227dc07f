-- retry: running -> retrying; or -> cancelled when a stop was asked for meanwhile
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- then     for each task: queue, priority, entry, id, delay in ms or '', due time in ms or '',
--          attempt (of the next try), deliveries, enqueued-ms, replays, started-ms, envelope,
--          failure as JSON, retention in ms if it is cancelled, unique key or ''
-- returns  'lease-lost', or indexes (from 0) of tasks that were not held
--- @include "keys"
--- @include "time"
--- @include "lease"
--- @include "wake"
--- @include "notify"
--- @include "settle_one"
local consumer = ARGV[1]
if not holds_lease(consumer) then return 'lease-lost' end

local now = now_ms()
local not_held, cancelled, index = {}, {}, 0
for i = 2, #ARGV, 15 do
  local queue, priority, entry, id, delay, due, attempt, deliveries, enqueued, replays, started,
    envelope, failure, ttl, unique = unpack(ARGV, i, i + 14)
  due = delay ~= '' and now + tonumber(delay) or tonumber(due) or now
  if not take_out(consumer, queue, priority, entry) then
    not_held[#not_held + 1] = index
  else
    local request = redis.call('HGET', CANCELS, id)
    if request then
      local ok, asked = pcall(cjson.decode, request)
      clear_marks(queue, id, unique)
      write_ended(id, {
        state = 'C', queue = queue, priority = priority, attempt = attempt, deliveries = deliveries,
        replays = replays, enqueued = enqueued, started = started, finished = now, worker = consumer,
        reason = ok and asked.reason or '', envelope = envelope, outcome = failure,
      }, tonumber(ttl))
      cancelled[#cancelled + 1] = id
    else
      redis.call('SET', record_key(id), 'r\t' .. queue .. '\t' .. priority .. '\t' .. due .. '\n'
        .. write_message(attempt, deliveries, enqueued, replays, envelope) .. '\n' .. failure)
      redis.call('ZADD', delayed_key(queue), due, id)
      redis.call('DEL', progress_key(id))
      redis.call('HINCRBY', counters_key(queue), 'retried', 1)
      if redis.call('ZRANGE', delayed_key(queue), 0, 0)[1] == id then wake(queue) end
    end
  end
  index = index + 1
end
notify(cancelled, 'C')
return not_held
