#!lua flags=allow-oom
-- Gives tasks their turn under a rate limit, or
-- postpone: running -> scheduled, until a turn of their own; or -> cancelled when a stop was asked for
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  consumer
-- then     for each task: queue, priority, entry, id, key of the limit, interval in ms, attempt,
--          deliveries before this one, enqueued-ms, replays, envelope
-- returns  'lease-lost', or for each task 'admitted', 'postponed' or 'not-held'
--
-- Turns are handed out once and for all (a generic cell rate algorithm without burst): a postponed task
-- keeps its turn, so a long queue costs one postponement per task and not one per task and interval.
--- @include "keys"
--- @include "time"
--- @include "lease"
--- @include "give_back"
local consumer = ARGV[1]
if not holds_lease(consumer) then return 'lease-lost' end

local now = now_ms()
local reply = {}
for i = 2, #ARGV, 11 do
  local queue, priority, entry, id, limit, interval, attempt, deliveries, enqueued, replays, envelope =
    unpack(ARGV, i, i + 10)
  local row = pending_row(stream_key(queue, priority), entry)
  if not row or row[2] ~= consumer then
    reply[#reply + 1] = 'not-held'
  elseif cancel_if_asked(queue, priority, entry, id, message_at(stream_key(queue, priority), entry) or '', row[4] - 1) then
    reply[#reply + 1] = 'postponed'
  else
    local turn = math.max(tonumber(redis.call('GET', turn_key(limit)) or 0), now)
    local following = turn + tonumber(interval)
    redis.call('SET', turn_key(limit), string.format('%.3f', following), 'PX', math.ceil(following - now) + 1000)
    if turn <= now then
      reply[#reply + 1] = 'admitted'
    else
      take_out(consumer, queue, priority, entry)
      local due = math.ceil(turn)
      redis.call('SET', record_key(id), 's\t' .. queue .. '\t' .. priority .. '\t' .. due .. '\n'
        .. attempt .. ',' .. deliveries .. ',' .. enqueued .. ',' .. replays .. ',1' .. envelope)
      redis.call('ZADD', delayed_key(queue), due, id)
      if redis.call('ZRANGE', delayed_key(queue), 0, 0)[1] == id then wake(queue) end
      reply[#reply + 1] = 'postponed'
    end
  end
end
return reply
