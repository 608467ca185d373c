"""Who is refused while a process has more to do than it can: customers, dear questions first; never staff or health checks."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from app.api import health
from app.container import Container
from app.domain.pressure import FEW, RISES, TARGET
from bench.system import wait_until


@pytest.fixture
def overload(container: Container, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Raise the pressure by so many whole levels; of what may be refused, everything is."""
    pressure = container.pressure
    monkeypatch.setattr(pressure, "_chance", lambda: 0.0)
    # Not begun: whether they wait for one another is not the question here.
    pressure._under_way += FEW

    def rise(levels: int) -> None:
        for _ in range(round(levels / RISES)):
            pressure.note(2 * TARGET)

    yield rise
    pressure._under_way -= FEW
    while pressure._level:
        pressure.note(0.0)


def test_searches_are_refused_first_then_cached_reads_too_and_never_staff(
    client: FlaskClient,
    api: Callable[[str], FlaskClient],
    new_part: Callable[..., int],
    overload: Callable[[int], None],
    deliver: Callable[[], None],
) -> None:
    staff, part = api("stock"), new_part()
    cached, listed = f"/api/v1/parts/{part}", "/api/v1/parts?limit=1"
    # Else the sweep would invalidate it once more, and drop the list after it was found in the cache.
    deliver()
    # A busy process may not yet have proven that what it loads may be kept.
    assert wait_until(lambda: all(client.get(path).headers["X-Cache"] == "HIT" for path in (cached, listed)))

    overload(1)
    refused = client.get(f"/api/v1/parts?q={uuid4().hex}")
    assert (refused.status_code, refused.get_json()["code"], refused.headers["Retry-After"]) == (503, "busy", "1")
    assert client.get(cached).status_code == client.get(listed).status_code == 200
    uncached = new_part()
    assert client.get(f"/api/v1/parts/{uncached}").status_code == 200

    overload(1)
    for path in (cached, listed, f"/api/v1/pdp/{part}", "/api/v1/categories"):
        refused = client.get(path)
        assert (refused.status_code, refused.get_json()["code"], refused.headers["Retry-After"]) == (503, "busy", "1")
    change = staff.post(f"/api/v1/admin/parts/{part}/stock/adjustments", json={"delta": 1, "reason": "counted"})
    assert change.status_code == staff.get(f"/api/v1/admin/parts/{part}").status_code == 200
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_a_request_is_counted_while_it_is_under_way_however_it_ends(client: FlaskClient, container: Container) -> None:
    for path, status in (("/api/v1/parts?limit=1", 200), ("/api/v1/parts/999999999", 404), ("/api/v1/parts?limit=x", 422)):
        assert client.get(path).status_code == status
        assert container.pressure._under_way == 0


def test_a_process_whose_connections_are_all_at_work_is_busy_and_not_unavailable(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_free(_engine: object) -> None:
        raise AssertionError("asked for a connection although the sweep has just proven that the database answers")

    monkeypatch.setattr(health.database, "check", none_free)
    assert client.get("/readyz").get_json()["database"] == "ok"
