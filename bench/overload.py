"""What happens when more is asked for than the shop can do: offers requests at a fixed rate, whatever the answers.

`python -m bench.overload [--seconds 20] [--parts 20000] [--times 2] [--abused [--rounds 6]]`. A client that waits for its
answers offers less the slower these are, and so hides the queue; this one sends each request when it is due, and its latency
counts from then (Schroeder et al., "Open versus closed: a cautionary tale", NSDI 2006). It looks for the rate that the shop
sustains, offers a multiple of it, stops, and prints what became of each kind of request, and how long the shop took to be itself
again.

With `--abused` the load is a normal one, by turns without and with a client of another address that asks for all it can get
(`searches` and `watches` of `bench.abuse`); prints how much longer the others wait for it, with 95 % intervals. The attacker
shares the machine with the servers, so at the third turn it attacks a sink that does nothing: what the others wait for longer
then is the machine's.
"""

import argparse
import asyncio
import http
import itertools
import json
import random
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench import catalog
from bench.abuse import PARTS, Target, a_sink, under_attack
from bench.system import API, System, own_stack
from devserver import Stack

# What of the load is of which kind: a shop's usual traffic, and searches that nobody has asked before.
MIX = {"part": 0.55, "list": 0.15, "search": 0.2, "write": 0.1}
# Words of the searches, each found in many of the catalog's parts.
WORDS = ("steel", "bearing", "bolt", "hexagon", "plated", "quality", "stainless", "precision", "pump", "seal")
HOT_PARTS = 50
# A probe of readiness is sent so often, in seconds, as a load balancer does.
PROBE_EVERY = 0.5
# Seconds after which nobody waits any longer.
GIVES_UP = 10.0
# Connections to all web processes. All come from one address, so this is below what that may have.
CONNECTIONS = 1_200
# Seconds after which an overload has been noticed, and what is accepted should be answered soon.
SETTLES = 3.0
# A rate is sustained if this share is answered and cached reads keep this p99, in seconds.
ANSWERED = 0.99
CALM = 0.1
STEP, STEPS_BY, FIRST_RATE = 3.0, 1.4, 25.0
# One abusive client: from where, and how it asks; where the others are; how often it comes and goes, and for how many seconds.
ABUSER, ABUSES = "127.3.0.1", ("searches", "watches")
OTHERS = tuple(f"127.2.0.{n}" for n in range(1, 51))
ROUNDS, ROUND = 6, 5.0
# How often rounds are resampled to say how far a ratio is known.
RESAMPLED = 200

_SHED = {http.HTTPStatus.SERVICE_UNAVAILABLE, http.HTTPStatus.TOO_MANY_REQUESTS}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request. `status` is 0 if there was no answer; `seconds` count from when it was due; `note` is how the
    cache answered, or the code of a refusal."""

    kind: str
    due: float
    seconds: float
    status: int
    says_when: bool
    note: str = ""

    @property
    def is_answered(self) -> bool:
        """Whether it was done."""
        return self.status == http.HTTPStatus.OK

    @property
    def is_shed(self) -> bool:
        """Whether it was refused as it should be, saying when to ask again."""
        return self.status in _SHED and self.says_when


# What became of the requests of each round.
Rounds = list[list[Outcome]]


class _Wire(asyncio.Protocol):
    """One keep-alive connection, with one request at a time. Reads answers that state their length."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.answer: asyncio.Future[tuple[bytes, bytes]] | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        if len(body) < int(_header(head, b"content-length") or 0) or self.answer is None or self.answer.done():
            return
        self._buffer = b""
        if _header(head, b"connection") == "close" and self.transport is not None:
            self.transport.close()
        self.answer.set_result((head, body))

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport = None
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionResetError("the server has closed"))


def _header(head: bytes, name: bytes) -> str:
    return head.lower().partition(b"\r\n" + name + b":")[2].partition(b"\r\n")[0].decode().strip()


@dataclass
class Shop:
    """Requests of each kind, as bytes ready to send. `make[kind]()` returns the next one."""

    system: System
    hot: Sequence[int]
    written: Sequence[int]
    make: dict[str, Callable[[], bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare the requests."""
        host = urlsplit(self.system.url).netloc
        numbers = itertools.count(1)

        def get(path: str) -> bytes:
            return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()

        def search() -> bytes:
            # A highest price that nobody has asked for and nothing exceeds: not cached, and all of them cost the same.
            return get(f"{API}/parts?q={random.choice(WORDS)}&limit=20&max_price={900_000 + next(numbers) / 100:.2f}")

        def write() -> bytes:
            body = json.dumps({"delta": 1, "reason": "bench"})
            return (
                f"POST {API}/admin/parts/{random.choice(self.written)}/stock/adjustments HTTP/1.1\r\nHost: {host}\r\n"
                f"Authorization: Bearer {self.system.key}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()

        self.make = {
            "part": lambda: get(f"{API}/parts/{random.choice(self.hot)}"),
            "list": lambda: get(f"{API}/parts?limit=20&sort={random.choice(['name', '-name'])}"),
            "search": search,
            "write": write,
            "probe": lambda: get("/readyz"),
        }


class Generator:
    """Sends requests at a given rate and records what becomes of them. For one event loop."""

    def __init__(self, shop: Shop, sources: Sequence[str] = ()) -> None:
        """Offer load to `shop`, from these addresses of this machine by turns."""
        self._shop = shop
        self._sources = itertools.cycle(sources or [""])
        self._idle: deque[_Wire] = deque()
        self._open = 0
        self._under_way: set[asyncio.Task[None]] = set()
        self.outcomes: list[Outcome] = []

    async def offer(self, rate: float, seconds: float, mix: Mapping[str, float] = MIX) -> list[Outcome]:
        """Offer `rate` requests a second for so many seconds; return what became of all of them, once that is known."""
        self.outcomes = []
        began = time.perf_counter()
        for kind, due in self._schedule(rate, seconds, mix):
            if (wait := began + due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(self._send(kind, began, due))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        await asyncio.gather(*self._under_way)
        return self.outcomes

    def _schedule(self, rate: float, seconds: float, mix: Mapping[str, float]) -> Iterator[tuple[str, float]]:
        """Return the kind and the due time of each request: customers come independently of each other."""
        kinds, shares = list(mix), list(mix.values())
        at = next_probe = 0.0
        while (at := at + random.expovariate(rate)) < seconds:
            while next_probe < at:
                yield "probe", next_probe
                next_probe += PROBE_EVERY
            yield random.choices(kinds, shares)[0], at

    async def _send(self, kind: str, began: float, due: float) -> None:
        status, says_when, note = 0, False, ""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(GIVES_UP):
                wire = await self._wire()
                try:
                    head, body = await self._exchange(wire, self._shop.make[kind]())
                finally:
                    self._put_back(wire)
            status, says_when = int(head[9:12]), b"\r\nretry-after:" in head.lower()
            note = _header(head, b"x-cache") if status == http.HTTPStatus.OK else str(json.loads(body).get("code"))
        self.outcomes.append(Outcome(kind, due, time.perf_counter() - began - due, status, says_when, note))

    async def _wire(self) -> _Wire:
        while self._idle:
            wire = self._idle.pop()
            if wire.transport is not None and not wire.transport.is_closing():
                return wire
            self._open -= 1
        if self._open >= CONNECTIONS:
            raise TimeoutError("every connection is waiting for its answer")
        self._open += 1
        parts = urlsplit(self._shop.system.url)
        try:
            source = next(self._sources)
            return (
                await asyncio.get_running_loop().create_connection(
                    _Wire, parts.hostname or "", parts.port or 80, local_addr=(source, 0) if source else None
                )
            )[1]
        except BaseException:
            self._open -= 1
            raise

    async def _exchange(self, wire: _Wire, request: bytes) -> tuple[bytes, bytes]:
        wire.answer = asyncio.get_running_loop().create_future()
        assert wire.transport is not None
        wire.transport.write(request)
        return await wire.answer

    def _put_back(self, wire: _Wire) -> None:
        if wire.answer is not None and wire.answer.done() and not wire.answer.cancelled() and wire.transport is not None:
            self._idle.append(wire)
        else:
            self._open -= 1
            if wire.transport is not None:
                wire.transport.abort()

    def close(self) -> None:
        """Close the connections."""
        for wire in self._idle:
            if wire.transport is not None:
                wire.transport.abort()


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the requests of one kind. Times are seconds; `failed` were neither done nor refused as they should be;
    `later_p99` is of those that came after the first `SETTLES` seconds."""

    offered: int
    answered: int
    shed: int
    failed: int
    p50: float
    p99: float
    longest: float
    longest_refusal: float
    later_p99: float


def summary(outcomes: Iterable[Outcome], kind: str | None = None) -> Summary:
    """Return what became of the requests of a kind, or of all but probes."""
    own = [outcome for outcome in outcomes if (outcome.kind == kind if kind else outcome.kind != "probe")]
    took = sorted(outcome.seconds for outcome in own if outcome.is_answered)
    later = sorted(outcome.seconds for outcome in own if outcome.is_answered and outcome.due > SETTLES)
    refused = [outcome.seconds for outcome in own if outcome.is_shed]
    failed = len(own) - len(took) - len(refused)
    return Summary(
        len(own), len(took), len(refused), failed, _quantile(took, 0.5), _quantile(took, 0.99), _quantile(took, 1.0),
        max(refused, default=0.0), _quantile(later, 0.99),
    )  # fmt: skip


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def statuses(outcomes: Iterable[Outcome]) -> dict[int, int]:
    """Return how often each status was answered."""
    return dict(sorted(Counter(outcome.status for outcome in outcomes).items()))


async def sustained(generator: Generator) -> float:
    """Return the highest rate of a rising series at which all is well, in requests a second."""
    rate = FIRST_RATE
    while True:
        found = await generator.offer(rate, STEP)
        whole, parts = summary(found), summary(found, "part")
        done = f"{whole.answered} of {whole.offered} answered"
        print(f"{rate:6.0f}/s: {done}, cached parts p99 {parts.p99 * 1000:.0f} ms", flush=True)
        if whole.answered < ANSWERED * whole.offered or parts.p99 > CALM:
            return rate / STEPS_BY
        rate *= STEPS_BY


def print_table(title: str, outcomes: Sequence[Outcome]) -> None:
    """Print what became of each kind."""
    print(f"\n{title}; statuses {statuses(outcomes)}")
    heads = " ".join(f"{head:>7}" for head in ("offered", "done", "shed", "failed", "p50", "p99", "later", "max"))
    print(f"{'':8} {heads} {'refused within':>15}  (ms)")
    for kind in (*MIX, "probe"):
        s = summary(outcomes, kind)
        times = " ".join(f"{1000 * value:7.0f}" for value in (s.p50, s.p99, s.later_p99, s.longest))
        notes = dict(Counter(o.note for o in outcomes if o.kind == kind))
        print(f"{kind:8} {s.offered:7} {s.answered:7} {s.shed:7} {s.failed:7} {times} {1000 * s.longest_refusal:15.0f}  {notes}")


def calm_after(outcomes: Sequence[Outcome]) -> float:
    """Return after how many seconds everything was answered, and cached parts within `CALM`."""
    late = [o.due for o in outcomes if not o.is_answered or (o.kind == "part" and o.seconds > CALM)]
    return max(late, default=0.0)


async def run(shop: Shop, seconds: float, times: float, rate: float | None) -> None:
    """Look for the sustained rate, offer a multiple of it, and then what it sustains easily."""
    generator = Generator(shop)
    try:
        await generator.offer(FIRST_RATE, STEP)  # fills the caches and opens connections
        rate = rate or await sustained(generator)
        print_table(f"{rate:.0f}/s, which is sustained", await generator.offer(rate, STEP))
        print_table(f"{rate * times:.0f}/s for {seconds:.0f} s", await generator.offer(rate * times, seconds))
        after = await generator.offer(rate / 2, 2 * STEP)
        print_table(f"{rate / 2:.0f}/s afterwards: calm after {calm_after(after):.1f} s", after)
    finally:
        generator.close()


def longer(turns: Rounds, than: Rounds, kind: str | None, quantile: str) -> float:
    """Return how many times as long as in other rounds a kind of request took: `quantile` is a field of `Summary`."""
    took, usual = (getattr(summary(itertools.chain.from_iterable(rounds), kind), quantile) for rounds in (turns, than))
    return float(took / usual)


def likely(turns: Rounds, than: Rounds, kind: str | None, quantile: str) -> tuple[float, float]:
    """Return the 95 % interval of `longer`, with whole rounds resampled, since requests of one round are not independent (Efron,
    "Bootstrap methods: another look at the jackknife", Annals of Statistics, 1979)."""
    found = sorted(
        longer(random.choices(turns, k=len(turns)), random.choices(than, k=len(than)), kind, quantile) for _ in range(RESAMPLED)
    )
    return _quantile(found, 0.025), _quantile(found, 0.975)


async def run_abused(shop: Shop, watched: Sequence[int], rate: float, rounds: int) -> None:
    """Offer what is normal, by turns without and with one abusive client beside it."""
    generator = Generator(shop, OTHERS)
    found: dict[str, Rounds] = {}
    try:
        await generator.offer(rate, 2 * STEP)
        with a_sink() as sink:
            besides = {"alone": "", "while a sink is abused": sink, "while the shop is abused": shop.system.url}
            for beside, abused in list(besides.items()) * rounds:
                with ExitStack() as attacks:
                    for name in ABUSES if abused else ():
                        attack = under_attack(name, Target(abused, "", watched, ABUSER), ROUND + 4, is_elsewhere=True)
                        # Leaving waits for the attack's end.
                        await asyncio.to_thread(attacks.enter_context, attack)
                    found.setdefault(beside, []).append(await generator.offer(rate, ROUND))
    finally:
        generator.close()
    for beside, turns in found.items():
        print_table(f"{rate:.0f}/s {beside}", list(itertools.chain.from_iterable(turns)))
    alone, sinking, abused_too = found.values()
    for than, usual in (("alone", alone), ("beside a sink", sinking)):
        for kind in (None, *MIX):
            ratios = []
            for quantile in ("p50", "p99"):
                low, high = likely(abused_too, usual, kind, quantile)
                ratios.append(f"{quantile} {longer(abused_too, usual, kind, quantile):.2f} ({low:.2f} to {high:.2f})")
            print(f"{kind or 'all':8} {', '.join(ratios)} times as long as {than}")


def shop_of(system: System, parts: int) -> Shop:
    """Fill a new system with so many parts, and return the requests to offer it."""
    assert isinstance(system.stack, Stack)
    catalog.fill(system.stack.settings.database_url, parts)
    made = system.make_parts(HOT_PARTS + 20)
    return Shop(system, made[:HOT_PARTS], made[HOT_PARTS:])


def main() -> None:
    """Run it on a system of its own and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the overload lasts")
    parser.add_argument("--times", type=float, default=2.0, help="the overload, as a multiple of the sustained rate")
    parser.add_argument("--rate", type=float, help="the sustained rate, if it is known")
    parser.add_argument("--parts", type=int, default=20_000, help="how large the catalog is")
    parser.add_argument("--abused", action="store_true", help="a normal load (--rate), without and with one abusive client")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="with --abused: how many turns of each sort")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lockstep-overload-") as home, own_stack(Path(home)) as system:
        if chosen.abused:
            shop = shop_of(system, chosen.parts)
            asyncio.run(run_abused(shop, system.make_parts(PARTS), chosen.rate or FIRST_RATE, chosen.rounds))
            return
        asyncio.run(run(shop_of(system, chosen.parts), chosen.seconds, chosen.times, chosen.rate))


if __name__ == "__main__":
    main()
