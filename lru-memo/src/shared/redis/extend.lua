-- Has leases last longer that are still held, and changes what they hold, so that waiters see it. KEYS: the leases. ARGV:
-- for how many milliseconds; a number that is new; the token of each. Returns how many there were.
local extended = 0
for at, lease in ipairs(KEYS) do
  local token, held = ARGV[at + 2] .. ':', redis.pcall('GET', lease)
  -- It is no text if somebody else has put something there.
  if type(held) == 'string' and held:sub(1, #token) == token then
    redis.call('SET', lease, token .. ARGV[2], 'PX', ARGV[1])
    extended = extended + 1
  end
end
return extended
