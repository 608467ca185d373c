"""Readable addresses: one of its own for every part, in Latin letters, and old ones that go on leading there."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from app.api.schemas.answers import ProblemSchema
from app.container import Container
from app.contract.events import Actor
from app.domain.imports.errors import ImportFileError
from app.services.imports import passes
from app.services.slugs import category_slug, part_slug

Api = Callable[[str], FlaskClient]
NewPart = Callable[..., int]
Refused = Callable[..., dict[str, Any]]
PARTS = "/api/v1/admin/parts"


def signs(number: int) -> str:
    """Return a number in signs of which nothing is left in an address."""
    return f"{number:b}".replace("0", "*").replace("1", "+")


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work` for each number below `count`, all beginning together."""
    start = Barrier(count)

    def begin(number: int) -> Any:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


@pytest.mark.parametrize(
    ("name", "sku", "slug"),
    [
        ("Łożysko kulkowe", "6204", "lozysko-kulkowe-6204"), ("Straße", "ß-1", "strasse-ss-1"), ("blåsør", "X", "blasor-x"),
        ("Ärmel Öl Übung", "Ä", "armel-ol-ubung-a"), ("A\u0308rmel", "1", "armel-1"), ("Đồng hồ İĞ", "x", "dong-ho-ig-x"),
        ("深沟球轴承", "轴-1", "shengouqiuzhoucheng-zhou-1"), ("Подшипник", "Ж", "podshipnik-zh"),
        ("ベアリング", "1", "bearingu-1"),
        ("Æbleskærer", "þ", "aebleskaerer-th"), ("M8 x 40, 10 µm", "A/B", "m8-x-40-10-um-a-b"), ("★", "\ue000", "part"),
        ("2026", "٣", "part-2026-3"), ("x" * 300, "1", "x" * 180),
    ],
)  # fmt: skip
def test_an_address_keeps_every_letter_of_every_script_as_latin_ones(name: str, sku: str, slug: str) -> None:
    assert part_slug(name, sku) == slug


def test_an_address_of_a_category_keeps_them_as_well() -> None:
    assert [category_slug(name) for name in ("Łożyska", "紧固件", "№ 5", "★")] == ["lozyska", "jingujian", "no-5", "category"]


@pytest.mark.parametrize("count", [12, 50])
@pytest.mark.parametrize("name", ["Same name", "深沟球轴承", "★"])
def test_all_who_create_parts_of_one_name_at_once_get_one(name: str, count: int, api: Api, container: Container) -> None:
    clients, tail = [api("editor") for _ in range(count)], f"{uuid4().int % 10**9}"

    def create(number: int) -> Any:
        sku = f"{tail}{signs(number)}"
        # A pool of ten connections may be too few for fifty on a busy machine; who is told to come again comes again.
        for _ in range(20):
            answer = clients[number].post(PARTS, json={"sku": sku, "part_name": name})
            if answer.status_code != 503:
                break
        return answer

    answers = at_once(count, create)
    assert [answer.status_code for answer in answers] == [201] * count
    made = [answer.get_json() for answer in answers]
    assert len({part["slug"] for part in made}) == len({part["id"] for part in made}) == count
    plain = part_slug(name, tail)
    assert {part["slug"] for part in made} <= {plain, *(f"{plain}-{part['id']}" for part in made)}
    assert all(container.parts.admin.part(part["id"])["slug"] == part["slug"] for part in made)


def test_imports_and_creations_of_the_same_names_at_once_lose_nothing(api: Api, container: Container, actor: Actor) -> None:
    clients, tail = [api("editor") for _ in range(8)], f"{uuid4().int % 10**9}"

    def work(number: int) -> int:
        if number < 4:
            rows = "".join(f"{tail}{signs(1000 * number + row)},零件\n" for row in range(150))
            return passes.import_parts(
                container.transactions, container.reading, actor, lambda: StringIO(f"sku,part_name\n{rows}")
            ).created
        created = [
            clients[number].post(PARTS, json={"sku": f"{tail}{signs(1000 * number + n)}", "part_name": "零件"}) for n in range(10)
        ]
        assert [answer.status_code for answer in created] == [201] * 10
        return len(created)

    assert sum(at_once(8, work)) == 4 * 150 + 4 * 10
    with container.reading.connect() as connection:
        found = connection.exec_driver_sql("SELECT slug FROM parts WHERE starts_with(sku, %s)", (tail,)).scalars().all()
    assert len(found) == len(set(found)) == 640
    assert all(slug.startswith(f"lingjian-{tail}") for slug in found)


def test_an_import_takes_the_part_that_somebody_makes_meanwhile_for_what_it_is(
    api: Api, container: Container, actor: Actor
) -> None:
    """Both name the same SKUs: each part is there once, and nobody gets an error but that it is there already."""
    clients, tail = [api("editor") for _ in range(4)], uuid4().hex[:8]

    def work(number: int) -> Any:
        if number == 0:
            rows = "".join(f"S{tail}-{row},Same\n" for row in range(200))
            passes.import_parts(container.transactions, container.reading, actor, lambda: StringIO(f"sku,part_name\n{rows}"))
            return {200}
        made = {
            clients[number].post(PARTS, json={"sku": f"S{tail}-{row}", "part_name": "Same"}).status_code
            for row in range(199, 0, -7)
        }
        return made - {201, 409}

    assert at_once(4, work) == [{200}, set(), set(), set()]
    with container.reading.connect() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM parts WHERE starts_with(sku, %s)", (f"S{tail}-",)).scalar_one()
    assert count == 200


def test_of_many_who_want_one_sku_one_gets_it_and_the_others_are_told_who(api: Api, refused: Refused) -> None:
    sku, clients = f"S-{uuid4().hex[:10]}", [api("editor") for _ in range(12)]
    answers = at_once(12, lambda number: clients[number].post(PARTS, json={"sku": sku, "part_name": "One"}))
    (made,) = [answer.get_json() for answer in answers if answer.status_code == 201]
    for answer in answers:
        if answer.status_code != 201:
            body = refused(answer, 409)
            assert (body["code"], body["taken_by"]) == ("duplicate", {"part_id": made["id"], "archived": False})
            assert f"part {made['id']}" in body["errors"]["sku"][0]
            assert ProblemSchema().validate(body) == {}


def test_of_many_who_rename_to_one_address_one_gets_it(api: Api, new_part: NewPart) -> None:
    slug, clients, parts = f"w-{uuid4().hex[:8]}", [api("editor") for _ in range(8)], [new_part() for _ in range(8)]
    answers = at_once(8, lambda number: clients[number].put(f"{PARTS}/{parts[number]}", json={"slug": slug}))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


def test_all_who_create_categories_of_one_address_at_once_get_one(api: Api) -> None:
    clients, tail = [api("editor") for _ in range(16)], uuid4().hex[:8]
    names = [f"{tail}{'!' * number}" for number in range(16)]
    answers = at_once(16, lambda number: clients[number].post("/api/v1/admin/categories", json={"name": names[number]}))
    assert [answer.status_code for answer in answers] == [201] * 16
    assert len({answer.get_json()["slug"] for answer in answers}) == 16


@pytest.mark.parametrize("field", ["sku", "slug"])
@pytest.mark.parametrize("archived", [True, False])
def test_what_another_part_holds_is_refused_naming_the_part_and_the_remedy(
    field: str, archived: bool, editor: FlaskClient, new_part: NewPart, refused: Refused, container: Container, actor: Actor
) -> None:
    held, other = new_part(), new_part()
    value = container.parts.admin.part(held)[field]
    if archived:
        editor.delete(f"{PARTS}/{held}")
    wished = {"sku": uuid4().hex, "part_name": "Same", field: value}
    for answer in (editor.post(PARTS, json=wished), editor.put(f"{PARTS}/{other}", json={field: value})):
        body = refused(answer, 409)
        assert body["taken_by"] == {"part_id": held, "archived": archived}
        (told,) = body["errors"][field]
        assert value in told
        assert f"part {held}" in told
        assert ("archived" in told, f"/api/v1/admin/parts/{held}/restore" in told) == (archived, archived)
        assert "choose another one" in told
    if archived or field == "slug":
        rows = f"sku,part_name,slug\n{wished['sku']},Same,{wished.get('slug', '')}\n"
        with pytest.raises(ImportFileError) as caught:
            passes.import_parts(container.transactions, container.reading, actor, lambda: StringIO(rows))
        (error,) = caught.value.errors
        assert (error.line, error.field) == (2, field)
        assert (f"part {held}" in str(error), "archived" in str(error)) == (True, archived)


def test_a_version_whose_name_an_archived_part_has_says_so(
    editor: FlaskClient, new_part: NewPart, refused: Refused, deliver: Callable[[], None]
) -> None:
    part, first = new_part(), f"S-{uuid4().hex[:10]}"
    editor.put(f"{PARTS}/{part}", json={"sku": first})
    editor.put(f"{PARTS}/{part}", json={"sku": f"{first}-2"})
    heir = new_part(sku=first)
    editor.delete(f"{PARTS}/{heir}")
    deliver()
    body = refused(editor.post(f"{PARTS}/{part}/versions/2/restore"), 409)
    assert body["taken_by"] == {"part_id": heir, "archived": True}
    blocked = editor.post(f"{PARTS}/{part}/versions/2/restore?dry_run=true").get_json()["blocked"]
    assert f"archived part {heir}" in blocked[0]["reason"]


def test_an_old_address_leads_to_the_present_one_for_as_long_as_nobody_else_has_it(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, refused: Refused
) -> None:
    part, (first, second, third) = new_part(), (f"w-{uuid4().hex[:8]}" for _ in range(3))
    for slug in (first, second, third):
        assert editor.put(f"{PARTS}/{part}", json={"slug": slug}).status_code == 200
        # Asked each time, so that what the cache keeps of the answers is put to the test.
        assert client.get(f"/api/v1/pdp/{slug}").status_code == 200
    for old in (first, second):
        moved = client.get(f"/api/v1/pdp/{old}?utm=1%20%26x")
        assert (moved.status_code, moved.headers["Location"]) == (301, f"/api/v1/pdp/{third}?utm=1%20%26x")
        assert moved.headers["Cache-Control"] == "no-cache"
        assert client.get(f"/api/v1/pdp/{old}", follow_redirects=True).get_json()["part"]["id"] == part
        assert client.head(f"/api/v1/pdp/{old}").status_code == 301
    # Nobody is given an old address unasked …
    made = editor.post(PARTS, json={"sku": f"{'+' * (uuid4().int % 60)}{first}", "part_name": "!"}).get_json()
    assert made["slug"] != first
    # … a draft that chose it does not stand in its way, and a part that customers see has it.
    heir = editor.post(PARTS, json={"sku": uuid4().hex, "part_name": "Heir", "slug": first}).get_json()["id"]
    assert client.get(f"/api/v1/pdp/{first}").headers["Location"] == f"/api/v1/pdp/{third}"
    editor.put(f"{PARTS}/{heir}", json={"status": "published"})
    assert client.get(f"/api/v1/pdp/{first}").get_json()["part"]["id"] == heir
    # Back to what it was: no circle.
    editor.put(f"{PARTS}/{part}", json={"slug": second})
    assert client.get(f"/api/v1/pdp/{second}").get_json()["part"]["id"] == part
    assert client.get(f"/api/v1/pdp/{third}").headers["Location"] == f"/api/v1/pdp/{second}"
    editor.delete(f"{PARTS}/{part}")
    for gone in (second, third):
        refused(client.get(f"/api/v1/pdp/{gone}"), 404)
    editor.post(f"{PARTS}/{part}/restore")
    assert client.get(f"/api/v1/pdp/{third}").status_code == 301


def test_an_address_made_from_a_name_is_never_one_that_led_elsewhere(editor: FlaskClient, new_part: NewPart) -> None:
    word = f"w{uuid4().hex[:8]}"
    part = new_part(slug=f"x-1{word}")
    editor.put(f"{PARTS}/{part}", json={"slug": f"{word}-new"})
    made = editor.post(PARTS, json={"sku": f"1{word}", "part_name": "x"}).get_json()
    assert made["slug"] == f"x-1{word}-{made['id']}"


def test_a_list_is_narrowed_by_a_category_under_its_old_address_too(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart
) -> None:
    category = editor.post("/api/v1/admin/categories", json={"name": f"Ore {uuid4().hex[:8]}"}).get_json()
    part, old = new_part(category_id=category["id"]), category["slug"]
    listed = f"/api/v1/parts?category={old}"
    assert [item["id"] for item in client.get(listed).get_json()["items"]] == [part]
    editor.put(f"/api/v1/admin/categories/{category['id']}", json={"slug": f"{old}-x"})
    assert [item["id"] for item in client.get(listed).get_json()["items"]] == [part]
    # Who has it now has it, also if nothing is in there; and nobody gets it unasked.
    assert editor.post("/api/v1/admin/categories", json={"name": old}).get_json()["slug"] == f"{old}-2"
    assert editor.post("/api/v1/admin/categories", json={"name": f"{old}!", "slug": old}).get_json()["slug"] == old
    assert client.get(listed).get_json()["items"] == []
