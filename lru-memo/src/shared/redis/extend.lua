-- Renews leases that are still held, and changes their contents, so that waiters see the renewal. KEYS: the leases. ARGV: the
-- time in milliseconds; a new number; the token of each lease. Returns the number of renewed leases.
local extended = 0
for at, lease in ipairs(KEYS) do
  local token, held = ARGV[at + 2] .. ':', redis.pcall('GET', lease)
  -- The value is not text if another program has written it.
  if type(held) == 'string' and held:sub(1, #token) == token then
    redis.call('SET', lease, token .. ARGV[2], 'PX', ARGV[1])
    extended = extended + 1
  end
end
return extended
