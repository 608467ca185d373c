"""The panel's interface, under /api/v1/admin."""
