#!lua flags=allow-oom
-- Gives back tasks that were handed to a consumer whose claim was answered into a broken connection:
-- the server says it holds them, the consumer does not know.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- ARGV[2]  number of its queues, followed by their names
-- then     what it does hold: queue, priority, entry of each
-- returns  'lease-lost', or how many tasks were given back
--- @include "lease"
--- @include "give_back"
local consumer = ARGV[1]
if not holds_lease(consumer) then return 'lease-lost' end
local queue_count = tonumber(ARGV[2])
local kept = {}
for i = queue_count + 3, #ARGV, 3 do
  kept[stream_key(ARGV[i], ARGV[i + 1]) .. ARGV[i + 2]] = true
end
local returned = 0
for i = 3, queue_count + 2 do returned = returned + give_back_all(consumer, ARGV[i], kept) end
return returned
