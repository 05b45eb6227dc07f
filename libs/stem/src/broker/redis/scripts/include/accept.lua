--- @include "keys"
--- @include "time"
--- @include "record"
--- @include "places"
-- Accepts new tasks of any kind, for `enqueue` and for the ticks of schedules.
local accepted_at = nil

-- For how long (ms) the last number of a sequence is remembered after it was used.
local SEQUENCE_TTL = 30 * 86400000

-- True when the task was created; whoever calls it wakes a worker.
local function accept_ready(stream, head, id, envelope)
  local entry = call('XADD', stream, '*', 'm', envelope)
  if call('SETNX', record_key(id), head .. entry) == 1 then return true end
  call('XDEL', stream, entry)
  return false
end

local function holder_of(claim)
  local holder = call('GET', unique_key(claim))
  if not holder then return nil end
  local record = read_record(holder)
  local lives = record and (record.state == 'q' or record.state == 's' or record.state == 'r')
  return lives and holder or nil
end

-- Returns nothing when the task was created, else the id of the one that holds the claim.
local function accept(code, id, envelope, delay, due, expires_in, expires_at, claim, claim_for, sequence, number)
  accepted_at = accepted_at or now_ms()
  local now, queue = accepted_at, queue_of[code]
  if call('EXISTS', record_key(id)) == 1 then return id end
  if sequence ~= '' then
    local last = call('GET', sequence_key(sequence))
    if last and tonumber(number) <= tonumber(last) then return id end
  end
  if claim ~= '' then
    local holder = holder_of(claim)
    if holder then return holder end
    call('SET', unique_key(claim), id)
    if claim_for ~= '' then call('PEXPIRE', unique_key(claim), claim_for) end
  end
  if sequence ~= '' then call('SET', sequence_key(sequence), number, 'PX', SEQUENCE_TTL) end
  due = delay ~= '' and now + tonumber(delay) or tonumber(due)
  if due and due > now then
    local message = write_message(0, 0, now, 0, envelope)
    call('SET', record_key(id), 's\t' .. queue .. '\t' .. code % 10 .. '\t' .. due .. '\n' .. message)
    call('ZADD', delayed_key(queue), due, id)
    -- A new earliest due time: an idle worker must set its alarm anew.
    if call('ZRANGE', delayed_key(queue), 0, 0)[1] == id then wake_once(queue) end
  elseif accept_ready(streams[code], heads[code], id, envelope) then
    wake_once(queue)
  end
  local expiry = expires_in ~= '' and now + tonumber(expires_in) or tonumber(expires_at)
  if expiry then call('ZADD', expiries_key(queue), expiry, id) end
  return nil
end
