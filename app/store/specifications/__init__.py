"""What parts say in their specifications, as filters, orders and counts look at it.

Triggers keep for each part the keys of what it says (`part_features`, migration 0040), within the transaction that says it,
whoever writes. What a key means follows from its text alone. It is read (`reading`) once for all parts, by the first list that
asks for any specification after it was written, if nobody has done so before: until then it is in `unread_specifications`. So a
list is never behind what was committed.
"""
