"""Lockstep: keeps a parts store's panel, website, caches, audit trail and history in step with PostgreSQL.

Importing this package builds nothing: `app.factory` does that, so that `app.domain` can be imported without a web application.
"""
