--- @include "keys"
-- Looks at the beginning of what is kept of tasks, for listings: names and states, not what tasks carry.

-- More than any header with any id and name behind it, in bytes.
local LOOK_BYTES = 4096

-- The JSON text that begins at `from`, with its quotes, and where it ends; nil when there is none.
local function json_text_at(text, from)
  if string.sub(text, from, from) ~= '"' then return nil end
  local position = from + 1
  while true do
    local hit = string.find(text, '["\\]', position)
    if not hit then return nil end
    if string.sub(text, hit, hit) == '"' then return string.sub(text, from, hit), hit + 1 end
    position = hit + 2
  end
end

-- Id and name of a message or an envelope, both as JSON texts, or nil when it is neither.
local function id_and_name(message)
  local open = string.find(message, '[', 1, true)
  if not open then return nil end
  local id, after = json_text_at(message, open + 1)
  if not id or string.sub(message, after, after) ~= ',' then return nil end
  return id, (json_text_at(message, after + 1))
end

-- Whether a message is of a task of this name, given as JSON text; the empty text is every name.
local function has_name(message, name)
  if name == '' then return true end
  local _, found = id_and_name(message)
  return found == name
end

-- The header's fields and the message's beginning of a record, or nil when there is none.
local function look_at_record(id)
  local text = redis.pcall('GETRANGE', record_key(id), 0, LOOK_BYTES - 1)
  if type(text) ~= 'string' or text == '' then return nil end
  local last = string.find(text, '\n', 1, true)
  if not last and #text == LOOK_BYTES then
    text = redis.call('GET', record_key(id))
    last = string.find(text, '\n', 1, true)
  end
  local header = last and string.sub(text, 1, last - 1) or text
  local fields = {}
  for field in string.gmatch(header .. '\t', '(.-)\t') do fields[#fields + 1] = field end
  return fields, last and string.sub(text, last + 1) or ''
end
