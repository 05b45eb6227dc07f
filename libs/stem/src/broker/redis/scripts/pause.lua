#!lua flags=allow-oom
-- Stops or resumes handing out tasks of a queue.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  queue
-- ARGV[2]  1 to pause, 0 to resume
-- returns  1
--- @include "wake"
redis.call('SADD', QUEUES, ARGV[1])
if ARGV[2] == '1' then
  redis.call('HSET', meta_key(ARGV[1]), 'paused', '1')
else
  redis.call('HDEL', meta_key(ARGV[1]), 'paused')
  wake(ARGV[1])
end
return 1
