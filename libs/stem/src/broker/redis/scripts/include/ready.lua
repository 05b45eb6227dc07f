--- @include "keys"
-- Makes sure that the stream of a queue and priority exists with its group, and returns its key. Fails
-- here, before anything is written, when a key of a foreign type is in the way.
local function open_stream(queue, priority)
  local key = stream_key(queue, priority)
  redis.call('XLEN', key)
  if redis.call('HSETNX', meta_key(queue), 'p' .. priority, '1') == 1 then
    redis.call('SADD', QUEUES, queue)
    redis.pcall('XGROUP', 'CREATE', key, GROUP, '0', 'MKSTREAM')
  end
  return key
end

-- Puts a message at the end of its stream and points the record at it.
local function make_ready(stream, queue, priority, id, message)
  local entry = redis.call('XADD', stream, '*', 'm', message)
  redis.call('SET', record_key(id), 'q\t' .. queue .. '\t' .. priority .. '\t' .. entry)
end
