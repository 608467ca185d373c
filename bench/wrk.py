"""wrk, an HTTP load generator in C (Debian's package, unpacked by `bench.debian`): far from being the bottleneck itself.

How far is measured each time: `Load.share` is the part of one core that it took, and a run in which it exceeds `MAX_SHARE` fails.
"""

import json
import os
import resource
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template

from bench.debian import unpacked

# It runs in one thread; above this share of a core it would have slowed down what it measures.
MAX_SHARE = 0.8
_SCRIPT = Template("""
local paths, bodies, number = $paths, $bodies, 0
wrk.method = "$method"
request = function()
    number = number + 1
    if $anywhere then
        wrk.headers["X-Forwarded-For"] = "10." .. math.random(0, 255) .. "." .. math.random(0, 255) .. ".1"
    end
    return wrk.format(nil, paths[number % #paths + 1], nil, bodies[number % #bodies + 1])
end
done = function(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format('\\n{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "refused": %d, "failed": %d}\\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
""")


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load: answers a second that were no error, milliseconds, and the share of a core that the client took."""

    rate: float
    p50: float
    p99: float
    share: float


def load(
    url: str, paths: Sequence[str], clients: int, seconds: float, *, method: str = "GET", bodies: Sequence[object] = (),
    headers: Mapping[str, str] | None = None, from_anywhere: bool = False, may_be_refused: bool = False,
    most: float = MAX_SHARE,
) -> Load:  # fmt: skip
    """Ask for these paths by turns, over so many connections at once.

    Args:
        from_anywhere: each request says that it comes from another address, as one that comes through a proxy does.
        most: the share of a core that the client may take. Above it what is measured is the least that the server can do.

    Raises:
        RuntimeError: if an answer was an error, or the client had no time to spare.
        bench.debian.UnavailableError: if there is no wrk to be had.
    """
    root = unpacked("wrk", ["wrk", "libluajit-5.1-2", "libluajit-5.1-common"])
    libraries = next(root.glob("usr/lib/*/libluajit-5.1.so.2")).parent
    given = [argument for name, value in (headers or {}).items() for argument in ("--header", f"{name}: {value}")]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        texts = [json.dumps(body) for body in bodies]
        script.write(
            _SCRIPT.substitute(
                method=method,
                paths=_table(paths),
                bodies=_table(texts) if texts else "{ nil }",
                anywhere=str(from_anywhere).lower(),
            )
        )
        script.flush()
        command = [root / "usr/bin/wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds:.0f}s"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        output = subprocess.run(
            [*map(str, command), "--script", script.name, *given, url],
            env=os.environ | {"LD_LIBRARY_PATH": str(libraries)}, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(output.splitlines()[-1])
    share = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / found["seconds"]
    if found["failed"] or (found["refused"] and not may_be_refused):
        raise RuntimeError(f"Not all requests to {method} {paths[0]} were answered:\n{output}")
    if share > most:
        raise RuntimeError(f"wrk took {share:.0%} of a core for {paths[0]}, so what was measured is the client")
    return Load((found["requests"] - found["refused"]) / found["seconds"], found["p50"], found["p99"], share)


def _table(texts: Sequence[str]) -> str:
    """Return a table in Lua, whose strings may be written as JSON's are."""
    return "{" + ", ".join(map(json.dumps, texts)) + "}"
