"""The check that the fixtures `container` and `system` make of every emission, without them, since they would see these, too."""

from collections.abc import Iterator

import pytest
from redis import Redis

from app.monitoring import SyncMonitoring
from app.sync.publisher import EventPublisher
from config import Settings, load_settings
from devserver import EmbeddedServers
from tests.messages import emissions_checked

JOB = {
    "id": 1, "state": "done", "file_name": "parts.csv", "dry_run": False, "rows_total": 1, "rows_done": 1, "created": 1,
    "changed": 0, "unchanged": 0, "errors": [], "error_count": 0, "notices": [], "notice_count": 0, "failure": None,
    "undoes": None, "undone_by": None, "conflicts": [], "conflict_count": 0,
    "created_by": {"id": 1, "name": "Ana"}, "created_at": "2026-01-02T03:04:05.000006Z", "finished_at": None,
}  # fmt: skip


@pytest.fixture
def settings(servers: EmbeddedServers) -> Settings:
    return load_settings()


@pytest.fixture
def publisher(settings: Settings) -> Iterator[EventPublisher]:
    with Redis.from_url(settings.redis_url) as client:
        yield EventPublisher(client, settings.prefix, SyncMonitoring())


def test_what_is_described_may_be_emitted(settings: Settings, publisher: EventPublisher) -> None:
    with emissions_checked(settings):
        publisher.tell_staff("import.progress", JOB)
        publisher.tell_staff("session.ended", {})


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("import.progress", JOB | {"eta": 5}),
        ("import.progress", {name: value for name, value in JOB.items() if name != "failure"}),
        ("import.progress", JOB | {"errors": [{"line": 1, "field": "sku"}]}),
        ("import.finished", JOB),
    ],
)
def test_an_emission_that_is_not_described_fails_the_test_that_it_happens_in(
    event: str, body: dict[str, object], settings: Settings, publisher: EventPublisher
) -> None:
    def emit() -> None:
        with emissions_checked(settings):
            publisher.tell_staff(event, body)
            publisher.tell_staff("import.progress", JOB)

    with pytest.raises(AssertionError, match=event):
        emit()
