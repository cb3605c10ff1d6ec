-- Whether the key was neither cleared nor invalidated since the ticket with this generation and number of invalidations.
local function is_current(generation, sequence)
  local begun = ticket()
  local missed = begun[2] - sequence
  -- Another program may have written a number above 2^53, from which a loop could not count on.
  if generation ~= begun[1] or missed < 0 or missed > INVALIDATIONS or tonumber(begun[2]) >= 2 ^ 53 then
    return false
  end
  for number = sequence, begun[2] - 1 do
    local invalidated = redis.call('HGET', invalid, number % INVALIDATIONS)
    if not invalidated or invalidated == key then
      return false
    end
  end
  return true
end

