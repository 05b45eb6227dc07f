--- @include "keys"
-- Whether the consumer still owns what it claimed. A lease that ran out but was not reclaimed yet still
-- counts: nobody else was given its tasks, and reclaim removes the lease in the same step that does so.
--
-- Looked up in the register, which a consumer enters and leaves together with its lease: the answer to ZSCORE
-- is a number that Redis would write as text in every call.
local function holds_lease(consumer) return redis.call('HEXISTS', CONSUMERS, consumer) == 1 end
