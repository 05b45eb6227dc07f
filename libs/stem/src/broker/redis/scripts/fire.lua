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
  -- The first letter of a record is its state; reading all of a big one would take its time.
  local state = task and redis.pcall('GETRANGE', record_key(task), 0, 0)
  if state == 'q' or state == 's' or state == 'r' then return 'active' end
  return state == 'F' and 'failed' or 'other'
end

-- Writes what has become of a tick, all at once: this runs for every tick of every schedule. The next look
-- is later than this one, so nobody has to be told of it.
local function move_on(key, id, next_due, next_at, look, fields)
  if next_due == '' then
    redis.call('HDEL', key, 'due', 'at')
  else
    fields[#fields + 1] = 'due'
    fields[#fields + 1] = next_due
    fields[#fields + 1] = 'at'
    fields[#fields + 1] = next_at
  end
  redis.call('HSET', key, unpack(fields))
  local at_next = tonumber(next_at)
  if at_next and (not look or at_next < look) then look = at_next end
  if look then
    redis.call('ZADD', SCHEDULES_DUE, look, id)
  else
    redis.call('ZREM', SCHEDULES_DUE, id)
  end
end

local function carry_out(at_tick)
  local id, version, due, next_due, next_at, missed, run = unpack(ARGV, at_tick, at_tick + HEAD - 1)
  local key = schedule_key(id)
  local known = redis.pcall('HMGET', key, 'v', 'due', 'pending', 'task', 'error', 'runs')
  if known.err or known[1] ~= version or known[2] ~= due or known[3] then return 'moved', '' end
  local last_task = known[4]
  if missed ~= '0' then redis.call('HINCRBY', key, 'missed', missed) end
  if run == '' then
    move_on(key, id, next_due, next_at, nil, { 'last', due })
    return 'missed', ''
  end

  local planned, unless_active, previous, pending = unpack(ARGV, at_tick + HEAD, at_tick + HEAD + RUN - 1)
  if previous == 'ask' then previous = previous_of(last_task) end
  if previous == 'failed' then redis.call('HINCRBY', key, 'failures', 1) end
  if previous == 'active' and unless_active == '1' then
    redis.call('HINCRBY', key, 'skipped', 1)
    move_on(key, id, next_due, next_at, nil, { 'last', run })
    return 'overlap', last_task or ''
  end

  local code, task, envelope, expires_in, expires_at, claim, claim_for =
    unpack(ARGV, at_tick + HEAD + RUN, at_tick + HEAD + RUN + TASK - 1)
  if known[5] then redis.call('HDEL', key, 'error', 'failed') end
  local drift = now - tonumber(planned)
  local fields = { 'last', run, 'fired', now, 'drift', drift, 'task', task }
  if pending ~= '' then
    fields[#fields + 1] = 'pending'
    fields[#fields + 1] = pending
    move_on(key, id, next_due, next_at, now + PENDING_RECOVERY, fields)
    return 'pending', drift
  end
  local holder = accept(
    tonumber(code), task, envelope, '', '', expires_in, expires_at, claim, claim_for, '', '')
  -- A record of this very id is the tick's own task.
  if holder and holder ~= task then
    redis.call('HINCRBY', key, 'skipped', 1)
    move_on(key, id, next_due, next_at, nil, { 'last', run })
    return 'unique', holder
  end
  fields[#fields + 1] = 'runs'
  fields[#fields + 1] = (tonumber(known[6] or '') or 0) + 1
  move_on(key, id, next_due, next_at, nil, fields)
  return 'enqueued', drift
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
