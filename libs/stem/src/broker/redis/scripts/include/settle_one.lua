--- @include "keys"
--- @include "record"
--- @include "pending"
-- Takes one running task out of its stream. False when this consumer does not hold that very entry.
local function take_out(consumer, queue, priority, entry)
  local stream = stream_key(queue, priority)
  local row = pending_row(stream, entry)
  if not row or row[2] ~= consumer then return false end
  redis.call('XACK', stream, GROUP, entry)
  redis.call('XDEL', stream, entry)
  return true
end

-- Forgets what was kept beside the record while the task ran.
local function clear_marks(queue, id, unique)
  redis.call('ZREM', expiries_key(queue), id)
  redis.call('DEL', progress_key(id))
  redis.call('HDEL', CANCELS, id)
  if unique ~= '' then free_claim(unique, id) end
end
