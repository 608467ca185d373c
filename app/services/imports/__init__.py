"""Importing catalog files: opening one, checking and applying it, and the jobs that workers do of it."""
