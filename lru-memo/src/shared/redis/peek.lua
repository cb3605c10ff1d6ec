-- The value of the key.
return find()
