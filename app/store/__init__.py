"""All SQL. Nothing here knows HTTP, the cache or the broker."""
