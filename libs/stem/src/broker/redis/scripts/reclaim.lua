#!lua flags=allow-oom
-- reclaim: running -> queued, failed or cancelled, for one consumer whose lease has run out. When there is none:
-- a batch whose client has not moved its pieces in time, for whoever asks first.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  how often a task may lose its holder before it is dead-lettered
-- ARGV[2]  failure as JSON for those
-- ARGV[3]  ms for which the batch is left to whoever is given it; empty: do not look for batches
-- returns  { consumer, requeued, id of each dead letter … }; { '', batch, next piece, how many there are }, the
--          last two empty when nothing else is known of the batch; {} when there is nothing to do
--
-- Taking the lease off the register and handing the tasks on is one step: from then on every call of
-- that consumer is answered `lease-lost`.
--- @include "give_back"
--- @include "count"
local max_losses, failure = tonumber(ARGV[1]), ARGV[2]
local now = now_ms()
local consumer = redis.call('ZRANGEBYSCORE', LEASES, '-inf', '(' .. now, 'LIMIT', 0, 1)[1]
if not consumer then
  if ARGV[3] == '' then return {} end
  local batch = redis.pcall('ZRANGEBYSCORE', BATCHES, '-inf', '(' .. now, 'LIMIT', 0, 1)[1]
  if not batch then return {} end
  local progress = redis.pcall('HMGET', batch_key(batch), 'next', 'pieces')
  if progress[1] and progress[2] then
    redis.call('ZADD', BATCHES, now + ARGV[3], batch)
  else
    redis.call('ZREM', BATCHES, batch)
  end
  return { '', batch, progress[1] or '', progress[2] or '' }
end

redis.call('ZREM', LEASES, consumer)
local ok, registration = pcall(cjson.decode, redis.call('HGET', CONSUMERS, consumer) or '')
redis.call('HDEL', CONSUMERS, consumer)
local queues = ok and type(registration) == 'table' and registration.queues
if type(queues) ~= 'table' then queues = redis.call('SMEMBERS', QUEUES) end

local reply = { consumer, 0 }
local function hand_on(queue, priority, stream, entry, count)
  local message = message_at(stream, entry)
  if not message then
    redis.call('XACK', stream, GROUP, entry)
    return
  end
  local id, parsed = id_in(message, entry), parse_message(message, entry)
  -- Every error accounts for one hand-out; the others lost their worker.
  local losses = parsed.deliveries + count - parsed.attempt
  count_task('L', parsed.envelope, queue, now)
  if id and cancel_if_asked(queue, priority, entry, id, message, count) then return end
  if id and losses >= max_losses then
    redis.call('XACK', stream, GROUP, entry)
    redis.call('XDEL', stream, entry)
    clear_marks(queue, id, unique_key_in(parsed.envelope) or '')
    write_ended(id, {
      state = 'F', queue = queue, priority = priority, attempt = parsed.attempt,
      deliveries = parsed.deliveries + count, replays = parsed.replays, enqueued = parsed.enqueued,
      finished = now, worker = consumer, reason = 'delivery-limit', envelope = parsed.envelope,
      outcome = failure,
    }, nil)
    redis.call('ZADD', dead_key(queue), now, id)
    redis.call('HINCRBY', counters_key(queue), 'failed', 1)
    notify({ id }, 'F')
    count_task('F', parsed.envelope, queue, now)
    reply[#reply + 1] = id
    return
  end
  give_back(queue, priority, entry, count, true)
  if id then redis.call('DEL', progress_key(id)) end
  reply[2] = reply[2] + 1
end

for _, queue in ipairs(queues) do
  local before = reply[2]
  for _, pair in ipairs(streams_of(queue)) do
    local priority, stream = pair[1], pair[2]
    each_pending(stream, consumer, function(entry, count)
      hand_on(queue, priority, stream, entry, count)
    end)
    redis.pcall('XGROUP', 'DELCONSUMER', stream, GROUP, consumer)
  end
  if reply[2] > before then wake(queue) end
end
return reply
