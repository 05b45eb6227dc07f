#!lua flags=allow-oom
-- Registers a consumer and takes its lease.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- ARGV[2]  lease in ms
-- ARGV[3]  its registration as JSON: { worker, queues }
-- ARGV[4…] the queues again
-- returns  now-ms
--- @include "keys"
--- @include "time"
--- @include "streams"
local now = now_ms()
redis.call('ZADD', LEASES, now + ARGV[2], ARGV[1])
redis.call('HSET', CONSUMERS, ARGV[1], ARGV[3])
-- What is found missing of a queue's hash is written again.
for i = 4, #ARGV do streams_of(ARGV[i]) end
return now
