-- Lists scheduled and retrying tasks, or dead letters, of one queue, a page at a time, the latest first.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  `delayed` or `dead`
-- ARGV[2]  queue
-- ARGV[3]  letters of the states asked for, see record.lua
-- ARGV[4]  name as JSON text, or empty
-- ARGV[5]  how many were looked at before
-- ARGV[6]  most tasks to look at
-- returns  { looked at, then id, due or dead since (ms) of each that matches }
--- @include "look"
local set, queue, letters, name, start, count = unpack(ARGV)
local key = set == 'dead' and dead_key(queue) or delayed_key(queue)
local rows = redis.pcall('ZREVRANGE', key, start, start + count - 1, 'WITHSCORES')
if rows.err then return { 0 } end
local reply = { #rows / 2 }
for i = 1, #rows, 2 do
  local fields, message = look_at_record(rows[i])
  if fields and string.find(letters, fields[1], 1, true) and has_name(message, name) then
    reply[#reply + 1] = rows[i]
    reply[#reply + 1] = rows[i + 1]
  end
end
return reply
