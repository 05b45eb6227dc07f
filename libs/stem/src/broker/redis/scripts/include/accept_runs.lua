--- @include "keys"
--- @include "places"
-- Accepts new tasks of any kind in their order. `args` is a number of queues, followed by their names; then
-- runs of tasks, each run either
--   code, n, then n times: id, envelope              nothing but ready now, or
--   -code-1, n, then n times: id, envelope, delay, due, expires-in, expires-at, unique, unique-for,
--     sequence, number
-- code is the queue's index (from 0) times 10 plus the priority; delay, expires-in and unique-for are
-- durations in ms, due and expires-at times in ms; empty when not given.
-- Returns for each task that was not created: its index (from 0), id of the one that holds the claim.
local PLAIN_WIDTH = 2
local SPECIAL_WIDTH = 10
-- Most tasks that are accepted with one command; `unpack` has its limit.
local AT_ONCE = 500

-- First look at everything that could fail, so that the tasks are accepted all or not at all.
local function runs_in(args)
  local runs, i = {}, tonumber(args[1]) + 2
  while i <= #args do
    local code, n = tonumber(args[i]), tonumber(args[i + 1])
    local special = code < 0
    if special then code = -code - 1 end
    open_code(code, args[2 + math.floor(code / 10)])
    local from = i + 2
    i = from + n * (special and SPECIAL_WIDTH or PLAIN_WIDTH)
    -- Never from a client, but a piece of a batch may have been damaged where it lay.
    if not (n >= 1 and i <= #args + 1) then error('a run is not whole') end
    runs[#runs + 1] = { special = special, code = code, from = from, last = i - 1 }
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

  -- Points records at their entries, all with one command, unless one of the ids is taken: then one by one.
  local function point_records(stream, keys_and_values, entries, first, has_twins)
    if not has_twins and call('MSETNX', unpack(keys_and_values)) == 1 then
      index = index + #entries
      return true
    end
    local created = false
    for k, entry in ipairs(entries) do
      if call('SETNX', keys_and_values[2 * k - 1], keys_and_values[2 * k]) == 1 then
        created = true
        note(nil)
      else
        call('XDEL', stream, entry)
        note(args[first + PLAIN_WIDTH * (k - 1)])
      end
    end
    return created
  end

  local records = record_key('')
  local function accept_plain(run)
    local stream, head, created = streams[run.code], heads[run.code], false
    for first = run.from, run.last, PLAIN_WIDTH * AT_ONCE do
      local last = math.min(first + PLAIN_WIDTH * AT_ONCE - 1, run.last)
      local keys_and_values, entries, seen, has_twins, n = {}, {}, {}, false, 0
      for task = first, last, PLAIN_WIDTH do
        n = n + 1
        local key = records .. args[task]
        if seen[key] then has_twins = true end
        seen[key] = true
        entries[n] = call('XADD', stream, '*', 'm', args[task + 1])
        keys_and_values[2 * n - 1], keys_and_values[2 * n] = key, head .. entries[n]
      end
      if point_records(stream, keys_and_values, entries, first, has_twins) then created = true end
    end
    if created then wake_once(queue_of[run.code]) end
  end

  -- What it needs is defined here: plain tasks are accepted sooner than all of that is defined.
  local function accept_specials(run)
    --- @include "accept"
    for task = run.from, run.last, SPECIAL_WIDTH do
      note(accept(run.code, unpack(args, task, task + SPECIAL_WIDTH - 1)))
    end
  end

  for _, run in ipairs(runs_in(args)) do
    if run.special then accept_specials(run) else accept_plain(run) end
  end
  return refused
end
