#!lua flags=allow-oom
-- Deletes dead letters for good.
--
-- KEYS[1]  the partition's prefix
-- ARGV     ids
-- returns  how many there were
--- @include "record"
local discarded = 0
for _, id in ipairs(ARGV) do
  local record = read_record(id)
  if record and record.state == 'F' then
    redis.call('ZREM', dead_key(record.queue), id)
    redis.call('DEL', record_key(id))
    discarded = discarded + 1
  end
end
return discarded
