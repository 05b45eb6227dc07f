-- replay: failed -> queued / scheduled; attempts start again, the replay is counted
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  delay in ms
-- ARGV[2…] ids
-- returns  for each id: 'replayed' or 'not-dead'
--- @include "time"
--- @include "record"
--- @include "ready"
--- @include "wake"
local delay = tonumber(ARGV[1])
local now = now_ms()
local reply = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local record = read_record(id)
  if record and record.state == 'F' and record.message then
    local queue, priority = record.queue, record.priority
    local envelope = parse_message(record.message, nil).envelope
    local message = write_message(0, 0, record.fields[7], (tonumber(record.fields[6]) or 0) + 1, envelope)
    redis.call('ZREM', dead_key(queue), id)
    local unique = unique_key_in(envelope)
    if unique then redis.call('SET', unique_key(unique), id, 'NX') end
    if delay > 0 then
      redis.call('SET', record_key(id), 's\t' .. queue .. '\t' .. priority .. '\t' .. now + delay .. '\n' .. message)
      redis.call('ZADD', delayed_key(queue), now + delay, id)
    else
      make_ready(open_stream(queue, priority), queue, priority, id, message)
    end
    wake(queue)
    reply[i - 1] = 'replayed'
  else
    reply[i - 1] = 'not-dead'
  end
end
return reply
