"""The customers' API: read-only, no log-in."""
