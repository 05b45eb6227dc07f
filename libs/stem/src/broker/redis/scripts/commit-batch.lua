-- commit-batch: accepts a batch whose pieces have been written. From here on all of its tasks will be enqueued,
-- by its client or, when that dies, by workers.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  batch
-- ARGV[2]  how many pieces it has
-- ARGV[3]  ms from now until others may move them
-- ARGV[4…] queue, priority of every stream that its tasks may go to
-- returns  1; or 0 when a piece is not there, and nothing is accepted
-- errors   WRONGTYPE before anything is accepted, when a stream's key is of a foreign type
--- @include "keys"
--- @include "ready"
--- @include "time"
local batch, pieces, until_others = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

-- A repeated call, whose answer was lost.
if redis.call('EXISTS', batch_key(batch)) == 1 then return 1 end

for piece = 1, pieces do
  if redis.call('EXISTS', piece_key(batch, piece)) == 0 then return 0 end
end
for i = 4, #ARGV, 2 do open_stream(ARGV[i], ARGV[i + 1]) end

-- First what could still be refused.
redis.call('ZADD', BATCHES, now_ms() + until_others, batch)
redis.call('HSET', batch_key(batch), 'pieces', pieces, 'next', 1)
for piece = 1, pieces do redis.call('PERSIST', piece_key(batch, piece)) end
return 1
