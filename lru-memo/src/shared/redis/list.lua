-- Lists namespaces, and has the list last as long as what is listed. KEYS: the list. ARGV: for how many milliseconds; the ids.
redis.call('SADD', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
