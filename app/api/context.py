"""What a request can access: the wired application, the caller, its own id. `flask.g` is used only here and in `request_context`.

`g` is untyped: no type checker sees what is reached through it, and no editor finds it.
"""

import time
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

import structlog
from flask import current_app, g, request

from app.api.rendering import Cursors, KeptBytes
from app.arrival import limited_client
from app.cache.dependencies import Sources, note_sources
from app.container import Container
from app.domain.errors import BusyError
from app.domain.quotas import Quota
from app.services.authentication import Authenticator, Principal
from app.services.call_limits import CallLimits
from app.services.login_limits import LoginLimits
from app.services.offload import Offload
from app.store.idempotency import KeyedCall

if TYPE_CHECKING:
    from app.services.passkeys import Passkeys

# Bytes of answers to customers that a process keeps: several thousand parts, or hundreds of lists.
KEPT = 16_000_000

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_EXTENSION = "lockstep_context"
# The WSGI key that says whether a request has been admitted already; without it that is still open.
ADMITTED = "lockstep.admitted"


@dataclass(frozen=True, slots=True)
class Context:
    """What all requests to an application have in common.

    Args:
        offload: runs a slow function outside the event loop, if there is one.
    """

    container: Container
    authenticator: Authenticator
    login_limits: LoginLimits
    call_limits: CallLimits
    passkeys: Callable[[], "Passkeys"]
    cursors: Cursors
    offload: Offload
    answers: KeptBytes[Sized] = field(default_factory=lambda: KeptBytes(KEPT))


@dataclass(frozen=True, slots=True)
class Reading:
    """A customer's request: what its answer is made of, when it began, and until when what it reads from the cache was proven
    fresh then (monotonic seconds)."""

    sources: Sources
    began: float
    proven_at: float | None


def install(extensions: dict[str, Any], context: Context) -> None:
    """Install `context` in an application, given its `extensions`."""
    extensions[_EXTENSION] = context


def _context() -> Context:
    context: Context = current_app.extensions[_EXTENSION]
    return context


def container() -> Container:
    """Return the wired application."""
    return _context().container


def authenticator() -> Authenticator:
    """Return the authenticator of sessions and API keys."""
    return _context().authenticator


def login_limits() -> LoginLimits:
    """Return the limiter of log-in attempts."""
    return _context().login_limits


def call_limits() -> CallLimits:
    """Return the limiter of staff's calls."""
    return _context().call_limits


def note_quota(quota: Quota) -> None:
    """Note a limit that the current request has counted towards, for its answer to tell."""
    g.setdefault("quotas", []).append(quota)


def noted_quotas() -> Sequence[Quota]:
    """Return the limits that the current request has counted towards."""
    quotas: Sequence[Quota] = g.get("quotas", ())
    return quotas


def passkeys() -> "Passkeys":
    """Return what adds, checks and removes passkeys."""
    return _context().passkeys()


def cursors() -> Cursors:
    """Return the writer and reader of cursors."""
    return _context().cursors


def kept_answers() -> KeptBytes[Sized]:
    """Return the answers to customers that this process keeps."""
    return _context().answers


def offload(function: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Run a slow function outside the event loop; return its result."""
    result: T = _context().offload(function, *arguments)
    return result


def admit_customer() -> None:
    """Begin a customer's request, unless this process has too much to do already.

    Raises:
        BusyError: if it has.
    """
    pressure = container().pressure
    admitted = request.environ.get(ADMITTED)
    if not (pressure.admits() if admitted is None else admitted):
        raise BusyError
    pressure.begun(limited_client(request.environ))
    g.is_counted = True
    noted = note_sources()
    if container().settings.edges:
        g.reading = Reading(noted, time.monotonic(), container().cache.proven_at)


def dismiss_customer(_error: BaseException | None = None) -> None:
    """End what `admit_customer` has begun."""
    if g.pop("is_counted", False):
        container().pressure.ended()


def customers_reading() -> Reading | None:
    """Return what is noted of the current request, if it is a customer's and an HTTP cache in front may keep the answer."""
    found: Reading | None = g.get("reading")
    return found


def admit(caller: Principal) -> None:
    """Record who is making the current request, once authenticated, in all that it logs, too."""
    g.principal = caller
    structlog.contextvars.bind_contextvars(actor=caller.name, actor_id=caller.user_id)
    if caller.api_key_id is not None:
        structlog.contextvars.bind_contextvars(api_key=caller.api_key_id)


def principal() -> Principal:
    """Return who is making the current request; only for views that `require` a role."""
    caller: Principal = g.principal
    return caller


def note_call(call: KeyedCall) -> None:
    """Record the call that the current request makes, if it may be sent again."""
    g.keyed_call = call


def noted_call() -> KeyedCall | None:
    """Return the current request's call, if it may be sent again."""
    found: KeyedCall | None = g.get("keyed_call")
    return found


def request_id() -> str | None:
    """Return the current request's id; None in one that Flask rejects before `before_request` runs."""
    found: str | None = g.get("request_id")
    return found
