"""Differences between two states: exact for any texts and lists, and computed in bounded time."""

from difflib import SequenceMatcher
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import differences

TEXTS = st.text(st.sampled_from("ab cd<>/p.\n&äΩ😀 "), max_size=120)
SPECIFICATIONS = st.lists(
    st.fixed_dictionaries(
        {"group": st.sampled_from(["", "size"]), "name": st.sampled_from("abcde"), "value": st.sampled_from("12"),
         "unit": st.just("mm")}
    ),
    max_size=8,
)  # fmt: skip


def applied(change: dict[str, Any], old: Any) -> Any:
    """Apply a field's change to its old value, using nothing but the change."""
    if "items" not in change:
        return change["new"]
    items = change["items"]
    gone = {entry["position"] for entry in items["removed"]} | {entry["from"] for entry in items["moved"]}
    placed = {entry["position"]: entry["item"] for entry in items["added"]} | {e["to"]: e["item"] for e in items["moved"]}
    stays = [item for at, item in enumerate(old) if at not in gone]
    changed = {entry["position"]: entry["new"] for entry in items["changed"]}
    result = []
    for at in range(len(stays) + len(placed)):
        item = placed[at] if at in placed else stays.pop(0)
        result.append(changed.get(at, item))
    return result


@given(TEXTS, TEXTS)
def test_the_pieces_of_a_text_join_to_both_texts_exactly(old: str, new: str) -> None:
    pieces = differences.words(old, new)
    assert "".join(p["text"] for p in pieces if p["op"] != "insert") == old
    assert "".join(p["text"] for p in pieces if p["op"] != "delete") == new
    assert all(p["text"] for p in pieces)
    assert all(left["op"] != right["op"] for left, right in pairwise(pieces))


@given(TEXTS)
def test_equal_texts_are_one_equal_piece(text: str) -> None:
    assert differences.words(text, text) == ([{"op": "equal", "text": text}] if text else [])


def test_words_and_tags_are_compared_and_not_letters() -> None:
    assert differences.words("<p>A steel screw</p>", "<p>A <b>brass</b> screw</p>") == [
        {"op": "equal", "text": "<p>A "},
        {"op": "delete", "text": "steel "},
        {"op": "insert", "text": "<b>brass</b> "},
        {"op": "equal", "text": "screw</p>"},
    ]


def _random_text(random: Random, words: list[str]) -> str:
    return " ".join(random.choice(words) + random.choice(["", "", "", ".", "\n"]) for _ in range(20_000))[:50_000]


@pytest.mark.parametrize(
    "vocabulary",
    [["a", "b"], list("abcdefghij"), [f"{n:x}" for n in range(120)], [f"w{n}" for n in range(2000)], ["<", ">", "."]],
)
def test_the_search_for_common_words_ends_early_whatever_two_long_texts_are(
    vocabulary: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    search, looked_at = SequenceMatcher.find_longest_match, [0]

    def counted(matcher: Any, *bounds: int) -> Any:
        looked_at[0] += sum(1 + len(matcher.b2j.get(word, ())) for word in matcher.a[bounds[0] : bounds[1]])
        return search(matcher, *bounds)

    monkeypatch.setattr(SequenceMatcher, "find_longest_match", counted)
    random = Random(7)
    old, new = _random_text(random, vocabulary), _random_text(random, vocabulary)
    pieces = differences.words(old, new)
    assert looked_at[0] <= differences.STEPS
    assert "".join(p["text"] for p in pieces if p["op"] != "insert") == old


def test_a_few_changed_words_in_a_long_text_are_found_as_words() -> None:
    old = " ".join(f"word{n}" for n in range(7000))
    new = old.replace("word100 ", "other ").replace("word6900 ", "")
    ops = [(p["op"], p["text"]) for p in differences.words(old, new) if p["op"] != "equal"]
    assert ops == [("delete", "word100 "), ("insert", "other "), ("delete", "word6900 ")]


@given(SPECIFICATIONS, SPECIFICATIONS)
def test_a_difference_of_lists_applied_to_the_old_gives_the_new(old: list[Any], new: list[Any]) -> None:
    found = {"items": differences.items(old, new, differences.LISTS["specifications"])}
    assert applied(found, old) == new


@given(SPECIFICATIONS)
def test_a_list_does_not_differ_from_itself(items: list[Any]) -> None:
    assert differences.items(items, items, ("group", "name")) == {"added": [], "removed": [], "changed": [], "moved": []}


def test_items_are_named_by_what_happened_to_them() -> None:
    old = [{"id": 1, "alt": "a"}, {"id": 2, "alt": "b"}, {"id": 3, "alt": "c"}, {"id": 4, "alt": "d"}]
    new = [{"id": 4, "alt": "d"}, {"id": 1, "alt": "a"}, {"id": 3, "alt": "C"}, {"id": 5, "alt": "e"}]
    assert differences.items(old, new, ("id",)) == {
        "added": [{"position": 3, "item": new[3]}],
        "removed": [{"position": 1, "item": old[1]}],
        "changed": [{"position": 2, "old": old[2], "new": new[2]}],
        "moved": [{"from": 3, "to": 0, "item": new[0]}],
    }


def test_what_an_older_snapshot_does_not_say_does_not_differ() -> None:
    old = {"sku": "A", "specifications": []}
    new = {"sku": "B", "slug": "b", "specifications": []}
    assert differences.fields(old, new) == [{"field": "sku", "old": "A", "new": "B"}]
    assert differences.fields(new, old) == [{"field": "sku", "old": "B", "new": "A"}]


def test_a_summary_is_for_people() -> None:
    two = [{"group": "", "name": "a", "value": "1"}, {"group": "", "name": "b", "value": "1"}]
    changed = [two[1] | {"value": "2"}, two[0] | {"value": "2"}]
    assert differences.summary({"version": 1, "description": ""}, {"version": 2, "description": "x"}) == "Changed description"
    assert differences.summary({"part_name": "a", "sku": "b"}, {"part_name": "b", "sku": "c"}) == "Changed SKU and name"
    moved = {"category_id": 2, "category_path": [1]}
    assert differences.summary({"category_id": 1, "category_path": []}, moved) == "Changed category"
    assert differences.summary({"category_path": []}, {"category_path": [1]}) == "Changed category's path"
    assert differences.summary({"specifications": []}, {"specifications": two}) == "Changed 2 specifications"
    assert differences.summary({"specifications": two}, {"specifications": changed}) == "Changed 2 specifications"
    old = {"description": "", "images": [], "specifications": two[:1]}
    new = {"description": "x", "images": [{"id": 1}], "specifications": []}
    assert differences.summary(old, new) == "Changed description, 1 specification and 1 picture"
