"""The embedded PostgreSQL and Valkey, and the supervisor behind `make run`.

Read `supervisor.py` first: it defines the order of everything. For tests: `EmbeddedServers` (only the two servers) and
`Stack` (the whole system, as a child process).
"""

from devserver.embedded import EmbeddedServers
from devserver.errors import StartError
from devserver.stack import Stack

__all__ = ["EmbeddedServers", "Stack", "StartError"]
