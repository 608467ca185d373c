"""Hundreds of readers at once of what has just been invalidated: PostgreSQL is asked once by each web process."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from redis import Redis

from app.contract import cache_keys
from app.contract.events import Aspect
from bench.readers import header
from bench.system import API, Client, System, wait_until
from tests.faults.inspection import settled

READERS = 200
ATTEMPTS = 5
# Fragments of the statements that load aspects of a part.
CONTENT, STOCK = "LEFT JOIN path ON path.leaf", "FROM stock_levels WHERE part_id = ANY"


class Statements:
    """What PostgreSQL logs while it logs every statement."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._from = log.stat().st_size

    def naming(self, value: str) -> Counter[str]:
        """Return how often each statement was executed with a parameter that has `value` in it."""
        found: Counter[str] = Counter()
        statement: list[str] = []
        for line in self._log.read_bytes()[self._from :].decode().splitlines():
            # The stack puts the time before each line.
            text = line[len("2026-11-26 10:15:32,114 ") :]
            if text.startswith("LOG:  "):
                statement = []
            if not text.startswith("DETAIL:  "):
                statement.append(text.strip())
            elif value in text:
                found[" ".join(statement)] += 1
        return found


@pytest.fixture
def statements(system: System) -> Iterator[Statements]:
    """The statements of this test."""
    assert system.stack is not None
    settings = system.stack.settings
    log = settings.home / "logs" / "postgres.log"
    host = parse_qs(urlsplit(settings.database_url).query)["host"][0]
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as server:
        server.execute("ALTER SYSTEM SET log_statement = 'all'")
        server.execute("SELECT pg_reload_conf()")
        marker = uuid.uuid4().hex
        assert wait_until(lambda: bool(server.execute(f"SELECT '{marker}'")) and marker in log.read_text(errors="replace"))
        yield Statements(log)
        server.execute("ALTER SYSTEM RESET log_statement")
        server.execute("SELECT pg_reload_conf()")


def read_at_once(system: System, path: str) -> list[tuple[dict, bytes]]:
    """Return what each of the readers is answered, and what the cache did; who is told to come back does."""
    parts = urlsplit(system.url)
    request = f"GET {API}{path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()

    async def play() -> list[tuple[dict, bytes]]:
        opened = await asyncio.gather(*(asyncio.open_connection(parts.hostname, parts.port) for _ in range(READERS)))
        return await asyncio.gather(*(read(*one) for one in opened))

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[dict, bytes]:
        while True:
            writer.write(request)
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
            status = int(head[9:12])
            if status == HTTPStatus.OK:
                return json.loads(body), header(head, b"X-Cache") or b""
            assert status == HTTPStatus.SERVICE_UNAVAILABLE, head
            await asyncio.sleep(int(header(head, b"Retry-After") or 1))
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)

    # Tests in a browser leave an event loop running in the main thread.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(play())).result()


def is_from_the_cache(answers: list[tuple[dict, bytes]]) -> bool:
    """Whether nobody read past the cache, as they do on so busy a machine that a process cannot prove it fresh in time."""
    return all(cache != b"BYPASS" for _answer, cache in answers)


def test_hundreds_who_read_a_part_that_is_not_cached_any_more_make_each_process_load_it_once(
    system: System, client: Client, part_id: int, statements: Statements
) -> None:
    assert system.stack is not None
    settings = system.stack.settings
    keys = [settings.prefix + key for key in cache_keys.aspect_keys(part_id, Aspect.CONTENT)]
    for _ in range(ATTEMPTS):
        name = f"Renamed {uuid.uuid4().hex}"
        assert client.call("PUT", f"/admin/parts/{part_id}", {"part_name": name}).status == HTTPStatus.OK
        with Redis.from_url(settings.redis_url) as cache:
            cache.delete(*keys)
        before, answers = statements.naming(f"'{{{part_id}}}'"), read_at_once(system, f"/parts/{part_id}")
        executed = statements.naming(f"'{{{part_id}}}'") - before
        assert {answer["part_name"] for answer, _cache in answers} == {name}
        if is_from_the_cache(answers):
            break
    # The verification may read it, too; it asks for its stock each time, which readers have in the cache.
    loads, verifications = (sum(n for text, n in executed.items() if fragment in text) for fragment in (CONTENT, STOCK))
    assert loads - verifications <= settings.web_concurrency, executed


def test_hundreds_who_read_a_list_that_was_just_dropped_make_each_process_load_it_once(
    system: System, client: Client, statements: Statements
) -> None:
    assert system.stack is not None
    category = system.make_category()
    parts = system.make_parts(3, category)
    path = f"/parts?category={category}&sort=newest"
    for attempt in range(ATTEMPTS):
        status, shown = ("published", 3) if attempt % 2 else ("draft", 2)
        assert client.call("PUT", f"/admin/parts/{parts[0]}", {"status": status}).status == HTTPStatus.OK
        settled(system)
        before, answers = statements.naming(f"'{{{category}}}'"), read_at_once(system, path)
        executed = statements.naming(f"'{{{category}}}'") - before
        assert {len(answer["items"]) for answer, _cache in answers} == {shown}
        if is_from_the_cache(answers):
            break
    loads = sum(n for text, n in executed.items() if "FROM (SELECT * FROM part_search s WHERE s.is_public" in text)
    # Reconciliation may compare it once.
    assert 1 <= loads <= system.stack.settings.web_concurrency + 1, executed
