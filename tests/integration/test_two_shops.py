"""Two shops with a database each and one Valkey for both: neither notices the other."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from redis import Redis
from sqlalchemy import text

from app.cache.manager import Result
from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import LIVE_QUEUE, RECORDS_QUEUE, Effect
from app.domain.errors import TooManyAttemptsError, UnauthenticatedError
from app.factory import create_app
from app.services.intent import Intent
from app.services.login_limits import LoginLimits
from app.store import users
from app.store.database import connect, single_statements
from bench.system import wait_until
from config import REPOSITORY, Settings


@dataclass
class Shop:
    """One of the two, with a published part."""

    app: Flask
    part: int = 0

    @property
    def core(self) -> Container:
        container: Container = self.app.extensions["lockstep"]
        return container

    def actor(self) -> Actor:
        with self.core.reading.connect() as connection:
            row = users.system(connection)
        return Actor(row.id, row.name)

    def create(self, name: str, status: str = "published") -> int:
        values = {"sku": uuid4().hex[:12], "part_name": name, "status": status}
        made = self.core.parts.create_part_with_sync(Intent(self.actor()), values, [], [], {"current_stock": 10})
        return int(made["id"])

    def rename(self, name: str) -> None:
        self.core.parts.update_part_content_with_sync(Intent(self.actor()), self.part, {"part_name": name})

    def deliver(self) -> None:
        for effect in Effect:
            while self.core.deliveries.deliver(effect):
                pass

    def read(self) -> tuple[str, Result]:
        answer = self.core.parts.catalog.part(self.part)
        return answer.body["part_name"], answer.result


@pytest.fixture(scope="module")
def databases(app: Flask) -> tuple[str, str]:
    """The URLs of two empty databases in one server."""
    settings: Settings = app.extensions["lockstep"].settings
    one, two = (settings.database_url.replace("/lockstep?", f"/{name}?") for name in ("one", "two"))
    engine = single_statements(connect(settings.database_url))
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE one"))
        migrate(one)
        connection.execute(text("CREATE DATABASE two TEMPLATE one"))
    engine.dispose()
    return one, two


def migrate(url: str) -> None:
    """Make the tables in an empty database."""
    configuration = Config()
    configuration.set_main_option("script_location", str(REPOSITORY / "migrations"))
    engine = connect(url)
    with engine.connect() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
    engine.dispose()


@pytest.fixture(params=["the same database number", "another one"])
def shops(request: pytest.FixtureRequest, servers: object, app: Flask, databases: tuple[str, str]) -> Iterator[tuple[Shop, Shop]]:
    """Two shops, each sure of its cache, with a part of the same id."""
    settings: Settings = app.extensions["lockstep"].settings
    number = 1 if request.param == "the same database number" else 6
    urls = settings.redis_url, settings.redis_url.replace("db=1", f"db={number}")
    with ExitStack() as stack:
        made = []
        for name, database_url, redis_url in zip(("one", "two"), databases, urls, strict=True):
            shop = Shop(create_app(replace(settings, namespace=name, database_url=database_url, redis_url=redis_url)))
            stack.callback(shop.core.close)
            made.append(shop)
        one, two = made
        one.part = one.create("one")
        while two.part < one.part:
            two.part = two.create("two")
        assert one.part == two.part
        for shop in made:
            shop.core.consistency.start()
            assert wait_until(lambda shop=shop: shop.core.cache.is_fresh)
            shop.deliver()
        yield one, two


def queued(broker: Redis, shop: str) -> int:
    """How many wake-ups wait for a shop's workers."""
    return sum(int(broker.llen(f"{shop}:{queue}")) for queue in (LIVE_QUEUE, RECORDS_QUEUE))  # type: ignore[arg-type]


def test_a_write_in_one_shop_drops_serves_wakes_and_tells_nothing_in_the_other(shops: tuple[Shop, Shop]) -> None:
    one, two = shops
    for shop, name in zip(shops, ("one", "two"), strict=True):
        assert wait_until(lambda shop=shop, name=name: shop.read() == (name, Result.HIT))
    before = two.core.cache.life(), two.core.cache.catalog_token()
    settings = one.core.settings
    with (
        Redis.from_url(settings.redis_url) as valkey,
        Redis.from_url(settings.redis_url.replace("db=1", "db=0")) as broker,
        valkey.pubsub() as everything,
    ):
        everything.psubscribe("*")
        waiting = queued(broker, "one"), queued(broker, "two")
        one.create("A draft that is nobody's business", status="draft")
        # A wake-up from before the test may still count as queued, for a second.
        assert wait_until(lambda: one.rename(f"renamed {uuid4().hex}") or queued(broker, "one") > waiting[0], every=0.1)
        one.deliver()
        assert queued(broker, "two") == waiting[1]
        heard = []
        while (message := everything.get_message(timeout=0.2)) is not None:
            heard.append((message["channel"].decode(), message["data"]))
    assert two.read() == ("two", Result.HIT)
    assert (two.core.cache.life(), two.core.cache.catalog_token()) == before
    assert one.read()[0].startswith("renamed")
    assert [channel for channel, data in heard if b"nobody's business" in bytes(data)] == ["one:live"]
    assert "two:live" not in {channel for channel, _ in heard}


def test_guesses_in_one_shop_lock_nobody_out_of_the_other(shops: tuple[Shop, Shop]) -> None:
    one, two = (LoginLimits(shop.core.settings.redis_url, "secret", shop.core.settings.prefix) for shop in shops)
    email = f"{uuid4().hex}@shop.example"

    def guess(limits: LoginLimits) -> None:
        with limits.attempt(email, "192.0.2.7", lambda _quota: None):
            raise UnauthenticatedError

    for _ in range(10):
        with pytest.raises(UnauthenticatedError):
            guess(one)
    with pytest.raises(TooManyAttemptsError):
        guess(one)
    with pytest.raises(UnauthenticatedError):
        guess(two)
