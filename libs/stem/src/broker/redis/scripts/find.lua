-- Reads what is known of tasks.
--
-- KEYS[1]  the partition's prefix
-- ARGV     ids
-- returns  now-ms, then for each id: {} when unknown, else { record, message, holder, idle-ms, hand-outs,
--          progress }, the last five empty where they do not apply
--
-- While a task is in its stream the group's pending list is its state: held by a consumer means running.
--- @include "time"
--- @include "record"
--- @include "pending"
local reply = { now_ms() }
for i, id in ipairs(ARGV) do
  local found = {}
  local record = read_record(id)
  if record then
    local message, holder, idle, count, progress = '', '', 0, 0, ''
    local exists = true
    if record.state == 'q' then
      local stream = stream_key(record.queue, record.priority)
      message = message_at(stream, record.entry or '')
      exists = message ~= nil
      local row = exists and pending_row(stream, record.entry)
      if row then
        holder = row[2] ~= RETURNED and row[2] or ''
        idle, count = row[3], row[4]
      end
      progress = redis.call('GET', progress_key(id)) or ''
    end
    if exists then
      found = { redis.call('GET', record_key(id)), message, holder, idle, count, progress }
    end
  end
  reply[i + 1] = found
end
return reply
