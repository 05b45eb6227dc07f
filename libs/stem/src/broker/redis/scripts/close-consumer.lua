#!lua flags=allow-oom
-- Gives back whatever a consumer still holds, then takes it off the register.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- ARGV[2…] its queues
-- returns  how many tasks were given back
--- @include "lease"
--- @include "give_back"
local consumer = ARGV[1]
if not holds_lease(consumer) then return 0 end
local returned = 0
for i = 2, #ARGV do
  returned = returned + give_back_all(consumer, ARGV[i], {})
  for _, pair in ipairs(streams_of(ARGV[i])) do
    redis.pcall('XGROUP', 'DELCONSUMER', pair[2], GROUP, consumer)
  end
end
redis.call('ZREM', LEASES, consumer)
redis.call('HDEL', CONSUMERS, consumer)
return returned
