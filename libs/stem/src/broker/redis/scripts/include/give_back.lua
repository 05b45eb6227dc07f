--- @include "keys"
--- @include "time"
--- @include "record"
--- @include "pending"
--- @include "wake"
--- @include "notify"
--- @include "count"
--- @include "settle_one"
--- @include "streams"
-- The task id inside a message, or nil when it cannot be read.
local function id_in(message, entry)
  local ok, parts = pcall(cjson.decode, parse_message(message, entry).envelope)
  if ok and type(parts) == 'table' and type(parts[1]) == 'string' then return parts[1] end
  return nil
end

-- Ends a running task as cancelled when somebody had asked for it, before it is handed on.
local function cancel_if_asked(queue, priority, entry, id, message, count)
  local request = redis.call('HGET', CANCELS, id)
  if not request then return false end
  local ok, asked = pcall(cjson.decode, request)
  local parsed = parse_message(message, entry)
  local stream, now = stream_key(queue, priority), now_ms()
  redis.call('XACK', stream, GROUP, entry)
  redis.call('XDEL', stream, entry)
  clear_marks(queue, id, unique_key_in(parsed.envelope) or '')
  write_ended(id, {
    state = 'C', queue = queue, priority = priority, attempt = parsed.attempt,
    deliveries = parsed.deliveries + count, replays = parsed.replays, enqueued = parsed.enqueued,
    finished = now, reason = ok and asked.reason or '', envelope = parsed.envelope,
  }, ok and asked.ttlMs or 86400000)
  notify({ id }, 'C')
  count_task('C', parsed.envelope, queue, now)
  return true
end

-- Hands an entry to the stand-in consumer, where it keeps its place at the head of the stream. `spent`
-- says whether the hand-out counts: it does when a worker was lost, not when it gave the task back.
local function give_back(queue, priority, entry, count, spent)
  redis.call('XCLAIM', stream_key(queue, priority), GROUP, RETURNED, 0, entry,
    'RETRYCOUNT', spent and count or count - 1, 'JUSTID')
  redis.call('HINCRBY', meta_key(queue), 'r' .. priority, 1)
end

-- Gives back everything a consumer holds in a queue, except the entries in `kept`.
local function give_back_all(consumer, queue, kept)
  local returned = 0
  for _, pair in ipairs(streams_of(queue)) do
    local priority, stream = pair[1], pair[2]
    each_pending(stream, consumer, function(entry, count)
      if kept[stream .. entry] then return end
      local message = message_at(stream, entry)
      if not message then return redis.call('XACK', stream, GROUP, entry) end
      local id = id_in(message, entry)
      if id and cancel_if_asked(queue, priority, entry, id, message, count - 1) then return end
      give_back(queue, priority, entry, count, false)
      returned = returned + 1
    end)
  end
  if returned > 0 then wake(queue) end
  return returned
end
