"""Time-outs that do not blame others for the event loop's own delay.

When hundreds of requests arrive at once, the loop comes to a timer long after its time, and to what has arrived meanwhile only
afterwards. Without this, a cache that has answered within a millisecond counts as dead, and everybody turns to the database.
"""

import eventlet.greenio.base
import eventlet.patcher

_select = eventlet.patcher.original("select")
_original = eventlet.greenio.base.GreenSocket._trampoline


def forgive_own_delay() -> None:
    """From now on, a socket whose time is up looks once whether what it waits for has come, before it gives up."""
    eventlet.greenio.base.GreenSocket._trampoline = _trampoline


def _trampoline(
    self: eventlet.greenio.base.GreenSocket, fd: int, read: bool = False, write: bool = False,  # noqa: FBT001, FBT002 — as there
    timeout: float | None = None, timeout_exc: BaseException | None = None,
) -> None:  # fmt: skip
    try:
        _original(self, fd, read=read, write=write, timeout=timeout, timeout_exc=timeout_exc)
    except TimeoutError:
        poll = _select.poll()
        poll.register(fd, (_select.POLLIN if read else 0) | (_select.POLLOUT if write else 0))
        if not poll.poll(0):
            raise
