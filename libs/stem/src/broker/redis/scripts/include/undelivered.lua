--- @include "keys"
-- Entries that no consumer has read yet: those behind the group's last delivered one.
local function undelivered(stream, count)
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  local last
  for _, group in ipairs(groups.err and {} or groups) do
    for k = 1, #group, 2 do
      if group[k] == 'last-delivered-id' then last = group[k + 1] end
    end
  end
  return last and redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', count) or {}
end
