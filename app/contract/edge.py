"""What an HTTP cache in front of the shop (an edge) may do with public answers, and how long it may be wrong. Seconds.

Nobody is served what has been out of date for more than 2 s. Of these the edge has one; an answer that it may store says what was
true at most `OLDEST` before it was sent. So the promise holds even if every purge is lost, whatever else fails.
"""

LIFE = 1
OLDEST = 0.9
# What was answered before an invalidation held is stored nowhere any longer after so many seconds.
HARMLESS_AFTER = 2.0
