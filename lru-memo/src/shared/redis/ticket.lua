-- When something begins to be computed.
return ticket()
