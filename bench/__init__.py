"""Drives a running Lockstep from outside, to measure its speed and record its history; the fault tests use this too."""
