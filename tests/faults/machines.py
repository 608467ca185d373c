"""Machines on a network of their own: network namespaces of this machine, each with a cable to one switch.

What is pulled out says nothing to anybody, in either direction: no packet arrives, not even a reset. Making namespaces needs the
rights of root.
"""

import random
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Machines:
    """The machines' addresses, by name; `switch` is ours on the same network, and its device is called `mark`."""

    mark: str
    switch: str
    addresses: dict[str, str]

    def prefix(self, name: str) -> list[str]:
        """Return the command that runs another one on a machine."""
        return ["ip", "netns", "exec", self.mark + name]

    def pull(self, name: str) -> None:
        """Pull a machine's cable out of the switch."""
        _ip("link", "set", f"{self.mark}{name}", "nomaster")

    def plug(self, name: str) -> None:
        """Plug it in again."""
        _ip("link", "set", f"{self.mark}{name}", "master", self.mark)


@contextmanager
def machines(names: Sequence[str]) -> Iterator[Machines]:
    """Connect machines, each named by a letter, while the block runs.

    Raises:
        OSError: namespaces may not be made here; the message says why.
    """
    mark = f"ls{random.randrange(16**6):06x}"
    network = f"10.{random.randrange(64, 256)}.{random.randrange(256)}"
    addresses = {name: f"{network}.{number}" for number, name in enumerate(names, 2)}
    with ExitStack() as made:
        _ip("link", "add", mark, "type", "bridge")
        made.callback(_ip, "link", "del", mark)
        _ip("address", "add", f"{network}.1/24", "dev", mark)
        _ip("link", "set", mark, "up")
        for name, address in addresses.items():
            machine = f"{mark}{name}"
            _ip("netns", "add", machine)
            # With it goes the cable.
            made.callback(_ip, "netns", "del", machine)
            _ip("link", "add", machine, "type", "veth", "peer", "name", "eth0", "netns", machine)
            _ip("link", "set", machine, "master", mark, "up")
            _ip("-n", machine, "address", "add", f"{address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", machine, "link", "set", device, "up")
        yield Machines(mark, f"{network}.1", addresses)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
