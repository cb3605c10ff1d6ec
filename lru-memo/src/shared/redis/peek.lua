-- Returns the value of the key.
return find()
