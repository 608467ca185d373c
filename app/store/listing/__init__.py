"""Which parts a list shows, page by page, and its facets: read from `part_search`, one narrow row per part.

A page is taken from the order's own index if its words are common and enough of its first rows match (`pages.WALK`); else the
hits are collected by the indexes of the words and filters, and sorted. So neither a rare word nor a very common one reads the
whole catalog in order, whatever the planner thinks.
"""
