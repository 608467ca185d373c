"""Promises 3 and 4 as customers have them who read through Varnish, while writers are told what they are told anyway."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus

import httpx
import pytest

from bench.checker import Operation, Rule, Violation, check
from bench.debian import UnavailableError
from bench.recording import Recorder
from bench.system import System, own_stack, wait_until
from bench.varnish import varnish
from devserver.ports import free_ports
from tests.faults.inspection import settled
from tests.live.conftest import CUSTOMERS, Listener

READS = 6_000
API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Front:
    """A shop behind Varnish."""

    shop: System
    edge: System


def behind_varnish(tmp_path_factory: pytest.TempPathFactory, *, purged_at: int | None = None) -> Iterator[Front]:
    """Run a shop behind Varnish that purges at a port, by default Varnish's own."""
    (port,) = free_ports(1)
    edge = f"varnish+http://127.0.0.1:{purged_at or port}"
    folder = tmp_path_factory.mktemp("varnish")
    with own_stack(tmp_path_factory.mktemp("edge"), LOCKSTEP_EDGE=edge, LOCKSTEP_TRUSTED_PROXIES="1") as shop:
        try:
            with varnish(port, int(shop.address.rpartition(":")[2]), folder) as url:
                yield Front(shop, replace(shop, url=url))
        except UnavailableError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A shop that purges the Varnish in front of it."""
    yield from behind_varnish(tmp_path_factory)


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A shop whose purges reach nobody."""
    yield from behind_varnish(tmp_path_factory, purged_at=free_ports(1)[0])


def hits(front: Front) -> int:
    """Count what Varnish has answered by itself."""
    with httpx.Client(base_url=front.edge.url, trust_env=False) as client:
        return [client.get(f"{API}/categories").headers["X-Edge"] for _ in range(5)].count("HIT")


def test_through_the_edge_nobody_reads_less_than_was_acknowledged(front: Front) -> None:
    parts = front.shop.make_parts(4)
    with Recorder(front.edge, parts, sessions=6, write_share=0.03, most_reads=READS) as recorder:
        recorder.join()
    assert recorder.reads >= READS
    acknowledged = [write for write in recorder.writes if write.status == HTTPStatus.OK]
    assert len(acknowledged) >= READS * 0.01
    assert broken(recorder.history) == []
    # It was Varnish that answered, most of the time.
    assert hits(front) > 0
    # A bulk purges all of its parts at once.
    assert purges(front, "confirmed") >= len({write.request_id for write in acknowledged})
    settled(front.shop)


def test_if_purges_reach_nobody_writers_wait_and_readers_are_right_all_the_same(cut_off: Front) -> None:
    parts = cut_off.shop.make_parts(1)
    with Recorder(cut_off.edge, parts, sessions=4, write_share=0.002, most_reads=READS) as recorder:
        recorder.join()
    assert any(write.status == HTTPStatus.OK for write in recorder.writes)
    assert broken(recorder.history) == []
    assert hits(cut_off) > 0
    assert purges(cut_off, "failed") > 0


def test_what_nobody_purges_is_old_for_a_moment_only(cut_off: Front) -> None:
    (part,) = cut_off.shop.make_parts(1)
    with httpx.Client(base_url=cut_off.edge.url, trust_env=False, timeout=10) as client:
        held = client.get(f"{API}/parts/{part}")
        key = {"Authorization": f"Bearer {cut_off.shop.key}"}
        changed = client.put(f"{API}/admin/parts/{part}/stock", json={"current_stock": 1}, headers=key)
        assert changed.status_code == HTTPStatus.OK
        read = client.get(f"{API}/parts/{part}")
        assert (read.json()["stock"]["current_stock"], read.headers["ETag"] != held.headers["ETag"]) == (1, True)


def test_the_first_html_is_stored_for_each_language_by_itself(front: Front) -> None:
    (part,) = front.shop.make_parts(1)
    with httpx.Client(base_url=front.edge.url, trust_env=False, timeout=10, follow_redirects=True) as client:
        address = str(client.get(f"/parts/{part}/x").url.path)
        for _ in range(2):
            german = client.get(address, headers={"Cookie": "language=de; session=1"})
            english = client.get(address, headers={"Cookie": "session=2; language=en"})
            assert [page.headers["Content-Language"] for page in (german, english)] == ["de", "en"]
        key = {"Authorization": f"Bearer {front.shop.key}"}
        assert (
            client.put(f"{API}/admin/parts/{part}", json={"part_name": "Renamed part"}, headers=key).status_code == HTTPStatus.OK
        )
        assert "Renamed part" in client.get(address, headers={"Cookie": "language=de"}).text


def test_staff_and_sockets_pass_through(front: Front) -> None:
    with httpx.Client(base_url=front.edge.url, trust_env=False, timeout=10) as client:
        assert client.get(f"{API}/admin/parts").status_code == HTTPStatus.UNAUTHORIZED
        key = {"Authorization": f"Bearer {front.shop.key}"}
        mine = client.get(f"{API}/admin/parts", headers=key)
        assert (mine.status_code, mine.headers["X-Edge"]) == (HTTPStatus.OK, "MISS")
        assert client.get(f"{API}/admin/parts").status_code == HTTPStatus.UNAUTHORIZED
    listener = Listener(front.edge.url, CUSTOMERS)
    (part,) = front.shop.make_parts(1)
    try:
        assert wait_until(lambda: listener.call("watch", {"parts": {str(part): None}})["parts"] != [])
    finally:
        listener.client.disconnect()
        listener.transport.close()


def broken(history: list[Operation]) -> list[Violation]:
    """Return what breaks a promise. Until a write is purged and acknowledged, what is stored is older than what is fetched."""
    return [one for one in check(history) if one.rule is not Rule.MONOTONIC]


def purges(front: Front, result: str) -> float:
    """Return how many purges came out so."""
    text = httpx.get(f"{front.shop.url}/metrics", trust_env=False).text
    return sum(
        float(line.split()[-1]) for line in text.splitlines() if line.startswith(f'edge_purges_total{{result="{result}"}}')
    )
