"""What is suggested to somebody who is still typing: parts and categories, never older than what was acknowledged."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def word() -> str:
    """A word that nothing else has."""
    return f"qz{uuid4().hex[:8]}"


def make(editor: FlaskClient, name: str, **fields: Any) -> dict[str, Any]:
    body = {"sku": f"S-{uuid4().hex[:8]}", "part_name": name, "status": "published"} | fields
    return dict(editor.post("/api/v1/admin/parts", json=body).get_json())


def make_category(editor: FlaskClient, name: str, parent: int | None = None) -> int:
    return int(editor.post("/api/v1/admin/categories", json={"name": name, "parent_id": parent}).get_json()["id"])


def suggested(client: FlaskClient, q: str, **more: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/parts/suggest", query_string={"q": q} | more)
    assert answer.status_code == 200
    return dict(answer.get_json())


def test_the_beginnings_of_words_and_numbers_find_parts_the_best_first(
    editor: FlaskClient, client: FlaskClient, word: str
) -> None:
    other = make(editor, f"Washer for a {word}")
    named = make(editor, f"{word.title()} of steel")
    make(editor, f"{word} that nobody may see", status="draft")
    found = suggested(client, word[:8])
    assert [part["id"] for part in found["parts"]] == [named["id"], other["id"]]
    assert found["parts"][0] == {name: named[name] for name in ("id", "sku", "slug", "part_name")}
    assert [part["id"] for part in suggested(client, named["sku"][:-1].lower())["parts"]] == [named["id"]]
    assert len(suggested(client, word, limit=1)["parts"]) == 1


def test_a_word_with_a_typing_error_finds_what_comes_close_and_says_so(
    editor: FlaskClient, client: FlaskClient, word: str
) -> None:
    part = make(editor, f"{word} nut")
    found = suggested(client, word[:5] + word[6:])
    assert [one["id"] for one in found["parts"]] == [part["id"]]
    assert found["match"] == "similar"


def test_staff_are_told_too_that_what_they_see_only_comes_close(editor: FlaskClient, word: str) -> None:
    parts = [make(editor, f"{word} nut {number}")["id"] for number in range(2)]

    def listed(q: str, **query: object) -> dict:
        return dict(editor.get("/api/v1/admin/parts", query_string={"q": q, "sort": "part_name", **query}).get_json())

    for typed, match in ((word, "exact"), (word[:5] + word[6:], "similar")):
        first = listed(typed, limit=1)
        second = listed(typed, limit=1, cursor=first["next_cursor"])
        assert [item["id"] for page in (first, second) for item in page["items"]] == parts
        assert [first["match"], second["match"]] == [match, match]
    nothing = listed(f"{uuid4().hex}")
    assert (nothing["items"], nothing["match"]) == ([], "exact")


def test_a_category_is_suggested_with_its_way_once_it_or_one_below_has_parts(
    editor: FlaskClient, client: FlaskClient, word: str
) -> None:
    above = make_category(editor, f"Äußere {word}e")
    below = make_category(editor, "Small ones", above)
    assert suggested(client, f"aussere {word}")["categories"] == []
    make(editor, "A part of no telling name", category_id=below)
    (found,) = suggested(client, f"{word} AUSS")["categories"]
    assert found["id"] == above
    assert [step["id"] for step in found["path"]] == [above]
    assert suggested(client, f"{word} small")["categories"] == []


def test_what_was_just_renamed_is_no_longer_suggested_by_its_former_name(
    editor: FlaskClient, client: FlaskClient, word: str
) -> None:
    part, category = make(editor, f"{word}a"), make_category(editor, f"{word}b")
    make(editor, "Whatever", category_id=category)
    assert suggested(client, f"{word}a")["parts"]
    assert suggested(client, f"{word}b")["categories"]
    editor.put(f"/api/v1/admin/parts/{part['id']}", json={"part_name": "Another name"})
    editor.put(f"/api/v1/admin/categories/{category}", json={"name": "Another name"})
    assert part["id"] not in [one["id"] for one in suggested(client, f"{word}a")["parts"]]
    assert suggested(client, f"{word}b")["categories"] == []


@pytest.mark.parametrize("q", ["", "   "])
def test_nothing_is_suggested_to_who_has_typed_nothing(client: FlaskClient, q: str) -> None:
    assert suggested(client, q) == {"parts": [], "categories": [], "match": "exact"}


@pytest.mark.parametrize(("field", "value"), [("limit", "0"), ("limit", "21"), ("limit", "x"), ("q", "a" * 201)])
def test_what_cannot_be_asked_names_its_field(client: FlaskClient, field: str, value: str, refused: Refused) -> None:
    answer = client.get("/api/v1/parts/suggest", query_string={"q": "a", field: value})
    assert field in refused(answer, 422)["errors"]
