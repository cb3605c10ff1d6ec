-- Removes an entry, and notes that what is computed for it is not to be stored. Returns whether it was there.
-- It removes first: a server that is full lets a script write if its first write needs no memory.
local was_there = find()
remove(key)
local begun = ticket()
-- Without a generation, what is being computed will find another.
if begun[1] then
  if redis.call('HSET', invalid, begun[2] % INVALIDATIONS, key) == 1 then
    redis.call('PEXPIRE', invalid, UNUSED)
  end
  redis.call('HINCRBY', meta, 'q', 1)
end
return was_there and 1 or 0
