"""Reconciliation: the truth in PostgreSQL compared with every copy of it, and what differs repaired."""
