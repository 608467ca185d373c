"""Reconciliation: compares every copy with PostgreSQL, the source of truth, and repairs what differs."""
