"""The panel's API, under /api/v1/admin."""
