"""The shop defines synonyms, and the next search uses them."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from app.container import Container
from app.domain.search import words_of
from app.store.admin_parts import GridFilters
from app.store.listing.filters import PartFilters
from bench.system import wait_until

NewPart = Callable[..., int]
Query = Callable[..., list[dict[str, Any]]]
Flasks = Callable[..., str]


@pytest.fixture
def flask(app: Flask, container: Container) -> Flasks:
    """Run a command and return what it printed, or the refusal."""

    def run(*arguments: str, code: int = 0) -> str:
        result = app.test_cli_runner().invoke(args=["search-synonyms", *arguments])
        assert result.exit_code == code, result.output
        return result.output.strip()

    return run


def words() -> tuple[str, str]:
    return "u" + uuid4().hex[:8], "w" + uuid4().hex[:8]


def test_an_edit_holds_for_the_next_search_for_its_facets_and_in_the_panel_also_where_lists_are_cached(
    container: Container, new_part: NewPart, flask: Flasks
) -> None:
    said, meant = words()
    part = new_part(part_name=f"Big {meant} 12 thing")
    filters = PartFilters(words_of(f"big {said} m12"))

    def shown(typed: str) -> tuple[list[int], int, list[int]]:
        filters = PartFilters(words_of(typed))
        page = container.parts.catalog.list_parts(filters, "relevance", None, 5).body
        panel = container.parts.admin.list_parts(GridFilters(filters.words), "sku", None, 5)
        return (
            [i["id"] for i in page.items],
            container.parts.catalog.facets(filters).body["total"],
            [i["id"] for i in panel.items],
        )

    for typed in (f"big {said} 7", f"{said}7 thing", f"{said}-7"):
        assert shown(typed) == shown(typed) == ([], 0, [])
    assert flask("add", f"{said} 7", f"{meant.upper()}-12") == "2 added"
    for typed in (f"big {said} 7", f"{said}7 thing", f"{said}-7"):
        assert shown(typed) == ([part], 1, [part]), typed
    assert filters.words
    assert flask("remove", f"{meant}12", f"{said}7", "--one-way") == "1 removed"
    assert shown(f"{said} 7") == ([part], 1, [part])
    assert flask("remove", f"{meant}12", f"{said}7") == "1 removed"
    assert shown(f"big {said} 7") == ([], 0, [])


def test_a_pair_means_each_other_unless_it_is_one_way(container: Container, new_part: NewPart, flask: Flasks) -> None:
    said, meant = words()
    one, other = new_part(part_name=f"A {said}"), new_part(part_name=f"B {meant}")

    def found(typed: str) -> list[int]:
        return [i["id"] for i in container.parts.catalog.list_parts(PartFilters((typed,)), "name", None, 5).body.items]

    assert flask("add", said, meant, "--one-way") == "1 added"
    assert (found(said), found(meant)) == ([one, other], [other])
    assert flask("add", said, meant) == "1 added"
    assert (found(said), found(meant)) == ([one, other], [one, other])
    assert f"{said},{meant}\n{said}" not in flask("list")
    assert {f"{said},{meant}", f"{meant},{said}"} <= set(flask("list").splitlines())


def test_a_misspelt_word_has_the_synonyms_of_what_it_is_taken_for(container: Container, new_part: NewPart, flask: Flasks) -> None:
    """Whether some part is called so, or the shop knows it from its synonyms alone, as a whole term or beside another word."""
    # In letters alone: what has a digit is no name that may be left out.
    said, meant = (word.translate(str.maketrans("0123456789", "ghijklmnop")) for word in words())
    number = "7" + uuid4().hex[:5]
    part = new_part(sku=f"N-{number}", part_name=f"Deep {meant} {number}")
    wrong = said[:4] + said[5:]

    def shown(typed: str) -> tuple[list[int], str, int, list[int], list[int]]:
        filters = PartFilters(words_of(typed))
        page = container.parts.catalog.list_parts(filters, "relevance", None, 5).body
        suggested = container.parts.catalog.suggest(filters.words, 5).body["parts"]
        panel = container.parts.admin.list_parts(GridFilters(filters.words), "sku", None, 5)
        return (
            [i["id"] for i in page.items],
            page.match,
            container.parts.catalog.facets(filters).body["total"],
            [i["id"] for i in suggested],
            [i["id"] for i in panel.items],
        )

    flask("add", said, meant, "--one-way")
    assert shown(f"{wrong} {number}") == ([part], "similar", 1, [part], [part])
    # Of a term that says nothing of what there is, customers are still shown the rest.
    flask("remove", said, meant, "--one-way")
    flask("add", said, "v" + uuid4().hex[:8], "--one-way")
    assert shown(f"{wrong} {number}")[:3] == ([part], "similar", 1)
    flask("add", f"{said} groove", meant, "--one-way")
    new_part(part_name=f"Another {said} with a groove")
    assert shown(f"{wrong} groove {number}") == ([part], "similar", 1, [part], [part])


def test_the_second_page_of_a_misspelt_synonym_goes_on_in_it(container: Container, new_part: NewPart, flask: Flasks) -> None:
    said, meant = words()
    parts = [new_part(part_name=f"{meant} number {number}") for number in range(3)]
    flask("add", said, meant, "--one-way")
    filters = PartFilters((said[:4] + said[5:],))
    first = container.parts.catalog.list_parts(filters, "name", None, 1).body
    second = container.parts.catalog.list_parts(filters, "name", first.next, 5).body
    assert [[item["id"] for item in page.items] for page in (first, second)] == [parts[:1], parts[1:]]


def test_an_edit_is_audited_and_told_to_open_pages(
    flask: Flasks, query: Query, deliver: Callable[[], None], container: Container
) -> None:
    said, meant = words()
    flask("add", said, meant, "--one-way")

    def token() -> str | None:
        # There is none while the cache is not proven fresh, as for a moment on a busy machine.
        assert wait_until(lambda: container.parts.catalog.catalog_token() is not None)
        return container.parts.catalog.catalog_token()

    before = token()
    flask("remove", said, meant)
    assert token() != before
    deliver()
    values = {"term": said, "means": meant, "version": 1}
    trail = query(
        "SELECT operation, old_values, new_values FROM data_change_logs"
        " WHERE table_name = 'search_synonyms' AND COALESCE(new_values, old_values) ->> 'term' = :said ORDER BY id",
        said=said,
    )
    assert [tuple(row.values()) for row in trail] == [("INSERT", None, values), ("DELETE", values, None)]
    owed = query(
        "SELECT DISTINCT d.effect FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id"
        " WHERE e.type LIKE 'synonym.%' AND e.payload -> 'state' ->> 'term' = :said",
        said=said,
    )
    assert {row["effect"] for row in owed} == {"invalidate_cache", "broadcast", "persist_audit"}


@pytest.mark.parametrize(("term", "means"), [("O-Ring", "oring"), ("M8 x 40", "m8×40"), ("!?", "x"), ("Øre", "ore")])
def test_what_is_the_same_to_every_search_already_is_refused(term: str, means: str, flask: Flasks) -> None:
    assert "same" in flask("add", term, means, code=1)
    assert "does not mean" in flask("remove", term, means, code=1)
