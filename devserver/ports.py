"""Whether a TCP port is free for us."""

import errno
import socket

from devserver.errors import StartError


def require_free(variable: str, address: str, port: int) -> None:
    """Check that nobody listens on a port that one of our processes is to listen on.

    The web processes share theirs (SO_REUSEPORT), so the operating system would let them share it with strangers of
    the same user as well: hence the look beforehand, without that option. SO_REUSEADDR only overlooks connections
    that a previous run has closed.

    Raises:
        StartError: it is taken, or not ours to take; the message names the variable to change.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise StartError(f"Port {port} {reason}. Set {variable} to another one: {variable}=… make run") from error
