#!lua flags=allow-oom
-- Keeps the result of a task in a Redis that is full, and refuses a plain SET: a worker that could not get rid of its
-- results would stand still.
--
-- KEYS[1]  key of the result
-- ARGV[1]  result as JSON
-- ARGV[2]  retention in ms
-- returns  1
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
