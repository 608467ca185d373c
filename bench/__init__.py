"""Drives a running Lockstep from outside: its speed, its history, and what the fault tests use for that."""
