-- Carries out ticks of schedules: moves each on, only if nobody else has, and enqueues its task in the
-- same step. That comparison is what makes a tick one task; the task's id, equal for everybody who tries,
-- and its record are not needed for it.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  number of queues, followed by their names; then each tick:
--   schedule, version, due      as read
--   next-due, next-at           ms, empty when it was the last
--   missed                      how many ticks are given up
--   run                         ms of the tick that is run; empty when the schedule is only moved on, and
--                               then nothing follows for this tick
--   planned                     ms, from where drift counts
--   unless-active               '1': leave it out when the run before is not over
--   previous                    'ask', or what is known of the run before: 'active', 'failed', 'other'
--   pending                     JSON of the task, when it lives elsewhere, else ''
--   code, id, envelope, expires-in, expires-at, unique, unique-for     the task, as in `enqueue`; code is
--                               empty when it lives elsewhere
-- returns  for each tick: outcome, and what belongs to it
--            'moved', ''; 'enqueued', drift-ms; 'pending', drift-ms; 'missed', '';
--            'overlap', id of the task before; 'unique', id of the task that holds the claim
-- errors   WRONGTYPE before anything is written, when a stream's key is of a foreign type
--- @include "accept"
--- @include "schedule"

-- How long (ms) a pending task is left to the one that made it so.
local PENDING_RECOVERY = 5000

local HEAD, RUN, TASK = 7, 4, 7
local first = tonumber(ARGV[1]) + 2

local i = first
while i <= #ARGV do
  if ARGV[i + HEAD - 1] ~= '' then
    local code = tonumber(ARGV[i + HEAD + RUN])
    if code then open_code(code, ARGV[2 + math.floor(code / 10)]) end
    i = i + RUN + TASK
  end
  i = i + HEAD
end

local now = now_ms()

local function previous_of(task)
  local record = task and read_record(task)
  if not record then return 'other' end
  if record.state == 'q' or record.state == 's' or record.state == 'r' then return 'active' end
  return record.state == 'F' and 'failed' or 'other'
end

local function carry_out(at_tick)
  local id, version, due, next_due, next_at, missed, run = unpack(ARGV, at_tick, at_tick + HEAD - 1)
  local key = schedule_key(id)
  local known = redis.pcall('HMGET', key, 'v', 'due', 'pending', 'task')
  if known.err or known[1] ~= version or known[2] ~= due or known[3] then return 'moved', '' end
  if missed ~= '0' then redis.call('HINCRBY', key, 'missed', missed) end
  redis.call('HSET', key, 'last', run ~= '' and run or due)
  if run == '' then
    place(id, next_due, next_at)
    return 'missed', ''
  end

  local planned, unless_active, previous, pending = unpack(ARGV, at_tick + HEAD, at_tick + HEAD + RUN - 1)
  if previous == 'ask' then previous = previous_of(known[4]) end
  if previous == 'failed' then redis.call('HINCRBY', key, 'failures', 1) end
  if previous == 'active' and unless_active == '1' then
    redis.call('HINCRBY', key, 'skipped', 1)
    place(id, next_due, next_at)
    return 'overlap', known[4] or ''
  end

  local code, task, envelope, expires_in, expires_at, claim, claim_for =
    unpack(ARGV, at_tick + HEAD + RUN, at_tick + HEAD + RUN + TASK - 1)
  redis.call('HDEL', key, 'error', 'failed')
  if pending == '' then
    local holder = accept(
      tonumber(code), task, envelope, '', '', expires_in, expires_at, claim, claim_for, '', '')
    -- A record of this very id is the tick's own task.
    if holder and holder ~= task then
      redis.call('HINCRBY', key, 'skipped', 1)
      place(id, next_due, next_at)
      return 'unique', holder
    end
    redis.call('HINCRBY', key, 'runs', 1)
  end
  local drift = now - tonumber(planned)
  redis.call('HSET', key, 'fired', now, 'drift', drift, 'task', task)
  if pending == '' then
    place(id, next_due, next_at)
    return 'enqueued', drift
  end
  redis.call('HSET', key, 'pending', pending)
  redis.call('ZADD', SCHEDULES_DUE, now + PENDING_RECOVERY, id)
  place(id, next_due, next_at)
  return 'pending', drift
end

local reply = {}
i = first
while i <= #ARGV do
  local outcome, detail = carry_out(i)
  reply[#reply + 1] = outcome
  reply[#reply + 1] = detail
  i = i + HEAD + (ARGV[i + HEAD - 1] ~= '' and RUN + TASK or 0)
end
return reply
