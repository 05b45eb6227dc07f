#!lua flags=allow-oom
-- release: running -> queued, at its old place; or -> cancelled when a stop was asked for meanwhile
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- then     for each task: queue, priority, entry, id
-- returns  'lease-lost', or indexes (from 0) of tasks that were not held
--- @include "lease"
--- @include "give_back"
local consumer = ARGV[1]
if not holds_lease(consumer) then return 'lease-lost' end

local not_held, woken, index = {}, {}, 0
for i = 2, #ARGV, 4 do
  local queue, priority, entry, id = unpack(ARGV, i, i + 3)
  local stream = stream_key(queue, priority)
  local row = pending_row(stream, entry)
  if not row or row[2] ~= consumer then
    not_held[#not_held + 1] = index
  elseif not cancel_if_asked(queue, priority, entry, id, message_at(stream, entry) or '', row[4] - 1) then
    give_back(queue, priority, entry, row[4], false)
    redis.call('DEL', progress_key(id))
    woken[queue] = true
  end
  index = index + 1
end
for queue in pairs(woken) do wake(queue) end
return not_held
