"""What a request can ask for: the wired application, who calls, its id. Here and in `request_context` alone `flask.g` is used.

`g` has no types, so whatever is reached through it is checked by nobody and found by no editor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, TypeVarTuple

from flask import current_app, g

from app.api.rendering import Cursors
from app.container import Container
from app.services.authentication import Authenticator, Principal
from app.services.login_limits import LoginLimits

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_EXTENSION = "lockstep_context"


@dataclass(frozen=True, slots=True)
class Context:
    """What all requests to an application have in common.

    Args:
        offload: runs a slow function beside the event loop, if there is one.
    """

    container: Container
    authenticator: Authenticator
    login_limits: LoginLimits
    cursors: Cursors
    offload: Callable[..., Any]


def install(extensions: dict[str, Any], context: Context) -> None:
    """Make `context` that of an application, given its `extensions`."""
    extensions[_EXTENSION] = context


def _context() -> Context:
    context: Context = current_app.extensions[_EXTENSION]
    return context


def container() -> Container:
    """Return the wired application."""
    return _context().container


def authenticator() -> Authenticator:
    """Return who knows sessions and keys."""
    return _context().authenticator


def login_limits() -> LoginLimits:
    """Return who counts attempts to log in."""
    return _context().login_limits


def cursors() -> Cursors:
    """Return who makes and reads cursors."""
    return _context().cursors


def offload(function: Callable[[*Ts], T], *arguments: *Ts) -> T:
    """Return what a slow function returns, run beside the event loop."""
    result: T = _context().offload(function, *arguments)
    return result


def admit(caller: Principal) -> None:
    """Note who makes the present request, once that is proven."""
    g.principal = caller


def principal() -> Principal:
    """Return who makes the present request; only for views that `require` a role."""
    caller: Principal = g.principal
    return caller


def request_id() -> str | None:
    """Return the present request's id; None in one that Flask refuses before it begins."""
    found: str | None = g.get("request_id")
    return found
