-- The map of keys. A script touches the keys of one partition only; they share the hash tag with which
-- KEYS[1], the partition's prefix `{namespace:partition}:`, begins.
local at = KEYS[1]

-- Consumer group of every stream, and the stand-in consumer that holds tasks given back by workers.
local GROUP = 'stem'
local RETURNED = '~returned'

-- sorted set: consumer -> end of its lease (ms)
local LEASES = at .. 'leases'
-- hash: consumer -> JSON of its registration { worker, queues }
local CONSUMERS = at .. 'consumers'
-- set: every queue ever used
local QUEUES = at .. 'queues'
-- hash: task id -> comma-separated channels of clients that wait for its end
local WAITERS = at .. 'waiters'
-- sorted set: accepted batch that has pieces left -> time (ms) from which others than its client may move them
local BATCHES = at .. 'batches'
-- hash: task id -> JSON of the request to stop it; only of tasks that run
local CANCELS = at .. 'cancels'
-- sorted set: schedule -> time (ms) of the next look at it; those that are paused or done are not in it
local SCHEDULES_DUE = at .. 'schedules:due'
-- sorted set, all scores 0: every schedule, in the order of their ids
local SCHEDULES = at .. 'schedules'
-- hash: process -> time of its last heartbeat (ms), a blank, and the heartbeat as JSON
local PROCESSES = at .. 'processes'
-- sorted set: process -> when it is forgotten (ms)
local PROCESS_ENDS = at .. 'processes:ends'
-- stream: events for operators; an entry holds a batch of them (e, as JSON) and says how many (n)
local EVENTS = at .. 'events'
-- string: how many events the stream holds
local EVENTS_KEPT = at .. 'events:kept'
-- channel: told when a schedule becomes due earlier than any before
local SCHEDULES_CHANNEL = at .. 'schedules'

-- stream: ready and running tasks of one queue and priority
local function stream_key(queue, priority) return at .. 'q:' .. priority .. ':' .. queue end
-- string: what is kept of a task (see record.lua)
local function record_key(id) return at .. 't:' .. id end
-- string: what is to be kept of a task that a consumer completes, on its way to `record_key`; goes by itself
local function staged_key(consumer, id) return at .. 'c:' .. consumer .. ':' .. id end
-- sorted set: id -> due time (ms) of scheduled and retrying tasks
local function delayed_key(queue) return at .. 'd:' .. queue end
-- sorted set: id -> expiry (ms) of tasks that have one and have not ended
local function expiries_key(queue) return at .. 'x:' .. queue end
-- sorted set: id -> time of death (ms) of dead letters
local function dead_key(queue) return at .. 'f:' .. queue end
-- hash: paused, p<priority> (the stream exists), r<priority> (how many tasks were given back)
local function meta_key(queue) return at .. 'm:' .. queue end
-- hash: succeeded, failed, retried
local function counters_key(queue) return at .. 'n:' .. queue end
-- list: at most one wake-up marker
local function wake_key(queue) return at .. 'w:' .. queue end
-- hash: of an accepted batch: pieces (how many there are), next (the one to be moved next, from 1)
local function batch_key(batch) return at .. 'b:' .. batch end
-- string: tasks of a batch, see include/piece.lua; once they are moved what became of them, as JSON
local function piece_key(batch, piece) return at .. 'b:' .. batch .. ':' .. piece end
-- string: id of the task that holds a unique claim
local function unique_key(key) return at .. 'u:' .. key end
-- string: number of the last task that was accepted of a sequence
local function sequence_key(key) return at .. 'o:' .. key end
-- string: time (ms) of the next free turn under a rate limit
local function turn_key(limit) return at .. 'l:' .. limit end
-- string: JSON of the latest progress of a running task
local function progress_key(id) return at .. 'p:' .. id end
-- hash: what was counted in the minute that began at a time (ms), by the fields of core/count-fields.ts
local function counts_key(minute) return at .. 'counts:' .. string.format('%.0f', minute) end
-- string: number of the last batch of counts and events that was recorded of a process
local function recorded_key(source) return at .. 'recorded:' .. source end
-- hash: a schedule (see schedule.lua)
local function schedule_key(id) return at .. 's:' .. id end
