-- Returns a ticket.
return ticket()
