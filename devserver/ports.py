"""Which TCP ports are free for us."""

import errno
import socket

from devserver.errors import StartError


def require_free(variable: str, address: str, port: int) -> None:
    """Check that nobody listens on a port that one of our processes needs.

    The web processes share theirs (SO_REUSEPORT), so the operating system would also let them share it with unrelated
    processes of the same user: hence this check beforehand, without that option. SO_REUSEADDR only ignores connections
    that a previous run has closed.

    Raises:
        StartError: the port is taken, or we may not use it; the message names the variable to change.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise StartError(f"Port {port} {reason}. Set {variable} to another one: {variable}=… make run") from error


def free_ports(count: int) -> list[int]:
    """Return different ports of the loopback interface that nobody uses now."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
