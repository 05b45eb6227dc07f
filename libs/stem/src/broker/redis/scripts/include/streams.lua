--- @include "keys"
--- @include "wake"
-- The hash of a queue was deleted or evicted, or part of it: claims, which go by it, would pass its tasks over
-- for ever. All but a pause is written in the streams, too.
local function make_known(queue, streams)
  for i, stream in ipairs(streams) do
    local priority = 10 - i
    if redis.call('EXISTS', stream) == 1 then
      redis.call('HSET', meta_key(queue), 'p' .. priority, '1')
      local pending = redis.pcall('XPENDING', stream, GROUP)
      for _, row in ipairs(not pending.err and pending[4] or {}) do
        if row[1] == RETURNED then redis.call('HSET', meta_key(queue), 'r' .. priority, row[2]) end
      end
    end
  end
  redis.call('SADD', QUEUES, queue)
  wake(queue)
end

-- Every stream of a queue that was ever used, as pairs of priority and key, the highest priority first.
local function streams_of(queue)
  local fields, streams = {}, {}
  for priority = 9, 0, -1 do
    fields[#fields + 1] = 'p' .. priority
    streams[#streams + 1] = stream_key(queue, priority)
  end
  local found = {}
  local function look()
    found = {}
    for i, exists in ipairs(redis.call('HMGET', meta_key(queue), unpack(fields))) do
      if exists then found[#found + 1] = { 10 - i, streams[i] } end
    end
  end
  look()
  if redis.call('EXISTS', unpack(streams)) > #found then
    make_known(queue, streams)
    look()
  end
  return found
end
