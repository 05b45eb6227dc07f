--- @include "keys"
-- Whether the consumer still owns what it claimed. A lease that ran out but was not reclaimed yet still
-- counts: nobody else was given its tasks, and reclaim removes the lease in the same step that does so.
local function holds_lease(consumer) return redis.call('ZSCORE', LEASES, consumer) ~= false end
