-- Removes an entry, and notes the invalidation, so that a value that is being computed is not stored. Returns whether there
-- was an entry. The removal comes first: a full server lets a script write only if its first write needs no memory.
local was_there = find()
remove(key)
local begun = ticket()
-- Without a generation, the next one differs from the ticket of any run.
if begun[1] then
  if redis.call('HSET', invalid, begun[2] % INVALIDATIONS, key) == 1 then
    redis.call('PEXPIRE', invalid, UNUSED)
  end
  redis.call('HINCRBY', meta, 'q', 1)
end
return was_there and 1 or 0
