--- @include "keys"
-- Counts what becomes of a task without any process that could count it: one that ends while it waits,
-- or is lost with its worker. `letter` is one of core/count-fields.ts.
local COUNTS_KEPT_MS = 3900000

local function count_task(letter, envelope, queue, now)
  local name = string.match(envelope, '^%["[^"\\]*","([^"\\]*)",')
  if not name then
    local ok, parts = pcall(cjson.decode, envelope)
    name = ok and type(parts) == 'table' and parts[2]
    if type(name) ~= 'string' then return end
  end
  local key = counts_key(now - now % 60000)
  -- A key of a foreign type must not keep the task from its end.
  local count = redis.pcall('HINCRBY', key, letter .. '\t' .. name .. '\t' .. queue, 1)
  if count == 1 then redis.call('PEXPIRE', key, COUNTS_KEPT_MS, 'NX') end
end
