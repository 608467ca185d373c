"""A short history over real HTTP and two web processes; the long one is `python -m bench.history`."""

from bench.checker import check
from bench.recording import Recorder
from bench.system import System, wait_until

READS = 3000


def test_beside_continuous_writes_no_answer_is_older_or_newer_than_it_may_be(system: System) -> None:
    with Recorder(system, system.make_parts(4), sessions=6, write_share=0.1, most_reads=READS) as recorder:
        assert wait_until(lambda: not recorder.running, within=60, every=0.1)
    assert recorder.reads >= READS
    assert {call.status for call in recorder.calls} == {200}
    assert {"HIT", "MISS"} <= {call.cache for call in recorder.calls}
    assert not check(recorder.history)
