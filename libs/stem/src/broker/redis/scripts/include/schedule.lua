--- @include "keys"
--- @include "time"
-- A schedule is a hash:
--   def           its definition as JSON
--   v             version, grown by every change of the definition
--   override      p paused, r resumed: what an operator said over the definition
--   due, at       the next tick's own time, and when it is carried out (ms); absent when there is none
--   created, updated                      ms
--   runs, failures, skipped, missed       counts of ticks
--   last, fired, drift, task              the last tick, when it was carried out, how late, its task
--   error, failed                         why the last tick was not carried out, and when
--   pending       JSON of a task that the broker may not have accepted yet

-- Whether these fields are those of a schedule, and the record as a flat list, or nil.
local function read_schedule(id)
  local fields = redis.pcall('HGETALL', schedule_key(id))
  if fields.err or #fields == 0 then return nil end
  return fields
end

-- Says when the schedule is to be looked at; never when `time` is nil.
local function look_at(id, time)
  if not time then
    redis.call('ZREM', SCHEDULES_DUE, id)
    return
  end
  local first = redis.call('ZRANGE', SCHEDULES_DUE, 0, 0, 'WITHSCORES')
  redis.call('ZADD', SCHEDULES_DUE, time, id)
  if not first[2] or time < tonumber(first[2]) then
    redis.call('PUBLISH', SCHEDULES_CHANNEL, time)
  end
end

-- Gives the schedule its next tick, or none (empty texts).
local function place(id, due, fire_at)
  local key = schedule_key(id)
  local look = tonumber(fire_at)
  if look then
    redis.call('HSET', key, 'due', due, 'at', fire_at)
  else
    redis.call('HDEL', key, 'due', 'at')
  end
  if redis.call('HEXISTS', key, 'pending') == 1 then
    -- Whoever has left a task pending may be gone.
    local recovery = tonumber(redis.call('ZSCORE', SCHEDULES_DUE, id) or now_ms())
    if not look or recovery < look then look = recovery end
  end
  look_at(id, look)
end
