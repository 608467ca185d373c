"""The security log of what changes somebody's rights: by the API and by the command line, once it is committed."""

from collections.abc import Sequence

import structlog

from app.contract.events import EventType
from app.logs import SECURITY
from app.store.transaction import CommittedEvent

security = structlog.get_logger(channel=SECURITY)

RIGHTS = {EventType.USER_CREATED, EventType.USER_UPDATED, EventType.API_KEY_CREATED, EventType.API_KEY_REVOKED}
# Of what is changed, what gives or takes rights. `password` says only that.
_TOLD = ("role", "is_active", "password", "second_factor", "passkey", "passkeys", "scopes", "expires_at", "revoked_at")


def note(committed: Sequence[CommittedEvent]) -> None:
    """Log those that concern rights; a request's lines say who made it."""
    for one in committed:
        if one.event.type in RIGHTS:
            changes = {name: value for name, value in (one.event.new_values or {}).items() if name in _TOLD}
            security.warning(str(one.event.type), subject=one.event.aggregate_id, event_id=one.event_id, **changes)
