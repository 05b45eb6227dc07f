-- Lists ready and running tasks of one queue and priority, a page at a time.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  queue
-- ARGV[2]  priority
-- ARGV[3]  `queued`, `running`, or empty for both
-- ARGV[4]  name as JSON text, or empty
-- ARGV[5]  where to go on: empty at first, then what the last page answered
-- ARGV[6]  most entries to look at
-- returns  { where to go on or '', looked at, then id, ready since (ms) of each that matches }
--
-- The latest come first, except with `running`: then the group's pending list is walked, which is short,
-- and knows one direction only.
--- @include "look"
--- @include "pending"
local queue, priority, state, name, from, count = unpack(ARGV)
local stream = stream_key(queue, priority)
local reply = { '', 0 }

local function add(entry, message)
  local id = id_and_name(message)
  if not id or not has_name(message, name) then return end
  local ok, decoded = pcall(cjson.decode, '[' .. id .. ']')
  if not ok then return end
  reply[#reply + 1] = decoded[1]
  reply[#reply + 1] = string.match(entry, '^%d+')
end

if state == 'running' then
  local rows = redis.pcall('XPENDING', stream, GROUP, from == '' and '-' or from, '+', count)
  if rows.err then return reply end
  for _, row in ipairs(rows) do
    if row[2] ~= RETURNED then add(row[1], message_at(stream, row[1]) or '') end
  end
  reply[2] = #rows
  if #rows == tonumber(count) then reply[1] = '(' .. rows[#rows][1] end
  return reply
end

local entries = redis.pcall('XREVRANGE', stream, from == '' and '+' or from, '-', 'COUNT', count)
if entries.err or #entries == 0 then return reply end
local running = {}
if state == 'queued' then
  local rows = redis.pcall('XPENDING', stream, GROUP, entries[#entries][1], entries[1][1], count)
  for _, row in ipairs(rows.err and {} or rows) do running[row[1]] = row[2] ~= RETURNED end
end
for _, entry in ipairs(entries) do
  local fields = entry[2]
  if not running[entry[1]] then add(entry[1], fields[1] == 'm' and fields[2] or '') end
end
reply[2] = #entries
if #entries == tonumber(count) then reply[1] = '(' .. entries[#entries][1] end
return reply
