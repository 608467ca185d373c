"""`python -m bench.history`: continuous reads and writes over every web process, recorded and judged by `bench.checker`."""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench.checker import check
from bench.recording import Recorder
from bench.system import own_stack


def main() -> int:
    """Record, judge and print; the exit code is 1 if there are violations."""
    parser = argparse.ArgumentParser(prog="python -m bench.history", description=__doc__)
    parser.add_argument("--reads", type=int, default=100_000, help="reads to record (default: %(default)s)")
    parser.add_argument("--sessions", type=int, default=6, help="concurrent sessions (default: %(default)s)")
    parser.add_argument("--parts", type=int, default=12, help="parts that they read and write (default: %(default)s)")
    parser.add_argument("--writes", type=float, default=0.05, help="writes per read (default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lockstep-") as home, own_stack(Path(home)) as system:
        parts = system.make_parts(arguments.parts)
        recorder = Recorder(
            system, parts, sessions=arguments.sessions, write_share=arguments.writes, most_reads=arguments.reads
        )  # fmt: skip
        began = time.monotonic()
        with recorder:
            while recorder.running:
                time.sleep(10)
                print(f"{recorder.reads} reads after {time.monotonic() - began:.0f} s", file=sys.stderr)
        took = time.monotonic() - began
    report(recorder, took)
    violations = check(recorder.history)
    print(f"violations   {len(violations)}  {dict(Counter(str(v.rule) for v in violations))}")
    for violation in violations[:10]:
        print(f"  {violation}")
    return 1 if violations else 0


def report(recorder: Recorder, took: float) -> None:
    """Print what was recorded."""
    reads = [call for call in recorder.calls if call.method == "GET"]
    writes = [call for call in recorder.calls if call.method != "GET"]
    caches = Counter(call.cache for call in reads)
    print(f"reads        {len(reads)}, each of three versions, in {took:.0f} s ({len(reads) / took:.0f}/s)")
    print(f"writes       {len(writes)} ({len(writes) / took:.0f}/s)")
    print(f"not 200      {sum(call.status != 200 for call in recorder.calls)}")
    print("cache        " + ", ".join(f"{name} {count / len(reads):.1%}" for name, count in caches.most_common()))


if __name__ == "__main__":
    sys.exit(main())
