"""Content through HTTP: rich text, readable addresses, specifications."""

import html
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

Refused = Callable[..., dict[str, Any]]
PARTS = "/api/v1/admin/parts"


@pytest.fixture
def url(new_part: Callable[..., int]) -> str:
    return f"{PARTS}/{new_part()}"


def create(client: FlaskClient, **values: Any) -> Any:
    return client.post(PARTS, json={"sku": f"S-{uuid4().hex[:10]}", "part_name": "Ball bearing", **values})


def test_the_same_unclean_description_twice_is_one_version(editor: FlaskClient, url: str, events: Callable[[], int]) -> None:
    unclean = {"description": "<p onclick=x>One<p>Two<script>x</script> &#8203;"}
    first = editor.put(url, json=unclean).get_json()
    assert (first["version"], first["description"]) == (2, "<p>One</p><p>Two </p>")
    before = events()
    assert editor.put(url, json=unclean).get_json()["version"] == 2
    assert editor.put(url, json={"description": first["description"]}).get_json()["version"] == 2
    assert events() == before


def test_a_created_part_has_a_clean_description_and_a_plain_text_stays(editor: FlaskClient, url: str) -> None:
    assert create(editor, description="<b>x<iframe src=//evil>").get_json()["description"] == "<b>x</b>"
    plain = "5 < 6 & 7 &amp; \"8\"\n\n'so'"
    assert editor.put(url, json={"description": plain}).get_json()["description"] == plain


def test_a_description_that_grows_too_long_as_html_is_refused(editor: FlaskClient, url: str, refused: Refused) -> None:
    assert editor.put(url, json={"description": "<b>" + "x" * 49_993 + "</b>"}).status_code == 200
    problem = refused(editor.put(url, json={"description": "<b>" + "&" * 20_000 + "</b>"}), 422)
    assert problem["errors"].keys() == {"description"}
    assert refused(create(editor, description="<b>" * 10_000), 422)["errors"].keys() == {"description"}


@pytest.mark.parametrize(
    "typed", ["Leakage Ioff<Imax at 25 C.", "a<b and c>d only", "<info@shop.example>", "vector<int> x; <<EOF"]
)
def test_what_is_no_html_comes_to_customers_as_it_was_typed(
    typed: str, editor: FlaskClient, client: FlaskClient, url: str, events: Callable[[], int]
) -> None:
    created = create(editor, description=typed, status="published").get_json()
    assert "notices" not in created
    assert created["description"] == f"<p>{html.escape(typed)}</p>"
    assert client.get(f"/api/v1/parts/{created['id']}").get_json()["description"] == created["description"]
    assert client.get(f"/api/v1/pdp/{created['id']}").get_json()["json_ld"]["description"] == typed
    before = events()
    for again in (typed, created["description"]):
        assert editor.put(f"{PARTS}/{created['id']}", json={"description": again}).get_json()["version"] == created["version"]
    assert events() == before
    assert html.escape(typed) in editor.put(url, json={"description": f"<b>x</b> {typed}"}).get_json()["description"]


def test_what_is_dropped_from_a_description_is_said(editor: FlaskClient, url: str) -> None:
    unclean = '<p onclick="x()">One <a href="javascript:x">two</a></p><script>x</script><!-- three -->'
    for answer in (create(editor, description=unclean), editor.put(url, json={"description": unclean})):
        told = [(one["field"], one["kind"], one["name"], one["count"]) for one in answer.get_json()["notices"]]
        assert told == [
            ("description", "address", "javascript", 1), ("description", "attribute", "onclick", 1),
            ("description", "comment", "", 1), ("description", "element", "script", 1),
        ]  # fmt: skip
    assert "notices" not in editor.put(url, json={"part_name": "Other"}).get_json()


def test_a_plain_text_is_the_same_for_search_engines(editor: FlaskClient, client: FlaskClient) -> None:
    created = create(editor, description='5 < 6 & 7 &amp; "8"', status="published").get_json()
    assert client.get(f"/api/v1/pdp/{created['id']}").get_json()["json_ld"]["description"] == '5 < 6 & 7 &amp; "8"'


PERSIAN, FAMILY = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize("word", [PERSIAN, "\u0915\u094d\u200d\u0937", FAMILY])
def test_a_text_has_the_joiners_that_it_is_spelt_with_and_is_found_without_them(
    word: str, editor: FlaskClient, client: FlaskClient
) -> None:
    name = f"{word} {uuid4().hex[:8]}"
    specifications = [{"name": word, "value": f"{word} 5", "unit": "", "group": word}]
    description = f"<p>{word} <b>{word}</b></p>"
    made = create(
        editor, part_name=name, description=description, specifications=specifications, status="published", manufacturer=word
    )
    assert made.status_code == 201
    shown = client.get(f"/api/v1/parts/{made.get_json()['id']}").get_json()
    assert (shown["part_name"], shown["description"], shown["specifications"]) == (name, description, specifications)
    for typed in (name, name.replace("\u200c", "").replace("\u200d", "")):
        found = client.get("/api/v1/parts", query_string={"q": typed}).get_json()["items"]
        assert [one["id"] for one in found] == [shown["id"]]
    category = {"name": f"{word} {uuid4().hex[:8]}", "reason": word}
    assert editor.post("/api/v1/admin/categories", json=category).status_code == 201
    same = category["name"].replace("\u200c", "").replace("\u200d", "")
    assert editor.post("/api/v1/admin/categories", json={"name": same}).status_code == 409


@pytest.mark.parametrize("number", ["\u0645\u06cc\u200c\u062e", "ab\u200dc", "\u0915\u094d\u200d", FAMILY, "M8\ufe0f"])
def test_no_number_has_a_joiner(number: str, editor: FlaskClient, url: str, refused: Refused, events: Callable[[], int]) -> None:
    before = events()
    assert refused(create(editor, sku=number), 422)["errors"].keys() == {"sku"}
    for field in ("sku", "manufacturer_number"):
        problem = refused(editor.put(url, json={field: number}), 422)
        assert "U+" in problem["errors"][field][0]
    assert events() == before


def test_a_joiner_out_of_place_is_refused_with_where_it_may_stand(editor: FlaskClient, url: str, refused: Refused) -> None:
    problem = refused(editor.put(url, json={"part_name": "M8 \u200d x 40"}), 422)
    assert problem["errors"]["part_name"] == [
        "The text holds the character U+200D, which is not allowed but between letters or emoji; remove it."
    ]
    twice = [{"name": "Ma\u200dss", "value": "1"}, {"name": "Mass", "value": "2"}]
    assert refused(editor.put(f"{url}/specifications", json={"specifications": twice}), 422)["errors"].keys() == {
        "specifications"
    }


def test_names_beside_each_other_that_differ_only_in_case_and_blanks_are_one(
    editor: FlaskClient, url: str, refused: Refused
) -> None:
    name = f"Hex bolts {uuid4().hex[:8]}a"
    made = editor.post("/api/v1/admin/categories", json={"name": name})
    assert made.status_code == 201
    taken = refused(editor.post("/api/v1/admin/categories", json={"name": name.upper().replace(" ", "  ")}), 409)
    assert repr(name) in taken["errors"]["name"][0]
    respelt = f"/api/v1/admin/categories/{made.get_json()['id']}"
    assert editor.put(respelt, json={"name": name.upper()}).get_json()["name"] == name.upper()
    for first, second in (
        ({"name": "Color"}, {"name": "color"}),
        ({"name": "Bore  d", "group": "A"}, {"name": "Bore d", "group": "a"}),
    ):
        twice = [{**one, "value": "1"} for one in (first, second)]
        assert refused(editor.put(f"{url}/specifications", json={"specifications": twice}), 422)["errors"].keys() == {
            "specifications"
        }


def test_a_chosen_address_is_taken_as_it_is(editor: FlaskClient, url: str) -> None:
    slug = f"ball-bearing-{uuid4().hex[:8]}"
    created = create(editor, slug=slug)
    assert (created.status_code, created.get_json()["slug"]) == (201, slug)
    assert editor.put(url, json={"slug": f"{slug}-x"}).get_json()["slug"] == f"{slug}-x"
    assert editor.put(url, json={"slug": f"{slug}-x"}).get_json()["version"] == 2


def test_a_chosen_address_that_is_taken_is_a_duplicate_and_never_gets_a_number(
    editor: FlaskClient, url: str, refused: Refused, events: Callable[[], int]
) -> None:
    slug = create(editor).get_json()["slug"]
    before = events()
    for answer in (create(editor, slug=slug), editor.put(url, json={"slug": slug})):
        body = refused(answer, 409)
        assert (body["code"], body["errors"].keys()) == ("duplicate", {"slug"})
        assert slug in body["detail"]
    assert events() == before


def test_of_many_who_choose_one_address_at_once_one_gets_it(api: Callable[[str], FlaskClient]) -> None:
    slug, clients, start = f"wanted-{uuid4().hex[:8]}", [api("editor") for _ in range(4)], Barrier(4)

    def choose(client: FlaskClient) -> int:
        start.wait()
        return int(create(client, slug=slug).status_code)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(choose, clients)) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    "slug",
    [
        "", "Ball", "ball bearing", "ball_bearing", "-ball", "ball-", "ball--x", "123", "1-2", "bäll", "ball/x", "ball\n",
        "a" * 201, "..", "ball.html", "%62all", "а", 7, None, ["ball"],
    ],
)  # fmt: skip
def test_an_address_is_words_with_single_hyphens_and_a_letter(
    slug: object, editor: FlaskClient, url: str, refused: Refused, events: Callable[[], int]
) -> None:
    before = events()
    for answer in (create(editor, slug=slug), editor.put(url, json={"slug": slug})):
        assert refused(answer, 422)["errors"].keys() == {"slug"}
    assert events() == before


def test_an_address_made_from_digits_cannot_be_taken_for_an_id_and_can_be_sent_back(editor: FlaskClient) -> None:
    number = str(uuid4().int)[:12]
    made = create(editor, sku=number, part_name="2026").get_json()
    assert made["slug"] == f"part-2026-{number}"
    long = create(editor, part_name="x" * 150 + " " + "y" * 140).get_json()
    for part in (made, long):
        assert editor.put(f"{PARTS}/{part['id']}", json={"slug": part["slug"]}).get_json()["version"] == 1


SPECIFICATIONS = [
    {"name": "Bore", "value": "10", "unit": "mm", "group": "Size"},
    {"name": "Bore", "value": "yes", "unit": "", "group": "Use"},
    {"name": "A first name is not the first", "value": "x", "unit": "", "group": ""},
]


def test_specifications_are_shown_as_they_were_sent_and_in_that_order(
    editor: FlaskClient, client: FlaskClient, url: str, events: Callable[[], int]
) -> None:
    sent = [{name: value for name, value in one.items() if value} for one in SPECIFICATIONS]
    answer = editor.put(f"{url}/specifications", json={"specifications": sent, "version": 1})
    assert (answer.status_code, answer.get_json()["version"]) == (200, 2)
    assert answer.get_json()["specifications"] == SPECIFICATIONS
    assert client.get(url.replace("/admin", "")).get_json()["specifications"] == SPECIFICATIONS
    before = events()
    assert editor.put(f"{url}/specifications", json={"specifications": SPECIFICATIONS}).get_json()["version"] == 2
    assert events() == before
    turned = editor.put(f"{url}/specifications", json={"specifications": SPECIFICATIONS[::-1]}, headers={"If-Match": '"2"'})
    assert turned.get_json()["specifications"] == SPECIFICATIONS[::-1]
    assert editor.put(f"{url}/specifications", json={"specifications": []}).get_json()["specifications"] == []


@pytest.mark.parametrize(
    "specifications",
    [
        None, {}, "x", [None], [[]], [{}], [{"name": "a"}], [{"value": "a"}], [{"name": "", "value": "a"}],
        [{"name": "a", "value": " "}],
        [{"name": "a", "value": 1}], [{"name": "a", "value": "b", "position": 1}], [{"name": "a\0", "value": "b"}],
        [{"name": "a\u202e", "value": "b"}], [{"name": "a\nb", "value": "b"}], [{"name": "a" * 201, "value": "b"}],
        [{"name": "a", "value": "b" * 1001}], [{"name": "a", "value": "b", "unit": "u" * 41}],
        [{"name": "a", "value": "b", "unit": None}],
        [{"name": "a", "value": "b"}, {"name": " a ", "value": "c"}], [{"name": str(n), "value": "b"} for n in range(201)],
    ],
)  # fmt: skip
def test_a_list_of_specifications_that_means_nothing_is_refused(
    specifications: object, editor: FlaskClient, url: str, refused: Refused, events: Callable[[], int]
) -> None:
    before = events()
    body = refused(editor.put(f"{url}/specifications", json={"specifications": specifications}), 422)
    assert body["errors"].keys() == {"specifications"}
    assert events() == before


def test_specifications_heed_the_version_that_the_writer_saw(
    editor: FlaskClient, url: str, refused: Refused, events: Callable[[], int]
) -> None:
    editor.put(url, json={"part_name": "Newer"})
    before, body = events(), {"specifications": SPECIFICATIONS}
    conflict = refused(editor.put(f"{url}/specifications", json={**body, "version": 1}), 409)
    assert (conflict["code"], conflict["current"]["part_name"]) == ("concurrent_modification", "Newer")
    refused(editor.put(f"{url}/specifications", json=body, headers={"If-Match": '"1"'}), 412)
    refused(editor.put(f"{url}/specifications", json={}), 422)
    refused(editor.put(f"{PARTS}/2147483647/specifications", json=body), 404)
    editor.delete(url)
    assert refused(editor.put(f"{url}/specifications", json=body), 409)["code"] == "part_archived"
    assert events() == before + 1
