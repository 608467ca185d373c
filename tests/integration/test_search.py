"""What a search finds, in which order, and that its pages hold together while the catalog changes."""

import threading
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import pytest
from sqlalchemy import text

from app.container import Container
from app.contract.events import Actor
from app.domain.pricing import PriceLine
from app.domain.search import Shares, words_of
from app.services.intent import Intent
from app.store import search
from app.store.admin_parts import GridFilters
from app.store.listing import suggestions
from app.store.listing.filters import PartFilters
from app.store.listing.pages import list_part_ids

NewPart = Callable[..., int]
Query = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def tag() -> str:
    """A word that the parts of one test alone hold."""
    return "t" + uuid4().hex[:10]


@pytest.fixture
def found(container: Container) -> Callable[..., list[int]]:
    """Ask for the first page of a search; return its ids."""

    def ask(typed: str, sort: str = "relevance", **filters: Any) -> list[int]:
        page = container.parts.catalog.list_parts(PartFilters(words_of(typed), **filters), sort, None, 50).body
        return [item["id"] for item in page.items]

    return ask


def test_a_number_is_found_whole_by_its_beginning_by_a_piece_and_without_its_punctuation(
    new_part: NewPart, found: Callable[..., list[int]], tag: str
) -> None:
    part = new_part(sku=f"{tag}-6205-2RS", manufacturer_number=f"SKF/{tag}.77")
    for typed in (
        f"{tag}-6205-2RS",
        f"{tag}62052rs",
        f"{tag}/6205",
        tag[3:],
        f"{tag[4:]}-62",
        f"skf{tag}",
        f"{tag}.7",
        f"{tag} 2rs",
    ):
        assert found(typed) == [part], typed


def test_words_are_found_by_their_beginnings_in_any_order_also_in_the_description(
    new_part: NewPart, found: Callable[..., list[int]], tag: str
) -> None:
    part = new_part(
        part_name=f"Hexagon bolt M8x40 {tag}", description="<p>Zinc-plated <b>steel</b> &amp; more</p>", manufacturer="Ferrum"
    )
    # Not a number by chance: its letters would be found as beginnings of words.
    other = new_part(sku=f"N-{tag}", part_name=f"Hexagon nut M8 {tag}")
    for typed in (
        f"bolt {tag}",
        f"{tag} hexagon bol",
        f"m8x {tag}",
        f"{tag} steel",
        f"zinc-pla {tag}",
        f"ferr {tag}",
        f"b h m8 {tag}",
    ):
        assert found(typed) == [part], typed
    assert set(found(f"m8 {tag}")) == {part, other}
    assert found(f"ol {tag}") == []


def test_letters_beyond_ascii_are_found_in_either_case(new_part: NewPart, found: Callable[..., list[int]], tag: str) -> None:
    part = new_part(part_name=f"Ölablaßschraube ÇELİK {tag}")
    assert found(f"ÖLABL {tag}") == found(f"ölablaß {tag}") == [part]


@pytest.mark.parametrize(("written", "typed"), [("Söhne", "sohne"), ("Rhone", "Rhône"), ("m²", "M2"), ("ﬁtting", "fitting")])
def test_accents_may_be_left_out_or_put_in(
    written: str, typed: str, new_part: NewPart, found: Callable[..., list[int]], tag: str
) -> None:
    part = new_part(part_name=f"{written} {tag}")
    for form in ("NFC", "NFD"):
        assert found(f"{unicodedata.normalize(form, typed)} {tag}") == [part]


def test_one_letter_is_the_beginning_of_a_word_of_the_name_the_maker_or_a_number_or_a_whole_word_anywhere(
    new_part: NewPart, found: Callable[..., list[int]], tag: str
) -> None:
    part = new_part(sku=f"7-{tag}", part_name=f"Washer {tag}", manufacturer="Ferrum", description="Bore 5 mm, zinc")
    assert [letter for letter in "wf7t5bzm" if found(f"{letter} {tag}") == [part]] == list("wf7t5")


@pytest.mark.parametrize("sign", ["°", "%", "''", "½%", "&", "\\", "ø"])
def test_signs_alone_are_looked_up_by_an_index(
    sign: str, new_part: NewPart, found: Callable[..., list[int]], tag: str, container: Container
) -> None:
    part = new_part(part_name=f"{sign} {tag}")
    new_part(part_name=f"plain {tag}")
    assert found(f"{sign} {tag}") == [part]
    with container.reading.connect() as connection:
        wanted = search.conditions(search.read(connection, (sign,)))
        statement = f"EXPLAIN (FORMAT JSON) SELECT FROM part_search s WHERE {' AND '.join(wanted.found)}"
        connection.execute(text("SET enable_seqscan = off"))
        try:
            assert "ix_part_search_words" in str(connection.execute(text(statement), wanted.parameters).scalar_one())
        finally:
            connection.execute(text("RESET enable_seqscan"))


def test_relevance_puts_numbers_before_names_and_names_before_the_rest(
    new_part: NewPart, found: Callable[..., list[int]], tag: str
) -> None:
    rest = new_part(part_name=f"A part for {tag}")
    named = new_part(part_name=f"{tag} bearing")
    begun = new_part(sku=f"{tag}-99", part_name="Zzz")
    exact = new_part(sku=tag.upper(), part_name="Zzzz")
    assert found(tag) == [exact, begun, named, rest]
    assert found(tag, "name") == [rest, named, begun, exact]


@pytest.mark.parametrize("typed", ["bering", "baering", "bearinng", "Berings"])
def test_a_word_with_a_typing_error_finds_what_it_is_like(typed: str, container: Container, new_part: NewPart, tag: str) -> None:
    part = new_part(part_name=f"Ball bearing bearings {tag}")
    page = container.parts.catalog.list_parts(PartFilters(words_of(f"{typed} {tag}")), "relevance", None, 50).body
    assert ([item["id"] for item in page.items], page.match) == ([part], "similar")
    page = container.parts.catalog.list_parts(PartFilters(words_of(f"bearing {tag}")), "relevance", None, 50).body
    assert ([item["id"] for item in page.items], page.match) == ([part], "exact")


def test_filters_that_leave_nothing_are_no_typing_error(container: Container, new_part: NewPart, tag: str) -> None:
    new_part(part_name=f"Bearing {tag}", stock=5)
    filters = PartFilters((tag,), in_stock=False)
    assert container.parts.catalog.list_parts(filters, "relevance", None, 50).body.match == "exact"


@pytest.mark.parametrize(
    "hostile",
    ["%", "_", "\\", "'", "&", "|", "!", ":*", "(", ")", "<->", "''", "%%%", "--", "$1", "a&b", "c|", "!x", "x:*", "(y", "y)",
     "\\'", "=",
     "x" * 199, "%" * 200, "a " * 50, "𝕏", "ß", "İ", "\U0010ffff"],
)  # fmt: skip
def test_whatever_is_typed_is_text(hostile: str, found: Callable[..., list[int]], new_part: NewPart, tag: str) -> None:
    new_part(part_name=f"plain {tag}")
    literal = new_part(part_name=f"odd {hostile[:150]} {tag}")
    assert found(f"{tag} {hostile}")[:1] in ([literal], []) if len(hostile) > 150 else literal in found(f"{tag} {hostile}")
    found(hostile)


def test_metacharacters_stand_for_themselves(found: Callable[..., list[int]], new_part: NewPart, tag: str) -> None:
    new_part(part_name=f"1000 abc {tag}")
    percent = new_part(part_name=f"100% a_c {tag}")
    assert found(f"100% {tag}") == found(f"a_c {tag}") == found(f"% {tag}") == [percent]


def test_a_word_with_a_sign_that_nothing_has_is_taken_for_that_without_it(
    found: Callable[..., list[int]], new_part: NewPart, tag: str
) -> None:
    plain = new_part(part_name=f"gauge 731 {tag}")
    new_part(part_name=f"gauge 7312 {tag}")
    assert found(f"731% {tag}") == [plain]
    # Of a word that nothing has without its sign either, what resembles it.
    assert found(f"gaugee% {tag}") == found(f"gauge {tag}")


def test_words_of_a_part_itself_are_not_kept_as_words_of_its_description_too(query: Query, new_part: NewPart, tag: str) -> None:
    part = new_part(part_name=f"Gauge {tag}", description=f"A gauge for pipes, {tag}.")
    (row,) = query("SELECT tsvector_to_array(words) AS words FROM part_search WHERE part_id = :id", id=part)
    described = {word[1:] for word in row["words"] if word.startswith("\x02")}
    assert "pipes" in described
    assert described.isdisjoint(row["words"])


@pytest.mark.parametrize("sort", ["relevance", "name", "-name", "price", "-price", "newest"])
@pytest.mark.parametrize("in_stock", [None, True])
def test_pages_neither_skip_nor_double_what_did_not_change_while_everything_around_it_does(
    sort: str, in_stock: bool | None, container: Container, actor: Actor, new_part: NewPart, tag: str
) -> None:
    def priced(part: int, amount: int) -> None:
        container.parts.update_prices_with_sync(Intent(actor), part, [PriceLine("EUR", Decimal(amount))] if amount else [])

    steady = []
    for number in range(12):
        part = new_part(part_name=f"{tag if number % 2 else 'part'} {number % 3} {tag}", stock=1)
        priced(part, number % 5)
        steady.append(part)
    restless = [new_part(part_name=f"restless {tag}", stock=number % 2) for number in range(6)]
    seen: list[int] = []
    after = None
    for step in range(30):
        page = container.parts.catalog.list_parts(PartFilters((tag,), in_stock=in_stock), sort, after, 2).body
        seen += [item["id"] for item in page.items]
        after = page.next
        if after is None:
            break
        new_part(part_name=f"{'aaa' if step % 2 else 'zzz'} {tag}")
        part = restless[step % len(restless)]
        container.parts.update_part_content_with_sync(
            Intent(actor), part, {"part_name": f"{'az'[step % 2]} {step} renamed {tag}"}
        )
        # In turn sold out and back again.
        container.parts.adjust_stock_with_sync(Intent(actor), part, 1 if (step + step // len(restless)) % 2 == 0 else -1)
        priced(part, step % 7)
        if step == 8:
            container.parts.archive_part_with_sync(Intent(actor), part)
    assert after is None
    assert sorted(part for part in seen if part in steady) == steady


@pytest.mark.parametrize("sort", ["relevance", "name", "-price"])
def test_pages_are_whole_while_others_write_at_the_same_time(
    sort: str, container: Container, actor: Actor, new_part: NewPart, tag: str
) -> None:
    steady = [new_part(part_name=f"steady {number % 4} {tag}") for number in range(20)]
    restless = [new_part(part_name=f"restless {tag}") for _ in range(4)]
    done = threading.Event()

    def write(part: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            container.parts.update_part_content_with_sync(
                Intent(actor), part, {"part_name": f"{'azt'[number % 3]} {number} {tag}"}
            )
            container.parts.update_prices_with_sync(Intent(actor), part, [PriceLine("EUR", Decimal(number))])

    with ThreadPoolExecutor(len(restless)) as writers:
        writing = [writers.submit(write, part) for part in restless]
        try:
            for limit in (1, 3, 7):
                seen, after = [], None
                while True:
                    page = container.parts.catalog.list_parts(PartFilters((tag,)), sort, after, limit).body
                    seen += [item["id"] for item in page.items]
                    after = page.next
                    if after is None:
                        break
                assert sorted(part for part in seen if part in steady) == steady
        finally:
            done.set()
        for writer in writing:
            writer.result()


def test_a_word_that_no_part_has_is_left_out_unless_it_says_which_part_is_meant_and_the_answer_says_so(
    container: Container, new_part: NewPart, tag: str
) -> None:
    part = new_part(sku=f"6205-{tag}", part_name="Deep groove bearing")

    def shown(typed: str) -> tuple[list[int], str]:
        page = container.parts.catalog.list_parts(PartFilters(words_of(typed)), "relevance", None, 50).body
        return [item["id"] for item in page.items], page.match

    assert shown(f"wmqzxv 6205 {tag}") == ([part], "similar")
    assert shown(f"6205-{tag} bearing wmqzxv vxzqmw") == ([part], "similar")
    for nothing in ("wmqzxv vxzqmw", f"wmq7zxv {tag}", f"wm {tag}"):
        assert shown(nothing)[0] == [], nothing
    # The panel does not say that a word was left out.
    assert container.parts.admin.list_parts(GridFilters(words_of(f"wmqzxv {tag}")), "part_name", None, 50).items == []


@pytest.mark.parametrize("are_common", [False, True])
def test_what_no_part_has_together_is_collected_once_whichever_word_may_be_left_out(
    container: Container, new_part: NewPart, statements: Callable[[], Any], tag: str, monkeypatch: pytest.MonkeyPatch,
    *, are_common: bool,
) -> None:  # fmt: skip
    tag = tag[:6]
    least, other, rarest = f"m{tag}", f"din{tag}", f"screw{tag}"
    if are_common:
        known = Shares((other, least, rarest), (0.2, 0.3, 0.1), 100_000.0)
        monkeypatch.setattr("app.store.search.reading.shares", lambda _connection: known)
        monkeypatch.setattr("app.store.search.words.SAMPLE", 0)

    def suggested(*words: str) -> tuple[list[int], int]:
        with statements() as executed, container.reading.connect() as connection:
            found = suggestions.suggested(connection, PartFilters(words), 5).ids
            assert list_part_ids(connection, PartFilters(words), "relevance", None, 5).ids == found
        asked = [statement for statement in executed if "AS hits_" in statement or "WITH hits" in statement]
        return found, len(asked)

    for word in (least, other, rarest):
        new_part(part_name=word)
    # Both ask whether each is there alone. That no part has the other two together, suggestions have seen, and a list of words
    # that are common each by itself.
    assert suggested(rarest, other, least) == ([], 2 if are_common else 3)
    # Left without what stands between them, words may be meant as one.
    joined = new_part(part_name=rarest + other)
    assert suggested(rarest, least, other) == ([joined], 4)
    both = new_part(part_name=f"{other} {rarest}")
    assert suggested(rarest, other, least) == ([joined, both], 4)


def test_suggestions_read_no_more_than_they_show(
    container: Container, actor: Actor, new_part: NewPart, statements: Callable[[], Any], tag: str
) -> None:
    container.parts.create_category_with_sync(Intent(actor), "Bolts", None, None)

    def read(word: str) -> str:
        part = new_part(part_name=word)
        with statements() as executed:
            assert [one["id"] for one in container.parts.catalog.suggest((word,), 5).body["parts"]] == [part]
        return " ".join(executed)

    # What the names of categories consist of is read once.
    read(f"{tag}a")
    asked = read(f"{tag}b")
    assert "part_specifications" in asked
    assert [name for name in ("stock_levels", "price_version", "search_tokens(name)") if name in asked] == []


def test_a_sequence_of_pages_stays_in_the_meaning_that_it_began_with(container: Container, new_part: NewPart, tag: str) -> None:
    wrong = tag[:-1] + ("x" if tag[-1] != "x" else "y") + "q"
    parts = [new_part(part_name=f"{tag} number {number}") for number in range(3)]
    filters = PartFilters((wrong,))
    first = container.parts.catalog.list_parts(filters, "name", None, 1).body
    assert (first.match, [item["id"] for item in first.items]) == ("similar", parts[:1])
    new_part(part_name=f"{wrong} appears")
    second = container.parts.catalog.list_parts(filters, "name", first.next, 5).body
    assert (second.match, [item["id"] for item in second.items]) == ("similar", parts[1:])
    assert container.parts.catalog.list_parts(filters, "name", None, 5).body.match == "exact"


def key(query: Query, name: str) -> str:
    (row,) = query("SELECT search_order(:name) AS key", name=name)
    return str(row["key"])


def rows(query: Query, part_id: int) -> dict[str, Any]:
    (row,) = query("SELECT in_stock, amount::text, is_public, sort_key AS name FROM part_search WHERE part_id = :id", id=part_id)
    return row


def test_what_searches_look_in_follows_every_writer_also_one_past_the_application(
    container: Container, actor: Actor, new_part: NewPart, query: Query, tag: str
) -> None:
    part = new_part(part_name=f"Part {tag}", stock=0)
    assert rows(query, part) == {"in_stock": False, "amount": None, "is_public": True, "name": key(query, f"Part {tag}")}
    container.parts.adjust_stock_with_sync(Intent(actor), part, 2)
    container.parts.update_prices_with_sync(Intent(actor), part, [PriceLine("EUR", Decimal(3))])
    assert rows(query, part) == {"in_stock": True, "amount": "3.00", "is_public": True, "name": key(query, f"Part {tag}")}
    query("UPDATE stock_levels SET reserved_quantity = 2 WHERE part_id = :id", id=part)
    query("DELETE FROM part_prices WHERE part_id = :id", id=part)
    query("INSERT INTO prices (part_id, amount, currency) VALUES (:id, 4, 'EUR')", id=part)
    query("UPDATE parts SET part_name = 'By hand', archived_at = now() WHERE id = :id", id=part)
    assert rows(query, part) == {"in_stock": False, "amount": "4", "is_public": False, "name": key(query, "By hand")}


def test_what_searches_look_in_can_be_made_anew_at_any_time(
    new_part: NewPart, query: Query, found: Callable[..., list[int]], make_search_anew: Callable[[], None], tag: str
) -> None:
    part = new_part(part_name=f"Bearing {tag}")
    rows_before = query("SELECT * FROM part_search ORDER BY part_id")
    query("DELETE FROM part_search WHERE part_id = :id", id=part)
    make_search_anew()
    assert query("SELECT * FROM part_search ORDER BY part_id") == rows_before
    assert found(f"baering {tag}") == [part]


def test_what_searches_look_in_is_kept_by_the_indexes_alone(container: Container, new_part: NewPart, tag: str) -> None:
    """Else a change of content takes the longer the more words the catalog has."""
    part = new_part(part_name=f"Bearing {tag}")
    scanned = text("SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname IN ('part_search', 'search_words')")
    changes = {"part": part, "name": f"Bearings and bolts {tag}"}
    with container.engine.connect() as connection:
        # With what this connection has not reported yet.
        before = {row.relname: row.seq_scan for row in connection.execute(scanned)}
        connection.execute(text("UPDATE parts SET part_name = :name WHERE id = :part"), changes)
        connection.execute(text("UPDATE stock_levels SET current_stock = 0 WHERE part_id = :part"), changes)
        connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        scans = {row.relname: row.seq_scan - before.get(row.relname, 0) for row in connection.execute(scanned)}
        connection.rollback()
    assert scans == {"part_search": 0, "search_words": 0}


def change_in_bulk(container: Container, part: int, **changed: Any) -> None:
    """Change a part as an import does: the triggers are quiet, and what searches look in is made at the end."""
    assignments = ", ".join(f"{name} = :{name}" for name in changed)
    with container.engine.begin() as connection:
        connection.execute(text("SELECT set_config('lockstep.bulk', 'on', true)"))
        connection.execute(text(f"UPDATE parts SET {assignments} WHERE id = :part"), {**changed, "part": part})
        connection.execute(text("SELECT keep_search_of(ARRAY[CAST(:part AS int)])"), {"part": part})


def holds(query: Query, part: int, word: str) -> bool:
    """Whether a part is indexed by a word, its own or one of its description; a search would show what is like it, too."""
    indexed = "ARRAY[CAST(:word AS text), E'\\x02' || :word] && tsvector_to_array(words)"
    return bool(query(f"SELECT FROM part_search WHERE part_id = :id AND {indexed}", id=part, word=word))


def test_an_import_reads_the_texts_of_a_part_again_only_if_they_have_changed(
    container: Container, new_part: NewPart, query: Query, tag: str
) -> None:
    part = new_part(part_name=f"Bolt {tag}", stock=5)
    query("UPDATE part_search SET in_stock = false, amount = 7, words = 'sign' WHERE part_id = :id", id=part)
    change_in_bulk(container, part, status="draft")
    assert rows(query, part) == {"in_stock": True, "amount": None, "is_public": False, "name": key(query, f"Bolt {tag}")}
    assert holds(query, part, "sign")
    for column in ("sku", "manufacturer_number", "manufacturer", "part_name", "description"):
        word = column.replace("_", "") + tag
        change_in_bulk(container, part, **{column: word})
        assert holds(query, part, word)
    # A value that moves from one column to another is a change, too.
    change_in_bulk(container, part, manufacturer=f"moved{tag}", manufacturer_number=None)
    change_in_bulk(container, part, manufacturer=None, manufacturer_number=f"moved{tag}")
    assert query("SELECT FROM part_search WHERE part_id = :id AND strpos(numbers, :moved) > 0", id=part, moved=f"moved{tag}")


def test_texts_that_an_import_changes_back_are_read_again(
    container: Container, new_part: NewPart, query: Query, tag: str
) -> None:
    part = new_part(part_name=f"Old {tag}")
    query("UPDATE parts SET part_name = :name WHERE id = :id", name=f"New {tag}", id=part)
    change_in_bulk(container, part, part_name=f"Old {tag}")
    assert holds(query, part, "old")


def test_numbers_are_read_the_same_in_the_text_of_a_part_as_alone(query: Query) -> None:
    numbers = ["6205", "A-1.5", ".5", "5.", ".", "A / B", "/", "A⁄B", "½-2", "DIN-EN-ISO-4762", "DIN 912", "M 8 x 40", "5mm x 3",
               "5 in", "5 inch", '5"', "1/4 in", "10 kOhm", "ÖL-205", "a,5", "5,5", "A'", "x", "8x", "-", "(A) "]  # fmt: skip
    different = query(
        """
        SELECT sku, number FROM unnest(CAST(:numbers AS text[])) AS sku
        CROSS JOIN unnest(CAST(:numbers AS text[]) || ARRAY[NULL]) AS number
        CROSS JOIN unnest(ARRAY['5 mm', 'iso 4762', 'in', 'x5', '/ 7', '']) AS name
        WHERE search_numbers(search_joined(search_soft(concat_ws(' / ', sku, number, name))), sku, number)
              <> array_remove(ARRAY[search_bare(sku), search_bare(number)], '')
        """,
        numbers=numbers,
    )
    assert different == []


def facets(container: Container, **filters: Any) -> dict[str, Any]:
    body: dict[str, Any] = container.parts.catalog.facets(PartFilters(**filters)).body
    return body


def test_facets_count_with_all_filters_but_their_own(container: Container, actor: Actor, new_part: NewPart, tag: str) -> None:
    create = container.parts.create_category_with_sync
    above = create(Intent(actor), f"above-{tag}", None, None)
    below = create(Intent(actor), f"below-{tag}", above["id"], None)
    kinds: Sequence[tuple[int, str | None, int, int]] = (
        (above["id"], "A", 1, 1), (below["id"], "A", 0, 2), (below["id"], "B", 1, 3), (below["id"], None, 0, 4),
    )  # fmt: skip
    for category, maker, stock, amount in kinds:
        part = new_part(part_name=f"Part {tag}", category_id=category, manufacturer=maker, stock=stock)
        container.parts.update_prices_with_sync(Intent(actor), part, [PriceLine("EUR", Decimal(amount))])
    shown = facets(container, words=(tag,))
    assert {c["id"]: c["count"] for c in shown["categories"]} == {above["id"]: 4, below["id"]: 3}
    assert shown["manufacturers"] == [{"value": "A", "count": 2}, {"value": "B", "count": 1}]
    assert shown["availability"] == {"in_stock": 2, "out_of_stock": 2}
    assert (shown["price"], shown["total"], shown["match"]) == ({"min": "1.00", "max": "4.00"}, 4, "exact")
    shown = facets(container, words=(tag,), category=f"below-{tag}", manufacturer="A", min_price="2.00")
    assert {c["id"]: c["count"] for c in shown["categories"]} == {above["id"]: 1, below["id"]: 1}
    assert shown["manufacturers"] == [{"value": "B", "count": 1}, {"value": "A", "count": 1}][::-1]
    assert (shown["availability"], shown["total"]) == ({"in_stock": 0, "out_of_stock": 1}, 1)
    assert shown["price"] == {"min": "2.00", "max": "2.00"}
    container.parts.adjust_stock_with_sync(Intent(actor), part, 1)
    assert facets(container, words=(tag,))["availability"] == {"in_stock": 3, "out_of_stock": 1}


def test_reconciliation_finds_every_kind_of_cached_list_right_and_a_wrong_one_wrong(
    container: Container, actor: Actor, new_part: NewPart, deliver: Callable[[], None], tag: str
) -> None:
    from redis import Redis

    category = container.parts.create_category_with_sync(Intent(actor), f"above-{tag}", None, None)
    part = new_part(part_name=f"Part {tag}", category_id=category["id"])
    deliver()
    container.reconciliation.run()
    slug = container.parts.catalog.part(part).body["slug"]
    with Redis.from_url(container.settings.redis_url) as valkey:
        valkey.delete(*valkey.scan_iter("lockstep:parts:list:*"), "none")
        container.consistency.process_retry_queue()
        container.parts.get_product_page(slug)
        facets(container, words=(tag,))
        container.parts.catalog.list_parts(PartFilters((tag,)), "relevance", None, 3)
        # Of the page: what its slug means, its neighbours by name, and what is in stock instead.
        assert len(list(valkey.scan_iter("lockstep:parts:list:*"))) == 5
        assert not container.reconciliation.run()["found"].get("cache_list")
        (key,) = [k for k in valkey.scan_iter("lockstep:parts:list:*") if b'"facets"' in (valkey.hget(k, "body") or b"")]
        valkey.hset(key, "body", (valkey.hget(key, "body") or b"").replace(b'"total":1', b'"total":2'))
        assert container.reconciliation.run()["found"]["cache_list"] == 1
    assert facets(container, words=(tag,))["total"] == 1


def test_words_that_most_parts_have_are_not_collected_from_the_index(
    container: Container, new_part: NewPart, query: Query, statements: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    new_part(part_name="Hexagon bolt zzyzx")
    new_part(part_name="Hexagon bolt")
    query("ANALYZE part_search")
    monkeypatch.setattr("app.store.search.reading._shares", WeakKeyDictionary())
    words, reader = words_of("hexagon zzyzx bolt"), container.parts
    with statements() as executed:
        assert len(reader.catalog.list_parts(PartFilters(words), "name", None, 50).body.items) == 1
        assert reader.catalog.facets(PartFilters(words)).body["total"] == 1
        assert len(reader.admin.list_parts(GridFilters(words), "part_name", None, 50).items) == 1
    collecting = [statement for statement in executed if "(word_1_way_0)" in statement]
    assert len(collecting) >= 3
    assert not [statement for statement in executed if "(word_0_way_0)" in statement or "(word_2_way_0)" in statement]
    # What PostgreSQL found is read once for all of them.
    assert sum("pg_stats" in statement for statement in executed) == 1


def test_hits_that_are_collected_among_the_first_names_alone_are_the_first_of_all(
    container: Container, new_part: NewPart, query: Query, statements: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    new_part(part_name="Anchor")
    parts = [new_part(part_name=f"{letter} hexagon nut") for letter in "zyxwvuts"][::-1]
    query("ANALYZE part_search")
    monkeypatch.setattr("app.store.search.reading._shares", WeakKeyDictionary())
    # All rows are sampled, and of the walk and what comes after it the latter has five of eight hits to show.
    monkeypatch.setattr("app.store.search.words.SAMPLE", 100)
    monkeypatch.setattr("app.store.listing.pages.WALK", 1)
    monkeypatch.setattr("app.store.listing.pages.WALK_OF_HITS", 1)
    monkeypatch.setattr("app.store.listing.pages.BEGUN", 5)
    for sort in ("relevance", "name"):
        with statements() as executed, container.reading.connect() as connection:
            found = list_part_ids(connection, PartFilters(("hexagon", "nut")), sort, None, 4)
        assert found.ids == parts[:4]
        assert "s.sort_key < (" in executed[-1]
