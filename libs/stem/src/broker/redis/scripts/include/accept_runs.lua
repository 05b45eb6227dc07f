--- @include "keys"
--- @include "places"
-- Accepts new tasks of any kind in their order. `args` is a number of queues, followed by their names; then
-- runs of tasks, each run one of
--   'new', code, n, length of an id, then n times: envelope   nothing but ready now; their ids are new, all of
--     the same length, and stand in the envelope: ["<id>",...
--   'plain', code, n, then n times: id, envelope               nothing but ready now
--   'special', code, n, then n times: id, envelope, delay, due, expires-in, expires-at, unique, unique-for,
--     sequence, number
-- code is the queue's index (from 0) times 10 plus the priority; delay, expires-in and unique-for are
-- durations in ms, due and expires-at times in ms; empty when not given.
-- Returns for each task that was not created: its index (from 0), id of the one that holds the claim.
local WIDTHS = { new = 1, plain = 2, special = 10 }
-- Where the id begins in an envelope.
local ID_FROM = 3
-- Most tasks that are accepted with one command; `unpack` has its limit.
local AT_ONCE = 500

-- First look at everything that could fail, so that the tasks are accepted all or not at all.
local function runs_in(args)
  local runs, i = {}, tonumber(args[1]) + 2
  while i <= #args do
    local kind, code, n = args[i], tonumber(args[i + 1]), tonumber(args[i + 2])
    local run = { kind = kind, code = code, from = i + 3 }
    open_code(code, args[2 + math.floor(code / 10)])
    if kind == 'new' then
      run.id_to = ID_FROM - 1 + tonumber(args[run.from])
      run.from = run.from + 1
    end
    i = run.from + n * WIDTHS[kind]
    run.last = i - 1
    -- Never from a client, but a piece of a batch may have been damaged where it lay.
    if not (n >= 1 and i <= #args + 1) then error('a run is not whole') end
    runs[#runs + 1] = run
  end
  return runs
end

local function accept_runs(args)
  local refused, index = {}, 0
  local function note(holder)
    if holder then
      refused[#refused + 1] = index
      refused[#refused + 1] = holder
    end
    index = index + 1
  end

  local records = record_key('')
  -- Points records at their entries, all with one command, unless one of the ids is taken: then one by one.
  local function point_records(run, keys_and_values, has_twins)
    if not has_twins and call('MSETNX', unpack(keys_and_values)) == 1 then
      index = index + #keys_and_values / 2
      return true
    end
    local created = false
    for k = 1, #keys_and_values, 2 do
      local key, pointer = keys_and_values[k], keys_and_values[k + 1]
      if call('SETNX', key, pointer) == 1 then
        created = true
        note(nil)
      else
        call('XDEL', streams[run.code], string.sub(pointer, #heads[run.code] + 1))
        note(string.sub(key, #records + 1))
      end
    end
    return created
  end

  local function in_chunks(run, width, accept_chunk)
    local created = false
    for first = run.from, run.last, width * AT_ONCE do
      if accept_chunk(first, math.min(first + width * AT_ONCE - 1, run.last)) then created = true end
    end
    if created then wake_once(queue_of[run.code]) end
  end

  -- By far the most frequent, and so without anything that is not needed: this loop is most of what
  -- enqueueing costs Redis.
  local function accept_new(run)
    local stream, head, id_to, sub = streams[run.code], heads[run.code], run.id_to, string.sub
    in_chunks(run, 1, function(first, last)
      local keys_and_values, n = {}, 0
      for task = first, last do
        local envelope = args[task]
        keys_and_values[n + 1] = records .. sub(envelope, ID_FROM, id_to)
        keys_and_values[n + 2] = head .. call('XADD', stream, '*', 'm', envelope)
        n = n + 2
      end
      return point_records(run, keys_and_values, false)
    end)
  end

  local function accept_plain(run)
    local stream, head = streams[run.code], heads[run.code]
    in_chunks(run, 2, function(first, last)
      local keys_and_values, seen, has_twins, n = {}, {}, false, 0
      for task = first, last, 2 do
        local key = records .. args[task]
        if seen[key] then has_twins = true end
        seen[key] = true
        keys_and_values[n + 1] = key
        keys_and_values[n + 2] = head .. call('XADD', stream, '*', 'm', args[task + 1])
        n = n + 2
      end
      return point_records(run, keys_and_values, has_twins)
    end)
  end

  -- What it needs is defined here: plain tasks are accepted sooner than all of that is defined.
  local function accept_specials(run)
    --- @include "accept"
    local width = WIDTHS.special
    for task = run.from, run.last, width do
      note(accept(run.code, unpack(args, task, task + width - 1)))
    end
  end

  for _, run in ipairs(runs_in(args)) do
    if run.kind == 'new' then
      accept_new(run)
    elseif run.kind == 'plain' then
      accept_plain(run)
    else
      accept_specials(run)
    end
  end
  return refused
end
