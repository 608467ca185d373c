"""What an HTTP cache in front of the shop is told, with each answer and with each write: a real HTTP server stands for it."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.api import edge as told
from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.domain.pricing import PriceLine
from app.factory import create_app
from app.services.intent import Intent
from app.store import sitemap
from bench.system import wait_until
from config import REPOSITORY, load_settings
from tests.flow.built import fresh_client
from tests.origin import Origin, origin

API = "/api/v1"
TOLD = {"Surrogate-Key", "Surrogate-Control", "Cache-Tag", "Cloudflare-CDN-Cache-Control"}


@pytest.fixture(scope="module")
def purged() -> Iterator[Origin]:
    """The edge, which records what it is to drop."""
    with origin() as made:
        yield made


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site's own shell, though without what Vite adds to it."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "web").mkdir()
    shell = (REPOSITORY / "app" / "frontend" / "web" / "index.html").read_text()
    (folder / "web" / "index.html").write_text(shell)
    (folder / "web" / "motifs.json").write_text(
        '{"motifs": {"bolt": ["M1 1"]}, "usual": "bolt", "words": [], "grid": "G", "axes": "A"}'
    )
    return folder


@pytest.fixture(scope="module")
def edge_app(app: Flask, purged: Origin, frontend: Path) -> Iterator[Flask]:
    """The web application with an edge in front."""
    made = create_app(replace(load_settings(), frontend=frontend, edges=(f"varnish+http://127.0.0.1:{purged.port}",)))
    made.extensions["lockstep"].consistency.start()
    yield made
    made.extensions["lockstep"].close()


@pytest.fixture
def client(edge_app: Flask, container: Container) -> FlaskClient:
    """A customer, or the edge itself."""
    return fresh_client(edge_app)


@pytest.fixture
def writer(edge_app: Flask) -> Container:
    """The shop with an edge, as its writers know it."""
    wired: Container = edge_app.extensions["lockstep"]
    return wired


class Catalog:
    """A category with two parts, one of them below it, and a part elsewhere."""

    def __init__(self, writer: Container, actor: Actor) -> None:
        self.intent = Intent(actor)
        self.parts = writer.parts
        self.mark = f"mark{uuid4().hex[:8]}"
        self.category = self._category(None)
        self.below = self._category(self.category)
        self.elsewhere = self._category(None)
        self.part, self.deep, self.other = (self.new_part(own) for own in (self.category, self.below, self.elsewhere))

    def _category(self, parent: int | None) -> int:
        name = f"Category {uuid4().hex[:8]}"
        return int(self.parts.create_category_with_sync(self.intent, name, parent, None)["id"])

    def new_part(self, category: int) -> int:
        """Create a published part."""
        values = {
            "sku": f"E-{uuid4().hex[:12]}",
            "part_name": f"Edge {self.mark}",
            "status": "published",
            "category_id": category,
        }
        prices = [PriceLine("EUR", Decimal("2.50"))]
        return int(self.parts.create_part_with_sync(self.intent, values, [], prices, {"current_stock": 10})["id"])

    def place(self, part: int, category: int) -> None:
        """Move a part to a category."""
        self.parts.update_part_content_with_sync(self.intent, part, {"category_id": category})

    @property
    def in_sitemap(self) -> str:
        """The file of the sitemap that has the part."""
        return f"/sitemaps/parts-{(self.part - 1) // sitemap.FILE}.xml"

    def paths(self, client: FlaskClient) -> list[str]:
        """Return the addresses of everything that customers may read of it."""
        part, category = (client.get(f"{API}/parts/{self.part}").json, f"category={self.category}")
        assert part is not None
        slug = part["category"]["slug"]
        return [
            f"{API}/parts/{self.part}", f"{API}/pdp/{self.part}", f"{API}/pdp/{part['slug']}", f"{API}/parts?limit=200",
            f"{API}/parts?{category}", f"{API}/parts?{category}&in_stock=true&sort=price", f"{API}/parts?q={self.mark}",
            f"{API}/parts/facets?{category}", f"{API}/parts/suggest?q={self.mark}", f"{API}/parts/restocked",
            f"{API}/parts/by-sku?sku={part['sku']}", f"{API}/categories?limit=200",
            "/", f"/parts/{self.part}/{part['slug']}", f"/c/{slug}", f"/parts?q={self.mark}",
            "/sitemap.xml", "/sitemaps/lists.xml", self.in_sitemap,
        ]  # fmt: skip


@pytest.fixture
def catalog(writer: Container, actor: Actor, client: FlaskClient) -> Catalog:
    """A small catalog of the test's own, none of whose invalidations will be applied once more."""
    made = Catalog(writer, actor)

    def is_settled() -> bool:
        writer.deliveries.deliver(Effect.INVALIDATE_CACHE)
        return writer.sync_control.outbox_status()[Effect.INVALIDATE_CACHE]["pending"] == 0

    assert wait_until(is_settled)
    return made


def stored(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    """Return an answer that the edge may store: a busy machine may be late to prove that it is fresh enough."""
    answers: list[TestResponse] = []

    def may_be() -> bool:
        answers.append(client.get(path, headers=headers))
        return answers[-1].headers.get("Surrogate-Control") != told.NOT_STORED

    assert wait_until(may_be)
    return answers[-1]


def keys(response: TestResponse) -> set[str]:
    """Return the keys by which an answer is dropped."""
    return set(response.headers["Surrogate-Key"].split())


def shown(response: TestResponse) -> bytes:
    """Return what an answer shows: without the tokens by which pages notice changes, since old ones do no harm."""
    return re.sub(rb'"(?:catalog|categories)":"[^"]*"', b"", response.data)


CHANGES: dict[str, Callable[[Catalog], Any]] = {
    "a stock": lambda own: own.parts.update_stock_with_sync(own.intent, own.part, {"current_stock": 3}),
    "the last piece": lambda own: own.parts.update_stock_with_sync(own.intent, own.part, {"current_stock": 0}),
    "a name": lambda own: own.parts.update_part_content_with_sync(own.intent, own.part, {"part_name": f"Renamed {own.mark}"}),
    "a text": lambda own: own.parts.update_part_content_with_sync(own.intent, own.part, {"description": "New"}),
    "a maker": lambda own: own.parts.update_part_content_with_sync(own.intent, own.part, {"manufacturer": own.mark}),
    "a price": lambda own: own.parts.update_prices_with_sync(own.intent, own.part, [PriceLine("EUR", Decimal("9.75"))]),
    "a measure": lambda own: own.parts.update_specifications_with_sync(
        own.intent, own.part, [{"name": "Bore", "value": "10", "unit": "mm", "group": ""}]
    ),
    "a draft": lambda own: own.parts.update_part_content_with_sync(own.intent, own.part, {"status": "draft"}),
    "an archived part": lambda own: own.parts.archive_part_with_sync(own.intent, own.part),
    "a new part": lambda own: own.new_part(own.category),
    "a new part below": lambda own: own.new_part(own.below),
    "a part that moves away": lambda own: own.place(own.part, own.elsewhere),
    "a part that moves here": lambda own: own.place(own.other, own.category),
    "a stock below": lambda own: own.parts.update_stock_with_sync(own.intent, own.deep, {"current_stock": 0}),
    "a category's name": lambda own: own.parts.update_category_with_sync(own.intent, own.category, {"name": f"New {own.mark}"}),
    "a category that moves": lambda own: own.parts.update_category_with_sync(own.intent, own.below, {"parent_id": own.elsewhere}),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_a_write_changes_is_dropped_before_it_is_acknowledged(
    catalog: Catalog, client: FlaskClient, purged: Origin, change: str
) -> None:
    before = {path: stored(client, path) for path in catalog.paths(client)}
    assert {path: response.status_code for path, response in before.items()} == dict.fromkeys(before, 200)
    purged.asked.clear()
    CHANGES[change](catalog)
    dropped = {key for asked in purged.asked for key in asked.headers["surrogate-key"].split()}
    changed = {path for path in before if shown(client.get(path)) != shown(before[path])}
    kept = {path for path in changed if not keys(before[path]) & dropped}
    # The time of the last change lags behind, as it does for everybody else (`max-age`).
    assert kept <= {catalog.in_sitemap}
    assert changed - kept


def test_a_write_drops_nothing_else(catalog: Catalog, client: FlaskClient, purged: Origin) -> None:
    before = {
        path: keys(client.get(path)) for path in (f"{API}/parts/{catalog.part}", f"{API}/parts?category={catalog.category}")
    }
    purged.asked.clear()
    catalog.parts.update_stock_with_sync(catalog.intent, catalog.other, {"current_stock": 0})
    (asked,) = purged.asked
    assert not any(own & set(asked.headers["surrogate-key"].split()) for own in before.values())


def test_304_tells_the_same_as_200(catalog: Catalog, client: FlaskClient) -> None:
    for path in catalog.paths(client):
        first = stored(client, path)
        again = stored(client, path, **{"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.headers["Surrogate-Control"]) == (304, "max-age=1"), path
        assert keys(again) == keys(first), path


def test_a_browser_is_told_what_it_always_is(catalog: Catalog, client: FlaskClient, app: Flask) -> None:
    plain = fresh_client(app)
    for path in catalog.paths(client)[:12]:
        without, behind = plain.get(path), client.get(path)
        assert not TOLD & set(without.headers.keys())
        assert behind.headers["Cache-Control"] == without.headers["Cache-Control"] == "no-cache"
        assert (behind.data, behind.headers["ETag"]) == (without.data, without.headers["ETag"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{API}/parts/999999999"), ("GET", f"{API}/parts?limit=0"), ("POST", f"{API}/parts/lookup"),
        ("GET", f"{API}/admin/parts"), ("GET", f"{API}/auth/me"), ("GET", "/parts/999999999"), ("GET", "/?lang=de"),
        ("GET", "/panel/"), ("GET", "/healthz"), ("GET", f"{API}/openapi.json"), ("OPTIONS", f"{API}/parts"),
    ],
)  # fmt: skip
def test_an_edge_is_told_nothing_of_other_answers(
    edge_app: Flask, client: FlaskClient, api: Callable[[str], FlaskClient], method: str, path: str
) -> None:
    staff = edge_app.test_client()
    staff.environ_base.update(api("admin").environ_base)
    # A customer's request on the same thread, of which nothing may be left over.
    assert client.get(f"{API}/categories").status_code == 200
    response = staff.open(path, method=method, json={"lines": []} if method == "POST" else None)
    assert not TOLD & set(response.headers.keys())


def test_an_answer_that_may_be_old_is_not_stored(catalog: Catalog, client: FlaskClient, writer: Container) -> None:
    path = f"{API}/parts/{catalog.part}"
    assert stored(client, path).headers["Surrogate-Control"] == "max-age=1"
    writer.consistency.stop()
    answers: list[TestResponse] = []

    def is_hit() -> bool:
        # However long the last one took, there is as much time left as can be.
        writer.cache._verified_at = time.monotonic() - told.OLDEST
        answers.append(client.get(path))
        return answers[-1].headers["X-Cache"] == "HIT"

    try:
        assert wait_until(is_hit)
        assert answers[-1].headers["Surrogate-Control"] == "no-store"
        assert "Surrogate-Key" not in answers[-1].headers
        writer.cache._verified_at -= 10
        read = client.get(path)
        assert (read.headers["X-Cache"], read.headers["Surrogate-Control"]) == ("BYPASS", "max-age=1")
    finally:
        writer.consistency._stopping.clear()
        writer.consistency.start()


def test_an_answer_with_more_keys_than_a_header_holds_is_not_stored(
    catalog: Catalog, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(told, "MAX_CHARACTERS", 10)
    assert client.get(f"{API}/parts?limit=200").headers["Surrogate-Control"] == "no-store"


def test_cloudflare_may_store_what_is_the_same_for_all(catalog: Catalog, frontend: Path, app: Flask) -> None:
    settings = replace(load_settings(), frontend=frontend, edges=("cloudflare:0a1b",), edge_token="secret")
    made = create_app(settings)
    made.extensions["lockstep"].consistency.start()
    try:
        client = fresh_client(made)
        part, page = stored(client, f"{API}/parts/{catalog.part}"), stored(client, "/")
        assert part.headers["Cloudflare-CDN-Cache-Control"] == "max-age=1"
        assert set(part.headers["Cache-Tag"].split(",")) == keys(part) >= {f"p{catalog.part}", "categories"}
        # It varies by language, which Cloudflare does not heed.
        assert page.headers["Cloudflare-CDN-Cache-Control"] == "no-store"
        assert "Cache-Tag" not in page.headers
    finally:
        made.extensions["lockstep"].close()


def delivered(writer: Container, purged: Origin) -> set[str]:
    """Deliver the effect, and return the keys that the edge was told of."""
    purged.asked.clear()
    while writer.deliveries.deliver(Effect.PURGE_EDGE):
        pass
    return {key for asked in purged.asked for key in asked.headers["surrogate-key"].split()}


def test_an_edge_is_purged_again_as_an_effect(catalog: Catalog, writer: Container, purged: Origin) -> None:
    delivered(writer, purged)
    catalog.parts.update_stock_with_sync(catalog.intent, catalog.part, {"current_stock": 4})
    assert f"p{catalog.part}" in delivered(writer, purged)
    assert writer.sync_control.outbox_status()[Effect.PURGE_EDGE]["pending"] == 0


# All processes of a shop have the same edge; the one that sweeps here has none.
@pytest.mark.usefixtures("unswept")
def test_a_change_by_hand_is_purged_as_well(catalog: Catalog, writer: Container, purged: Origin) -> None:
    delivered(writer, purged)
    with writer.engine.begin() as connection:
        connection.execute(text("SET LOCAL lockstep.writer = ''; SET LOCAL application_name = 'psql'"))
        connection.execute(text("UPDATE stock_levels SET current_stock = 2 WHERE part_id = :id"), {"id": catalog.part})
    assert wait_until(lambda: f"p{catalog.part}" in delivered(writer, purged))


def test_whatever_goes_wrong_with_an_edge_the_rest_of_a_write_is_begun(
    catalog: Catalog, writer: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_about: object) -> None:
        raise ValueError

    begun: set[str] = set()
    monkeypatch.setattr(writer.edge, "after_invalidation", fail)
    monkeypatch.setattr(writer.wake_ups, "request", begun.update)
    catalog.parts.update_stock_with_sync(catalog.intent, catalog.part, {"current_stock": 7})
    assert begun >= {Effect.PERSIST_AUDIT, Effect.BROADCAST, Effect.PURGE_EDGE}


def test_a_write_is_done_though_no_edge_confirms_it(catalog: Catalog, purged: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sync.edge.HARMLESS_AFTER", 0.3)
    answers = iter([500, 500, 200])
    purged.answer = lambda _asked: (next(answers), {}, "")
    purged.asked.clear()
    written = catalog.parts.update_stock_with_sync(catalog.intent, catalog.part, {"current_stock": 5})
    assert written["current_stock"] == 5
    assert len(purged.asked) == 3
    purged.answer = lambda _asked: (503, {}, "")
    assert catalog.parts.update_stock_with_sync(catalog.intent, catalog.part, {"current_stock": 6})["current_stock"] == 6
    purged.answer = lambda _asked: (200, {}, "")
