--- @include "keys"
-- complete: running -> succeeded, for `complete` and `claim`. ARGV from `i` to its end:
--
--   number of records that were written ahead of the call, followed by their tasks' ids
--   number of claims to give back, followed by pairs: unique key, id
--   number of tasks with an expiry or a progress, followed by pairs: queue, id
--   groups of queue, priority, n, ttl in ms (0 keeps nothing), n entries, and n times: id, record;
--   or of queue, priority, n, 'staged', n entries, and n times: id, ttl in ms of the record written ahead
--
-- Returns the indexes (from 0) of tasks that were not held. The record comes ready-made, so that nothing is
-- decoded and written again here.

-- What is seldom needed is defined where it is needed: defining it takes time in every call.

-- From this many entries on it pays to look whether they are the oldest of their stream.
local TRIM_FROM = 8

-- Deletes entries, ARGV from `first` to `last`, that were pending just now and are acknowledged. XDEL walks
-- through a stream's node for each of them; XTRIM drops whole nodes. Entries before the oldest that is pending
-- were all handed out and have ended, and each was deleted when it did: what is left of them is what we delete
-- here.
local function delete_acknowledged(stream, first, last)
  local n = last - first + 1
  if n >= TRIM_FROM then
    local oldest = redis.call('XPENDING', stream, GROUP, '-', '+', 1)[1]
    if oldest and redis.call('XTRIM', stream, 'MINID', oldest[1]) == n then return end
  end
  redis.call('XDEL', stream, unpack(ARGV, first, last))
end

local function complete_from(i, consumer)
  local staged_from = i + 1
  i = staged_from + tonumber(ARGV[i])
  if i > staged_from then
    -- Nothing may be settled before it is sure that its record can be put in its place.
    local keys = {}
    for k = staged_from, i - 1 do keys[#keys + 1] = staged_key(consumer, ARGV[k]) end
    if redis.call('EXISTS', unpack(keys)) < #keys then
      error({ err = 'UNSTAGED a record that should have been written ahead of this call is not there' })
    end
  end
  local claims_from = i + 1
  local marks_from = claims_from + 2 * tonumber(ARGV[i]) + 1
  local groups_from = marks_from + 2 * tonumber(ARGV[marks_from - 1])

  -- Whether anybody has to be told of the end of a task.
  local tells = redis.call('EXISTS', CANCELS, WAITERS) > 0
  local not_held, ended, index, records = {}, {}, 0, record_key('')
  i = groups_from
  while i <= #ARGV do
    local queue, priority, n, ttl = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3]
    local stream = stream_key(queue, priority)
    local first, last = i + 4, i + 3 + n
    local was_held = nil
    if redis.call('XACK', stream, GROUP, unpack(ARGV, first, last)) == n then
      delete_acknowledged(stream, first, last)
    else
      redis.call('XDEL', stream, unpack(ARGV, first, last))
      -- One of several entries was not pending: a repeated call, or a stream somebody tampered with. The record
      -- says which.
      --- @include "record"
      was_held = function(id, entry)
        local record = read_record(id)
        return record and record.entry == entry
      end
    end
    local missed = #not_held
    for k = 1, n do
      local id, record = ARGV[last + 2 * k - 1], ARGV[last + 2 * k]
      if was_held and not was_held(id, ARGV[last - n + k]) then
        not_held[#not_held + 1] = index + k - 1
      else
        if ttl == '0' then
          redis.call('DEL', records .. id)
        elseif ttl == 'staged' then
          -- An error would end the script with the tasks behind this one acknowledged and not recorded. There is
          -- one when somebody put a second entry with the same id into the stream: the record is in its place.
          redis.pcall('RENAME', staged_key(consumer, id), records .. id)
          redis.call('PEXPIRE', records .. id, record)
        else
          redis.call('PSETEX', records .. id, ttl, record)
        end
        if tells then ended[#ended + 1] = id end
      end
    end
    missed = #not_held - missed
    if missed < n then
      -- As the text it came as: to write a number as text takes longer than the rest of a short call.
      redis.call('HINCRBY', counters_key(queue), 'succeeded', missed == 0 and ARGV[i + 2] or n - missed)
    end
    index = index + n
    i = last + 2 * n + 1
  end
  if groups_from > claims_from + 1 then
    --- @include "record"
    for k = claims_from, marks_from - 2, 2 do free_claim(ARGV[k], ARGV[k + 1]) end
    for k = marks_from, groups_from - 1, 2 do
      redis.call('ZREM', expiries_key(ARGV[k]), ARGV[k + 1])
      redis.call('DEL', progress_key(ARGV[k + 1]))
    end
  end
  if #ended > 0 then
    --- @include "notify"
    -- A request to stop that came too late to be heard must not meet a later task of the same id.
    redis.call('HDEL', CANCELS, unpack(ended))
    notify(ended, 'S')
  end
  return not_held
end
