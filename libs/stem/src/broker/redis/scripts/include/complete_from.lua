--- @include "keys"
--- @include "record"
--- @include "notify"
-- complete: running -> succeeded, for `complete` and `claim`. ARGV from `i` to its end:
--
--   number of claims to give back, followed by pairs: unique key, id
--   number of tasks with an expiry or a progress, followed by pairs: queue, id
--   groups of queue, priority, n, and n times: entry, id, ttl in ms (0 keeps nothing), record
--
-- Returns the indexes (from 0) of tasks that were not held. The record comes ready-made, so that nothing is
-- decoded and written again here.
local function complete_from(i)
  local function pairs_of(each)
    local n = tonumber(ARGV[i])
    i = i + 1
    for _ = 1, n do
      each(ARGV[i], ARGV[i + 1])
      i = i + 2
    end
  end
  local claims, marks = {}, {}
  pairs_of(function(key, id) claims[#claims + 1] = { key, id } end)
  pairs_of(function(queue, id) marks[#marks + 1] = { queue, id } end)

  local not_held, ended, index = {}, {}, 0
  while i <= #ARGV do
    local queue, priority, n = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
    local stream = stream_key(queue, priority)
    local entries = {}
    for k = 1, n do entries[k] = ARGV[i + 4 * k - 1] end
    local acknowledged = redis.call('XACK', stream, GROUP, unpack(entries))
    redis.call('XDEL', stream, unpack(entries))
    local settled = 0
    for k = 1, n do
      local from = i + 4 * k - 1
      local id, ttl = ARGV[from + 1], ARGV[from + 2]
      local held = true
      if acknowledged ~= n then
        -- One of them was not pending: a repeated call, or a stream somebody tampered with. The record says.
        local record = read_record(id)
        held = record and record.entry == ARGV[from]
      end
      if held then
        if ttl == '0' then
          redis.call('DEL', at .. 't:' .. id)
        else
          redis.call('SET', at .. 't:' .. id, ARGV[from + 3], 'PX', ttl)
        end
        ended[#ended + 1] = id
        settled = settled + 1
      else
        not_held[#not_held + 1] = index + k - 1
      end
    end
    if settled > 0 then redis.call('HINCRBY', counters_key(queue), 'succeeded', settled) end
    index = index + n
    i = i + 3 + 4 * n
  end
  for _, claim in ipairs(claims) do free_claim(claim[1], claim[2]) end
  for _, mark in ipairs(marks) do
    redis.call('ZREM', expiries_key(mark[1]), mark[2])
    redis.call('DEL', progress_key(mark[2]))
  end
  -- A request that came too late to be heard must not meet a later task of the same id.
  if #ended > 0 and redis.call('EXISTS', CANCELS) == 1 then redis.call('HDEL', CANCELS, unpack(ended)) end
  notify(ended, 'S')
  return not_held
end
