"""Every name that crosses a process boundary: events, cache keys, rooms, task names. Standard library only."""
