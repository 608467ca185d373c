"""Every name that crosses a process: events, cache keys, rooms, task names. Standard library only."""
