#!lua flags=allow-oom
-- renew: running -> running, for everything the consumer holds
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- ARGV[2]  lease in ms
-- returns  now-ms, or 'lease-lost'
--
-- A lease is never shortened: one that a handler extended stays as long as it asked for.
--- @include "keys"
--- @include "time"
local now = now_ms()
local renewed = redis.call('ZADD', LEASES, 'XX', 'GT', 'CH', now + ARGV[2], ARGV[1]) == 1
if not renewed and not redis.call('ZSCORE', LEASES, ARGV[1]) then return 'lease-lost' end
return now
