--- @include "keys"
--- @include "record"
--- @include "pending"
--- @include "notify"
--- @include "count"
-- Takes a task out of wherever it waits and settles it. Returns 'ended' when it did, 'running' when a
-- consumer has it, 'terminal' when it has ended before, nil when there is none.
local function end_waiting(id, state, reason, ttl, now)
  local record = read_record(id)
  if not record then return nil end
  local parsed
  if record.state == 'q' then
    local stream = stream_key(record.queue, record.priority)
    local message = message_at(stream, record.entry)
    if not message then return nil end
    local row = pending_row(stream, record.entry)
    if row and row[2] ~= RETURNED then return 'running' end
    parsed = parse_message(message, record.entry)
    if row then
      parsed.deliveries = parsed.deliveries + row[4]
      redis.call('XACK', stream, GROUP, record.entry)
      redis.call('HINCRBY', meta_key(record.queue), 'r' .. record.priority, -1)
    end
    redis.call('XDEL', stream, record.entry)
  elseif record.state == 's' or record.state == 'r' then
    parsed = parse_message(record.message or '', nil)
    redis.call('ZREM', delayed_key(record.queue), id)
  else
    return 'terminal'
  end
  redis.call('ZREM', expiries_key(record.queue), id)
  local unique = unique_key_in(parsed.envelope)
  if unique then free_claim(unique, id) end
  write_ended(id, {
    state = state, queue = record.queue, priority = record.priority, attempt = parsed.attempt,
    deliveries = parsed.deliveries, replays = parsed.replays, enqueued = parsed.enqueued,
    finished = now, reason = reason, envelope = parsed.envelope, outcome = record.outcome,
  }, ttl)
  notify({ id }, state)
  count_task(state, parsed.envelope, record.queue, now)
  return 'ended'
end
