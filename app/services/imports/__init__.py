"""Importing catalog files: opening, checking and applying one, and the jobs in which workers do so."""
