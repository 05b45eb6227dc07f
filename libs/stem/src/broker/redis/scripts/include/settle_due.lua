--- @include "keys"
--- @include "record"
--- @include "ready"
--- @include "wake"
--- @include "end_waiting"
-- `expire`: settles tasks that were still waiting when their expiry came. Returns how many were looked at.
local function expire_due(queue, now, budget, ttl)
  local key = expiries_key(queue)
  local due = redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, budget)
  local expired = 0
  for _, id in ipairs(due) do
    local record = read_record(id)
    -- Retrying tasks have been started: expiry is about the first start.
    if record and record.state ~= 'r' and end_waiting(id, 'E', '', ttl, now) == 'ended' then
      expired = expired + 1
    end
    redis.call('ZREM', key, id)
  end
  return #due, expired
end

-- `promote`: moves tasks whose due time has come into their streams. Returns how many.
local function promote_due(queue, now, budget)
  local key = delayed_key(queue)
  local due = redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, budget)
  if #due == 0 then return 0 end
  local streams = {}
  for _, id in ipairs(due) do
    local record = read_record(id)
    if record and (record.state == 's' or record.state == 'r') and record.message then
      local stream = streams[record.priority]
      if not stream then
        stream = open_stream(queue, record.priority)
        streams[record.priority] = stream
      end
      make_ready(stream, queue, record.priority, id, record.message)
    end
  end
  redis.call('ZREM', key, unpack(due))
  return #due
end
