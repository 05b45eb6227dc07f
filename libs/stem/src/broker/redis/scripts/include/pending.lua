--- @include "keys"
-- Looks at the group's pending list. A stream that was deleted or is of a foreign type has nothing
-- pending; it must not keep the other streams from being served.

-- The row of one entry: { entry, consumer, idle-ms, hand-outs }, or nil.
local function pending_row(stream, entry)
  local rows = redis.pcall('XPENDING', stream, GROUP, entry, entry, 1)
  return not rows.err and rows[1] or nil
end

-- The first rows of one consumer, from an entry on (`-` for the beginning, `(` before one for after it).
local function pending_of(stream, consumer, from, count)
  local rows = redis.pcall('XPENDING', stream, GROUP, from, '+', count, consumer)
  return rows.err and {} or rows
end

local function each_pending(stream, consumer, visit)
  local from = '-'
  repeat
    local rows = pending_of(stream, consumer, from, 500)
    for _, row in ipairs(rows) do
      visit(row[1], row[4])
      from = '(' .. row[1]
    end
  until #rows == 0
end

-- The message of an entry, or nil when the entry is gone; empty when it has not the form of one.
local function message_at(stream, entry)
  local entries = redis.pcall('XRANGE', stream, entry, entry)
  local found = not entries.err and entries[1]
  if not found then return nil end
  return found[2][1] == 'm' and found[2][2] or ''
end
