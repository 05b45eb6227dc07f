#!lua flags=allow-oom
-- move-piece: – -> queued / scheduled, for the tasks of one piece of an accepted batch
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  batch
-- ARGV[2]  piece, from 1. They are moved in their order: no task is there before those of the pieces before.
-- ARGV[3]  ms from now until others may move the next piece
-- returns  'moved', then as `enqueue`: index within the piece, holder of each task that was not created;
--          'lost', why: the piece is gone or cannot be read, and none or only some of its tasks were enqueued;
--          nothing when what became of the piece is not known (any more), or its turn has not come
-- errors   whatever Redis says when it refuses, such as WRONGTYPE: the piece stays, to be moved later
--
-- What became of a piece takes its place for a while. So a repeated call, whose answer was lost, is answered alike.
--- @include "keys"
--- @include "time"
--- @include "piece"
--- @include "accept_runs"
local batch, piece, until_others = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

-- For how long (ms) it is known what became of a piece.
local OUTCOME_TTL = 60000

local progress = redis.call('HMGET', batch_key(batch), 'next', 'pieces')
local next_piece, pieces = tonumber(progress[1] or ''), tonumber(progress[2] or '')
if not next_piece or not pieces or piece > next_piece then return {} end

local key = piece_key(batch, piece)
local text = redis.pcall('GET', key)
local is_text = type(text) == 'string'
if piece < next_piece then
  local ok, outcome = pcall(cjson.decode, is_text and text or '')
  return ok and type(outcome) == 'table' and outcome or {}
end

local function move()
  if not is_text then return { 'lost', 'its text is gone' } end
  local args = texts_in(text)
  if not args then return { 'lost', 'its text is damaged' } end
  local ok, refused = pcall(accept_runs, args)
  if ok then
    table.insert(refused, 1, 'moved')
    return refused
  end
  local why = type(refused) == 'table' and refused.err or tostring(refused)
  -- A refusal has a code of its own. An argument that Redis cannot read has only ERR, and Lua's faults have none.
  if string.find(why, '^%u+ ') and not string.find(why, '^ERR ') then return redis.error_reply(why) end
  return { 'lost', 'its text makes no sense: ' .. why }
end

local outcome = move()
if outcome.err then return outcome end
redis.call('SET', key, cjson.encode(outcome), 'PX', OUTCOME_TTL)
redis.call('HSET', batch_key(batch), 'next', piece + 1)
if piece < pieces then
  redis.call('ZADD', BATCHES, now_ms() + until_others, batch)
else
  redis.call('ZREM', BATCHES, batch)
  redis.call('PEXPIRE', batch_key(batch), OUTCOME_TTL)
end
return outcome
