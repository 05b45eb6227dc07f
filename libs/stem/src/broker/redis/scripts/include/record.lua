--- @include "keys"
-- What is kept of a task: a string of lines. JSON never contains a raw line feed or tab, and names may
-- not, so lines and tab-separated fields need no escaping, and user data is never re-encoded here.
--
--   line 1  header: state TAB queue TAB priority TAB ..., where state is one letter
--     q  in its stream, queued or running:   q queue priority entry
--     s  scheduled, r  retrying:             s queue priority due-ms
--     S  succeeded, F  failed, C  cancelled, E  expired:
--        S queue priority attempt deliveries replays enqueued-ms started-ms finished-ms worker reason
--   line 2  message (all but q, whose message is in the stream)
--   line 3  result or failure as JSON
--   line 4  progress as JSON
--
-- A message is the envelope, a JSON array, after an optional prefix of what changes from one attempt to
-- the next: `attempt,deliveries,enqueued-ms,replays` before the `[`, and `,1` when the task has waited for
-- its turn under a rate limit. Without a prefix all are 0 and the task was enqueued at the time in its
-- stream entry's id.

local function parse_message(message, entry)
  local attempt, deliveries, enqueued, replays, from =
    string.match(message, '^(%d+),(%d+),(%d+),(%d+),?1?()%[')
  if attempt then
    return {
      attempt = tonumber(attempt), deliveries = tonumber(deliveries),
      enqueued = enqueued, replays = tonumber(replays), envelope = string.sub(message, from),
    }
  end
  return {
    attempt = 0, deliveries = 0, enqueued = string.match(entry or '', '^(%d+)%-') or '0',
    replays = 0, envelope = message,
  }
end

local function write_message(attempt, deliveries, enqueued, replays, envelope)
  return attempt .. ',' .. deliveries .. ',' .. enqueued .. ',' .. replays .. envelope
end

-- The record's lines and header fields, or nil when there is none or it is of a foreign type.
local function read_record(id)
  local text = redis.pcall('GET', record_key(id))
  if type(text) ~= 'string' then return nil end
  local lines = {}
  for line in string.gmatch(text .. '\n', '(.-)\n') do lines[#lines + 1] = line end
  local fields = {}
  for field in string.gmatch(lines[1] .. '\t', '(.-)\t') do fields[#fields + 1] = field end
  return {
    state = fields[1], queue = fields[2], priority = fields[3],
    entry = fields[1] == 'q' and fields[4] or nil,
    fields = fields, message = lines[2], outcome = lines[3], progress = lines[4],
  }
end

-- Writes the record of a task that has ended. `ttl` is in ms; 0 keeps no record, nil keeps it for good.
local function write_ended(id, ended, ttl)
  local key = record_key(id)
  ttl = tonumber(ttl)
  if ttl == 0 then
    redis.call('DEL', key)
    return
  end
  local text = table.concat({
    ended.state, ended.queue, ended.priority, ended.attempt, ended.deliveries, ended.replays,
    ended.enqueued, ended.started or '', ended.finished, ended.worker or '', ended.reason or '',
  }, '\t') .. '\n' .. ended.envelope .. '\n' .. (ended.outcome or '') .. '\n' .. (ended.progress or '')
  if ttl then
    redis.call('SET', key, text, 'PX', ttl)
  else
    redis.call('SET', key, text)
  end
end

-- The unique claim named in an envelope, if any. An envelope that cannot be read has none.
local function unique_key_in(envelope)
  if not string.find(envelope, '"u":', 1, true) then return nil end
  local ok, parts = pcall(cjson.decode, envelope)
  local extras = ok and type(parts) == 'table' and parts[4]
  if type(extras) == 'table' and type(extras.u) == 'string' then return extras.u end
  return nil
end

-- Gives a unique claim back, if this task is the one that holds it.
local function free_claim(key, id)
  if redis.call('GET', unique_key(key)) == id then redis.call('DEL', unique_key(key)) end
end
