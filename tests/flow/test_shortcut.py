"""Answers that are given again without Flask: the same to the byte as Flask's own, and given under the same conditions."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import Client, TestResponse

from app.api.context import Context
from app.api.edge import NOT_STORED, STORED
from app.api.kept import CONFIRMED, Kept
from app.api.request_context import REQUEST_ID
from app.api.shortcut import Sent, Shortcut
from app.arrival import Arrival
from app.cache.dependencies import Proof
from app.cache.scripting import Call
from app.contract.edge import OLDEST
from app.factory import create_app
from app.monitoring import figures
from bench.system import wait_until
from config import load_settings
from tests.conftest import METRICS
from tests.flow.built import fresh_client

API = "/api/v1"
LISTED = "https://storefront.example"
# Of a category, since a list of all might have too many names for an edge.
PATHS = (
    "/parts/{part}", "/parts?category={category}", "/parts?category={category}&include=specifications", "/pdp/{part}",
    "/parts/facets?category={category}", "/parts/by-sku?sku={sku}", "/parts/suggest?q={sku}",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shop:
    """An application both ways: as everybody reaches it, and through Flask alone; `through_flask` has what did not do without."""

    app: Flask
    whole: Client
    flask: Client
    through_flask: list[str] = field(default_factory=list)

    def again(self, path: str, **how: Any) -> TestResponse:
        """Return the answer to this request that is given without Flask."""
        answers: list[TestResponse] = []

        def is_so() -> bool:
            self.through_flask.clear()
            answers.append(self.whole.open(path, **how))
            return not self.through_flask

        assert wait_until(is_so)
        return answers[-1]

    def by_flask(self, path: str, **how: Any) -> TestResponse:
        """Return Flask's answer to this request with what the cache has."""
        answers: list[TestResponse] = []

        def is_hit() -> bool:
            answers.append(self.flask.open(path, **how))
            said = answers[-1].headers
            return said["X-Cache"] == "HIT" and said.get("Surrogate-Control") != NOT_STORED

        assert wait_until(is_hit)
        return answers[-1]


@pytest.fixture(scope="module")
def shops(app: Flask) -> Iterator[dict[str, Shop]]:
    """One without and one with an edge in front; both serve one host and share with one origin."""
    made = {}
    for name, edges in (("alone", ()), ("with an edge", ("varnish+http://127.0.0.1:9",))):
        own = create_app(replace(load_settings(), allowed_origins=(LISTED,), allowed_hosts=("localhost",), edges=edges))
        arrival: Any = own.wsgi_app
        shortcut, seen = arrival.app, list[str]()
        flask = shortcut._application

        def noting(environ: Any, start: Any, *, flask: Any = flask, seen: list[str] = seen) -> Any:
            seen.append(environ["PATH_INFO"])
            return flask(environ, start)

        shortcut._application = noting
        own.extensions["lockstep"].consistency.start()
        made[name] = Shop(own, Client(own), Client(Arrival(flask, 0, ("localhost",))), seen)
    yield made
    for shop in made.values():
        shop.app.extensions["lockstep"].close()


@pytest.fixture(params=["alone", "with an edge"])
def shop(request: pytest.FixtureRequest, shops: dict[str, Shop]) -> Shop:
    """Each of them."""
    made = shops[request.param]
    fresh_client(made.app)
    return made


@pytest.fixture
def paths(api: Callable[[str], FlaskClient]) -> list[str]:
    """Return the addresses of a part of its own category; what it is called makes the answers long enough to be compressed."""
    editor, sku = api("editor"), f"S-{uuid4().hex}"
    category = editor.post(f"{API}/admin/categories", json={"name": f"Category {uuid4().hex[:8]}"}).get_json()
    body = {
        "sku": sku, "part_name": "Sent again", "description": "Long enough. " * 100, "status": "published",
        "category_id": category["id"], "stock": {"current_stock": 5}, "prices": [{"currency": "EUR", "amount": "1.00"}],
    }  # fmt: skip
    part = editor.post(f"{API}/admin/parts", json=body).get_json()["id"]
    return [API + path.format(part=part, category=category["id"], sku=sku) for path in PATHS]


def same(one: TestResponse, other: TestResponse) -> bool:
    """Whether two answers are the same, but for ids that they were given."""

    def said(answer: TestResponse) -> list[tuple[str, str]]:
        # In their order.
        return [(name, "" if name == REQUEST_ID else value) for name, value in answer.headers]

    return (one.status, one.data, said(one)) == (other.status, other.data, said(other))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_kind_of_answer_is_the_same_as_through_flask(method: str, shop: Shop, paths: list[str]) -> None:
    for path in paths:
        plain = shop.by_flask(path, method=method)
        tag = plain.headers["ETag"]
        for headers in ({}, {"If-None-Match": tag}, {"Accept-Encoding": "br"}, {"Origin": LISTED, "Accept-Encoding": "gzip"}):
            again = shop.again(path, method=method, headers=headers)
            assert same(again, shop.by_flask(path, method=method, headers=headers)), (path, headers)
            assert again.status_code == (304 if "If-None-Match" in headers else 200)
        assert same(plain, shop.again(path, method=method))


SENT = st.fixed_dictionaries(
    {},
    optional={
        "Accept-Encoding": st.sampled_from(
            ["", "br", "gzip", "gzip;q=0.5, br;q=0.1", "identity;q=0, gzip", "*;q=0", "deflate, zstd"]
        ),
        "If-None-Match": st.sampled_from(
            ["{tag}", 'W/"{tag}"', '"x", "{tag}"', '"{tag}-br"', '"{tag}-gzip"', "*", '"x"', "x", ""]
        ),
        "Origin": st.sampled_from([LISTED, LISTED.upper(), "https://other.example", "null", ""]),
        "Host": st.sampled_from(["localhost", "localhost:8000", "other.example"]),
        "X-Request-ID": st.sampled_from(["an-id-of-mine", "bad id", "x", ""]),
        "Accept-Language": st.sampled_from(["de", "en, de;q=0.1"]),
        "Accept": st.sampled_from(["text/html", "application/json"]),
        "Authorization": st.just("Bearer nobody"),
        "Cookie": st.just("session=x; lockstep_session=y"),
        "Cache-Control": st.sampled_from(["no-cache", "max-age=0", "only-if-cached"]),
        "Range": st.just("bytes=0-10"),
        "If-Modified-Since": st.just("Fri, 27 Nov 2099 00:00:00 GMT"),
        "X-Forwarded-For": st.just("192.0.2.9"),
        "Idempotency-Key": st.sampled_from(["a-key", "no key"]),
        "Content-Type": st.just("application/json"),
    },
)


@settings(max_examples=150)
@given(headers=SENT, method=st.sampled_from(["GET", "GET", "HEAD", "OPTIONS", "POST"]), number=st.integers(0, len(PATHS) - 1))
def test_whatever_is_sent_with_a_request_its_answer_is_the_same_as_through_flask(
    headers: dict[str, str], method: str, number: int, shops: dict[str, Shop], paths: list[str]
) -> None:
    shop, path = shops["alone"], paths[number]
    tag = shop.by_flask(path).headers["ETag"].strip('"')
    sent = {name: value.replace("{tag}", tag) for name, value in headers.items()}
    for _ in range(2):
        # Noted of a request that is much like it.
        shop.whole.get(path, headers=sent | {"Host": "localhost"})
    answers: list[TestResponse] = []

    def have_both_read_the_cache() -> bool:
        answers[:] = [
            client.open(path, method=method, headers=sent) for client in (shop.whole, shop.whole, shop.whole, shop.flask)
        ]
        return {one.headers.get("X-Cache", "HIT") for one in answers} == {"HIT"}

    assert wait_until(have_both_read_the_cache)
    own = sent.get("X-Request-ID", "")
    for answer in answers:
        if answer.is_json and answer.status_code >= 400:
            assert answer.status == answers[-1].status
        else:
            assert same(answer, answers[-1]), (answer.headers, answers[-1].headers)
        assert (answer.headers[REQUEST_ID] == own) is (own == "an-id-of-mine")
    assert len({one.headers[REQUEST_ID] for one in answers}) == (1 if own == "an-id-of-mine" else len(answers))


def test_what_is_changed_is_in_the_next_answer_for_which_the_cache_is_asked_once(
    shop: Shop, new_part: Callable[..., int], api: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = new_part()
    path, cache = f"{API}/parts/{part}", shop.app.extensions["lockstep"].cache
    before = shop.again(path)
    asked = list[Proof]()
    confirms = cache.confirms
    monkeypatch.setattr(cache, "confirms", lambda proof: asked.append(proof) or confirms(proof))
    assert api("editor").put(f"{API}/admin/parts/{part}/stock", json={"current_stock": 77}).status_code == 200
    after = shop.whole.get(path)
    assert after.get_json()["stock"]["current_stock"] == 77
    assert len(asked) == 1
    assert before.headers["ETag"] != after.headers["ETag"]
    assert shop.again(path).data == after.data


def test_it_counts_as_a_request_and_as_reads_and_is_under_way_no_longer(shop: Shop, new_part: Callable[..., int]) -> None:
    path, wired = f"{API}/parts/{new_part()}", shop.app.extensions["lockstep"]
    seen: list[tuple[Any, ...]] = []
    monitoring = wired.monitoring
    shop.again(path)
    with pytest.MonkeyPatch.context() as patch:
        record = monitoring.record_request
        patch.setattr(type(monitoring), "record_request", lambda _self, *what: seen.append(what) or record(*what))
        before = figures(METRICS).reads["part"]
        shop.again(path)
    assert [what[:3] for what in seen[-1:]] == [("/api/v1/parts/<id:part_id>", "GET", 200)]
    assert 0 < seen[-1][3] < 60
    assert figures(METRICS).reads["part"].hits > before.hits
    assert wired.pressure._under_way == 0


def test_who_is_refused_is_refused_once_and_by_flask(
    shop: Shop, new_part: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, pressure = f"{API}/parts/{new_part()}", shop.app.extensions["lockstep"].pressure
    shop.again(path)
    drawn: list[float] = []
    monkeypatch.setattr(pressure, "_level", 2.0)
    monkeypatch.setattr(pressure, "_chance", lambda: drawn.append(0.0) or 0.0)
    refused = shop.whole.get(path)
    assert (refused.status_code, refused.get_json()["code"], len(drawn)) == (503, "busy", 1)
    # Who has been admitted is not asked again by Flask.
    monkeypatch.setattr(pressure, "_chance", lambda: drawn.append(1.0) or 1.0)
    monkeypatch.setattr(shop.app.extensions["lockstep"].cache, "confirms", lambda _proof: False)
    assert shop.whole.get(path).status_code == 200
    assert len(drawn) == 2
    assert pressure._under_way == 0


def test_what_an_edge_may_store_is_as_young_as_through_flask(
    shops: dict[str, Shop], new_part: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, path = shops["with an edge"], f"{API}/parts/{new_part()}"
    assert shop.again(path).headers["Surrogate-Control"] == STORED
    proven_at = property(lambda _self: time.monotonic() - OLDEST)
    monkeypatch.setattr(type(shop.app.extensions["lockstep"].cache), "proven_at", proven_at)
    answer = shop.whole.get(path)
    assert answer.headers["Surrogate-Control"] == NOT_STORED
    assert "Surrogate-Key" not in answer.headers


@pytest.fixture
def answering(app: Flask) -> Callable[..., Client]:
    """Make a shortcut in front of an application that answers with headers of its own as if it were a kept answer."""

    def make(headers: dict[str, str], status: int) -> Client:
        context: Context = app.extensions["lockstep_context"]
        kept = Kept(("/api/x", b""), b"{}", "tag", Proof("", Call("confirm", [], []), frozenset(), (), float("inf")))

        def application(environ: Any, start: Any) -> Any:
            environ[CONFIRMED] = kept, "/api/x"
            return Response("{}", status, headers={REQUEST_ID: uuid4().hex, **headers})(environ, start)

        return Client(Shortcut(application, context))

    return make


@pytest.mark.parametrize(
    ("headers", "status", "is_noted"),
    [
        ({}, 200, True), ({}, 304, True), ({}, 500, False), ({"Vary": "Accept-Encoding, origin"}, 200, True),
        ({"Vary": "Accept-Encoding, Cookie"}, 200, False), ({"Vary": "*"}, 200, False), ({"Set-Cookie": "a=b"}, 200, False),
        ({"Surrogate-Control": NOT_STORED}, 200, False), ({"Surrogate-Control": STORED}, 200, True),
    ],
)  # fmt: skip
def test_what_would_not_be_everybodys_is_not_noted(
    headers: dict[str, str], status: int, is_noted: bool, answering: Callable[..., Client], app: Flask
) -> None:
    path = f"/api/{uuid4().hex}"
    answering(headers, status).get(path)
    kept = app.extensions["lockstep_context"].answers._kept
    assert any(isinstance(one, Sent) and path in key for key, one in kept.items()) is is_noted
