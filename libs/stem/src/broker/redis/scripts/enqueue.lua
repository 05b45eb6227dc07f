-- enqueue: – -> queued / scheduled
--
-- KEYS[1]  the partition's prefix
-- ARGV     queues and runs of tasks, see include/accept_runs.lua; or for one task that is nothing but ready now:
--            '', queue, priority, id, envelope
-- returns  for each task that was not created: its index (from 0), id of the one that holds the claim
-- errors   WRONGTYPE before anything is written, when a stream's key is of a foreign type
--
-- A task whose record exists is not created again. That also makes the call safe to repeat when its
-- answer was lost.
--- @include "keys"
--- @include "wake"

local args = ARGV

-- One task goes first, as long as its stream is there: with what all the other cases need it would take twice as
-- long. That workers know of a stream that is there, they see to themselves (see include/streams.lua).
if ARGV[1] == '' then
  local queue, priority, id, envelope = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
  local stream = stream_key(queue, priority)
  local entry = redis.call('XADD', stream, 'NOMKSTREAM', '*', 'm', envelope)
  if entry then
    local pointer = 'q\t' .. queue .. '\t' .. priority .. '\t' .. entry
    if redis.call('SETNX', record_key(id), pointer) == 0 then
      redis.call('XDEL', stream, entry)
      return { 0, id }
    end
    wake(queue)
    return {}
  end
  args = { '1', queue, 'plain', priority, '1', id, envelope }
end

--- @include "accept_runs"
return accept_runs(args)
