"""The limits of staff's calls, and what answers say of limits: `RateLimit-Policy` and `RateLimit`
(draft-ietf-httpapi-ratelimit-headers-10)."""

import time

import structlog
from flask import Flask, Response

from app.api.context import call_limits, container, note_quota, noted_quotas
from app.domain.errors import TooManyCallsError
from app.logs import SECURITY
from app.services.authentication import Principal

security = structlog.get_logger(channel=SECURITY)

# Seconds that a refusal is held back: who asks again at once would otherwise be refused hundreds of times a second, each time at
# the cost of a look at the key.
REFUSED_AFTER = 0.5
POLICY, LEFT = "RateLimit-Policy", "RateLimit"


def register(app: Flask) -> None:
    """Make the answers of `app` say what is left of the limits that were heeded."""

    @app.after_request
    def say(response: Response) -> Response:
        if quotas := noted_quotas():
            response.headers[POLICY] = ", ".join(f'"{one.name}";q={one.amount};w={one.window}' for one in quotas)
            response.headers[LEFT] = ", ".join(f'"{one.name}";r={one.left};t={one.full_in}' for one in quotas)
        return response


def limit_calls(who: Principal) -> None:
    """Count the current call as one of `who`.

    Raises:
        TooManyCallsError: if it is one too many, after a while. The first of a burst is noted in the security log.
    """
    taken = call_limits().take(who.identity)
    note_quota(taken.quota)
    if not taken.wait:
        return
    container().monitoring.record_refused_call("person" if who.api_key_id is None else "key")
    if taken.is_first_refused:
        security.warning("calls_refused", reason=TooManyCallsError.code, caller=who.identity)
    time.sleep(REFUSED_AFTER)
    raise TooManyCallsError(taken.wait)
