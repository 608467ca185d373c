"""The embedded PostgreSQL and Valkey, and the supervisor behind `make run`.

Read `supervisor.py` first: it is the order of things. For tests: `EmbeddedServers` (the two servers alone) and
`Stack` (the whole system, as a child).
"""

from devserver.embedded import EmbeddedServers
from devserver.errors import StartError
from devserver.stack import Stack

__all__ = ["EmbeddedServers", "Stack", "StartError"]
