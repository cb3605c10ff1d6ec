-- Adds to the totals. KEYS: meta. ARGV: a number for each total.
for at, more in ipairs(ARGV) do
  if more ~= '0' then
    local total = 'T' .. (at - 1)
    -- Another program may have written what is no number.
    if type(redis.pcall('HINCRBY', KEYS[1], total, more)) == 'table' then
      redis.call('HSET', KEYS[1], total, more)
    end
  end
end
if redis.call('PTTL', KEYS[1]) == -1 then
  redis.call('PEXPIRE', KEYS[1], UNUSED)
end
return 1
