-- Keeps the latest progress of running tasks.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- then     for each task: id, progress as JSON, retention in ms
-- returns  1, or 'lease-lost'
--- @include "lease"
if not holds_lease(ARGV[1]) then return 'lease-lost' end
for i = 2, #ARGV, 3 do
  redis.call('SET', progress_key(ARGV[i]), ARGV[i + 1], 'PX', ARGV[i + 2])
end
return 1
