#!lua flags=allow-oom
-- Keeps the latest progress of running tasks.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- then     for each task: queue, priority, entry, id, progress as JSON, retention in ms
-- returns  1, or 'lease-lost'
--
-- A report that comes after the end of its task is dropped: nothing would ever delete it.
--- @include "lease"
--- @include "pending"
local consumer = ARGV[1]
if not holds_lease(consumer) then return 'lease-lost' end
for i = 2, #ARGV, 6 do
  local queue, priority, entry, id, progress, ttl = unpack(ARGV, i, i + 5)
  local row = pending_row(stream_key(queue, priority), entry)
  if row and row[2] == consumer then redis.call('SET', progress_key(id), progress, 'PX', ttl) end
end
return 1
