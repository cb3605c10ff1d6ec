-- Has leases last longer that are still held. KEYS: the leases. ARGV: for how many milliseconds; the token of each.
-- Returns how many there were.
local extended = 0
for at, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[at + 1] then
    extended = extended + redis.call('PEXPIRE', lease, ARGV[1])
  end
end
return extended
