"""Use cases: open, lock, decide, record, commit. Nothing here knows a request."""
