#!lua flags=allow-oom
-- complete: running -> succeeded
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- ARGV[2…] tasks, as include/complete_from.lua says
-- returns  'lease-lost', or indexes (from 0) of tasks that were not held
--- @include "lease"
--- @include "complete_from"
if not holds_lease(ARGV[1]) then return 'lease-lost' end
return complete_from(2, ARGV[1])
