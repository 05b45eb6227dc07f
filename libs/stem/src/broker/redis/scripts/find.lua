-- Reads what is known of tasks.
--
-- KEYS[1]  the partition's prefix
-- ARGV     ids
-- returns  now-ms, then for each id: {} when unknown, else { record, message, holder, started-ms,
--          hand-outs, progress }, the last five empty where they do not apply
--
-- While a task is in its stream the group's pending list is its state: held by a consumer means running.
--- @include "time"
--- @include "record"
--- @include "pending"

-- The pending row of an entry and the time of its hand-out. Redis tells for how long it has been pending;
-- that is only exact when the clock did not move on while it was asked.
local function pending_since(stream, entry)
  local row, before, after
  repeat
    before = now_ms()
    row = pending_row(stream, entry)
    after = now_ms()
  until before == after
  return row, row and after - row[3]
end

local reply = { now_ms() }
for i, id in ipairs(ARGV) do
  local found = {}
  local record = read_record(id)
  if record then
    local message, holder, started, count, progress = '', '', 0, 0, ''
    local exists = true
    if record.state == 'q' then
      local stream = stream_key(record.queue, record.priority)
      message = message_at(stream, record.entry or '')
      exists = message ~= nil
      local row, since = nil, 0
      if exists then row, since = pending_since(stream, record.entry) end
      if row then
        holder = row[2] ~= RETURNED and row[2] or ''
        started, count = since, row[4]
      end
      progress = redis.call('GET', progress_key(id)) or ''
    end
    if exists then
      found = { redis.call('GET', record_key(id)), message, holder, started, count, progress }
    end
  end
  reply[i + 1] = found
end
return reply
