--- @include "keys"
-- Leaves one marker for one idle worker. A second marker would wake a second worker for nothing: the
-- worker that is woken passes the wake-up on when it finds more than it can take.
local function wake(queue)
  local key = wake_key(queue)
  if redis.call('EXISTS', key) == 0 then redis.call('LPUSH', key, '1') end
end
