#!lua flags=allow-oom
-- promote: scheduled, retrying -> queued; expire: scheduled, queued -> expired
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  queue
-- ARGV[2]  most tasks to look at
-- ARGV[3]  retention of expired tasks in ms
-- returns  { promoted, expired, 1 when there may be more }
--- @include "time"
--- @include "settle_due"
local now = now_ms()
local budget = tonumber(ARGV[2])
local looked_at, expired = expire_due(ARGV[1], now, budget, ARGV[3])
local promoted = promote_due(ARGV[1], now, budget)
if promoted > 0 then wake(ARGV[1]) end
return { promoted, expired, (looked_at == budget or promoted == budget) and 1 or 0 }
