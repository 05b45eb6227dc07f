-- Present time by the server's clock, in ms since 1970. Scripts never trust a client's clock.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
