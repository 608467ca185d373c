"""How many pages of customers show a part, over several web processes."""

import threading

import orjson
import pytest
from redis import Redis

from app.sync import open_pages
from app.sync.open_pages import OpenPages


class Process:
    """A web process, as far as one question goes: what it answers; None: it does not."""

    def __init__(self, client: Redis, pages: OpenPages, count: int | dict[str, int] | None) -> None:
        self._pubsub = client.pubsub()
        self._pubsub.subscribe(pages.channel)
        assert self._pubsub.get_message(timeout=5)["type"] == "subscribe"
        self._pages, self._count = pages, count
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def _answer(self) -> None:
        question = orjson.loads(next(iter(self._pubsub.listen()))["data"])
        if self._count is not None:
            self._pages.answer(question, self._count)

    def end(self) -> None:
        self._thread.join()
        self._pubsub.close()


def test_open_pages_are_those_of_all_processes_or_not_known(scratch: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_pages, "PATIENCE", 5.0)
    pages = OpenPages(scratch, "shop:")
    assert (pages.count([]), pages.count([17, 18])) == (0, 0)
    processes = [Process(scratch, pages, count) for count in (3, 0, 4)]
    assert pages.count([17, 18]) == 7
    for process in processes:
        process.end()
    monkeypatch.setattr(open_pages, "PATIENCE", 0.0)
    silent = Process(scratch, pages, None)
    assert pages.count([17, 18]) is None
    silent.end()
    with Redis(port=1, socket_connect_timeout=0.1) as nowhere:
        assert OpenPages(nowhere, "shop:").count([17]) is None


def test_open_pages_of_each_part_are_added_up_over_the_processes(scratch: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_pages, "PATIENCE", 5.0)
    pages = OpenPages(scratch, "shop:")
    assert (pages.of_each([]), pages.of_each([17, 18])) == ({}, {})
    processes = [Process(scratch, pages, count) for count in ({"17": 2, "18": 1}, {}, {"17": 3})]
    assert pages.of_each([17, 18, 19]) == {"17": 5, "18": 1}
    for process in processes:
        process.end()
    # The release before knows one question only.
    processes = [Process(scratch, pages, count) for count in ({"17": 2}, 4)]
    assert pages.of_each([17]) is None
    for process in processes:
        process.end()
