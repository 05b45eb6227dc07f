-- enqueue: – -> queued / scheduled
--
-- KEYS[1]  the partition's prefix
-- ARGV     queues and runs of tasks, see include/accept_runs.lua
-- returns  for each task that was not created: its index (from 0), id of the one that holds the claim
-- errors   WRONGTYPE before anything is written, when a stream's key is of a foreign type
--
-- A task whose record exists is not created again. That also makes the call safe to repeat when its
-- answer was lost.
--- @include "keys"
--- @include "wake"

-- A plain task by itself, for a stream that workers know of. It goes first: with what all the other cases
-- need it would take twice as long.
if #ARGV == 6 and ARGV[1] == '1' and tonumber(ARGV[3]) >= 0 then
  local queue, priority, id, envelope = ARGV[2], ARGV[3], ARGV[5], ARGV[6]
  if redis.call('HEXISTS', meta_key(queue), 'p' .. priority) == 1 then
    local stream = stream_key(queue, priority)
    local entry = redis.call('XADD', stream, '*', 'm', envelope)
    local pointer = 'q\t' .. queue .. '\t' .. priority .. '\t' .. entry
    if redis.call('SETNX', record_key(id), pointer) == 0 then
      redis.call('XDEL', stream, entry)
      return { 0, id }
    end
    wake(queue)
    return {}
  end
end

--- @include "accept_runs"
return accept_runs(ARGV)
