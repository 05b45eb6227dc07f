-- Takes a piece of a batch apart: the lengths of its texts in bytes, separated by blanks, a line break, and the
-- texts one after the other. Returns nothing for anything else.
local function texts_in(piece)
  local head = string.match(piece, '^([%d ]+)\n')
  if not head then return nil end
  local texts, from = {}, #head + 2
  for length in string.gmatch(head, '%d+') do
    texts[#texts + 1] = string.sub(piece, from, from + length - 1)
    from = from + length
  end
  return from == #piece + 1 and texts or nil
end
