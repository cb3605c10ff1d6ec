-- Adds to the totals. KEYS: meta. ARGV: a number for each total.
for at, more in ipairs(ARGV) do
  if more ~= '0' then
    redis.call('HINCRBY', KEYS[1], 'T' .. (at - 1), more)
  end
end
if redis.call('PTTL', KEYS[1]) == -1 then
  redis.call('PEXPIRE', KEYS[1], UNUSED)
end
return 1
