--- @include "keys"
--- @include "ready"
--- @include "wake"
-- Where new tasks go. A code is a queue's index times 10 plus a priority; open_code must have been called for
-- it, before anything is written.
local call = redis.call
local streams, heads, queue_of, woken = {}, {}, {}, {}

local function open_code(code, queue)
  if streams[code] then return end
  local priority = code % 10
  streams[code] = open_stream(queue, priority)
  heads[code] = 'q\t' .. queue .. '\t' .. priority .. '\t'
  queue_of[code] = queue
end

local function wake_once(queue)
  if woken[queue] then return end
  woken[queue] = true
  wake(queue)
end
