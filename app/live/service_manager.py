"""Tells the service manager that this process serves, and goes on doing so: systemd's sd_notify(3), without its library."""

import socket
from contextlib import suppress

# The first makes `systemctl start` and `restart` return, each of the others begins `WatchdogSec=` anew.
_WELL = b"READY=1\nWATCHDOG=1"


def report_serving(address: str) -> None:
    """Send it to the UNIX socket that NOTIFY_SOCKET names, if any. Never waits."""
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0)
        # "@" stands for the zero that names in the abstract name space begin with.
        sender.sendto(_WELL, f"\0{address[1:]}" if address.startswith("@") else address)
