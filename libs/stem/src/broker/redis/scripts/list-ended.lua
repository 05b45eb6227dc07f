-- Lists tasks that have ended, in no order, a page at a time.
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  cursor; 0 at first
-- ARGV[2]  about how many keys of the server to walk over
-- ARGV[3]  letters of the states asked for, see record.lua
-- ARGV[4]  queue, or empty
-- ARGV[5]  name as JSON text, or empty
-- returns  { next cursor, 0 at the end; looked at; then id, end (ms) of each that matches }
--
-- There is no index of ended tasks: it would cost every task, for the sake of a rare look.
--- @include "look"
local cursor, count, letters, queue, name = unpack(ARGV)
local prefix = record_key('')
local pattern = string.gsub(prefix, '[%*%?%[%]%^\\]', '\\%0') .. '*'
local page = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', count)
local reply = { page[1], #page[2] }
for _, key in ipairs(page[2]) do
  local id = string.sub(key, #prefix + 1)
  local fields, message = look_at_record(id)
  if fields and string.find(letters, fields[1], 1, true) and (queue == '' or fields[2] == queue)
    and has_name(message, name) then
    reply[#reply + 1] = id
    reply[#reply + 1] = fields[9]
  end
end
return reply
