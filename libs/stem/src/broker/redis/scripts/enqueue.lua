-- enqueue: – -> queued / scheduled
--
-- KEYS[1]  the partition's prefix
-- ARGV[1]  number of queues, followed by their names; then the tasks in order, each either
--            code, id, envelope                              nothing but ready now, or
--            -code-1, id, envelope, delay, due, expires-in, expires-at, unique, unique-for, sequence,
--              number
--          code is the queue's index (from 0) times 10 plus the priority; delay, expires-in and
--          unique-for are durations in ms, due and expires-at times in ms; empty when not given.
-- returns  for each task that was not created: its index (from 0), id of the one that holds the claim
-- errors   WRONGTYPE before anything is written, when a stream's key is of a foreign type
--
-- A task whose record exists is not created again. That also makes the call safe to repeat when its
-- answer was lost.
--- @include "accept"
local first = tonumber(ARGV[1]) + 2

-- First look at everything that could fail, so that a batch is accepted whole or not at all.
local i = first
while i <= #ARGV do
  local code = tonumber(ARGV[i])
  i = i + (code < 0 and 11 or 3)
  if code < 0 then code = -code - 1 end
  open_code(code, ARGV[2 + math.floor(code / 10)])
end

local refused, index = {}, 0
i = first
while i <= #ARGV do
  local code, holder = tonumber(ARGV[i]), nil
  if code >= 0 then
    holder = accept_ready(code, ARGV[i + 1], ARGV[i + 2])
    i = i + 3
  else
    holder = accept(-code - 1, unpack(ARGV, i + 1, i + 10))
    i = i + 11
  end
  if holder then
    refused[#refused + 1] = index
    refused[#refused + 1] = holder
  end
  index = index + 1
end
return refused
