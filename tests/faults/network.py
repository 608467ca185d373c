"""A bad network: TCP links on loopback, in a process of their own, each with weather that can be changed.

`Network` starts `python -m tests.faults.network`, which reads one command a line (a JSON object) and answers each with a line.
A link leads to a UNIX socket or another port. It works on streams, not packets: what the weather holds up is only late, as behind
TCP's retransmission.
"""

import asyncio
import json
import random
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from config import REPOSITORY

CHUNK = 65_536
# Seconds by which each piece of a stream is late; more than the cache may take to answer a request.
DELAY = 0.2
# Bytes a second and direction.
RATE = 20_000
# The share of pieces at which a connection breaks.
LOSS = 0.05


class Weather(StrEnum):
    """What happens on a link."""

    FAIR = "fair"
    DELAYED = "delayed"  # everything is late
    THROTTLED = "throttled"  # few bytes a second
    DROPPING = "dropping"  # connections break at random moments, in the middle of an answer too
    RESET = "reset"  # every connection is reset, and so is every new one
    REFUSED = "refused"  # nobody listens
    # The far end is gone and nobody says so: what is sent disappears. Only when the weather is fair again is a sender told, with
    # a reset, as by a host that has restarted.
    HALF_OPEN = "half-open"
    BLACK_HOLE = "black hole"  # nothing gets through; what was sent arrives when the weather is fair again
    # Whatever is connected leads nowhere from now on, and nobody ever says so, as behind a firewall that has lost its table.
    # Who connects anew gets through.
    FORGOTTEN = "forgotten"


BAD_WEATHER = tuple(weather for weather in Weather if weather is not Weather.FAIR)


@dataclass(eq=False)
class Pipe:
    """One connection: the client's end and the server's, and whether the latter has gone without a word."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    is_deaf: bool = False

    def reset(self) -> None:
        for end in filter(None, (self.near, self.far)):
            connection = end.get_extra_info("socket")
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()


class Link:
    """A listening port of `address` whose connections lead to `target`: the path of a UNIX socket, or `host:port`."""

    def __init__(self, address: str, target: str) -> None:
        self.address = address
        self.target = target
        self.port = 0
        self._weather = Weather.FAIR
        self._passable = asyncio.Event()
        self._passable.set()
        self._pipes: set[Pipe] = set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._connect, self.address, self.port, backlog=256)
        self.port = self._server.sockets[0].getsockname()[1]

    async def change(self, weather: Weather) -> None:
        before, self._weather = self._weather, weather
        if before is Weather.HALF_OPEN:
            self._reset_all()
        if weather in {Weather.RESET, Weather.REFUSED}:
            self._reset_all()
        if weather in {Weather.HALF_OPEN, Weather.FORGOTTEN}:
            for pipe in self._pipes:
                self._deafen(pipe)
        if self._server is not None and weather is Weather.REFUSED:
            self._server.close()
            self._server = None
        elif self._server is None and weather is not Weather.REFUSED:
            await self.listen()
        (self._passable.clear if weather is Weather.BLACK_HOLE else self._passable.set)()

    def lead(self, target: str) -> None:
        """Lead elsewhere from now on; connections to the old target are reset."""
        self.target = target
        self._reset_all()

    def _reset_all(self) -> None:
        for pipe in list(self._pipes):
            pipe.reset()

    def _deafen(self, pipe: Pipe) -> None:
        pipe.is_deaf = True
        if pipe.far is not None:
            pipe.far.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pipe = Pipe(writer)
        self._pipes.add(pipe)
        try:
            await self._passable.wait()
            if self._weather is Weather.RESET:
                pipe.reset()
            elif self._weather is Weather.HALF_OPEN:
                pipe.is_deaf = True
                await self._pump(pipe, reader, writer)
            else:
                far_reader, pipe.far = await self._open()
                both = (self._pump(pipe, reader, pipe.far), self._pump(pipe, far_reader, writer))
                await asyncio.gather(*both)
        except OSError:
            pipe.reset()
        finally:
            self._pipes.discard(pipe)
            for end in filter(None, (pipe.near, pipe.far)):
                end.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.target.startswith("/"):
            return await asyncio.open_unix_connection(self.target)
        host, _, port = self.target.partition(":")
        return await asyncio.open_connection(host, int(port))

    async def _pump(self, pipe: Pipe, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what arrives until either end closes; then close the other, unless nobody is to notice."""
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._hold_up(pipe, data)
                if not pipe.is_deaf:
                    writer.write(data)
                    await writer.drain()
        if not pipe.is_deaf:
            writer.close()

    async def _hold_up(self, pipe: Pipe, data: bytes) -> None:
        match self._weather:
            case Weather.DELAYED:
                await asyncio.sleep(DELAY)
            case Weather.THROTTLED:
                await asyncio.sleep(len(data) / RATE)
            case Weather.DROPPING if random.random() < LOSS:
                pipe.reset()
                raise ConnectionResetError
        await self._passable.wait()


async def serve(address: str, targets: Mapping[str, str]) -> None:
    """Open the links, say which ports they have, and obey until standard input ends."""
    links = {name: Link(address, target) for name, target in targets.items()}
    for link in links.values():
        await link.listen()
    print(json.dumps({name: link.port for name, link in links.items()}), flush=True)
    loop, commands = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        command = json.loads(line)
        for name in command["links"]:
            if "target" in command:
                links[name].lead(command["target"])
            else:
                await links[name].change(Weather(command["weather"]))
        print("done", flush=True)


class Network:
    """Links to `targets` (a UNIX socket's path, or `host:port`, by name) while the block runs; `ports` has a port for each."""

    def __init__(self, targets: Mapping[str, str], address: str = "127.0.0.1") -> None:
        self.address = address
        self.ports: dict[str, int] = {}
        self._targets = targets

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.network", self.address, json.dumps(self._targets)],
            cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.ports = json.loads(self._answer())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate(timeout=10)

    def change(self, links: Iterable[str], weather: Weather) -> None:
        """Change the weather of some links; it has changed when this returns."""
        self._command({"links": list(links), "weather": weather})

    def lead(self, links: Iterable[str], target: str) -> None:
        """Make some links lead elsewhere; connections to the old target are reset."""
        self._command({"links": list(links), "target": target})

    def _command(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        print(json.dumps(command), file=self._process.stdin, flush=True)
        self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the network has died")
        return line


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], json.loads(sys.argv[2])))
