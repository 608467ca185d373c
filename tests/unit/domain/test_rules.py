"""The rules of stock, prices, retries, the breaker and texts, without anything around them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.breaker import CircuitBreaker
from app.domain.content import changed_columns, forbidden_characters, normalised, slug_of, without_forbidden
from app.domain.errors import InsufficientStockError, InvalidFieldError
from app.domain.pricing import PriceLine, current_price, next_boundary, same_list
from app.domain.retry import GiveUp, RetryLater, RetryPolicy, decide
from app.domain.stock import MAX_QUANTITY, Stock, adjust, set_quantities

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
quantity = st.integers(0, MAX_QUANTITY)


@given(current=quantity, reserved=quantity, least=quantity)
def test_what_is_available_is_what_is_on_hand_and_not_reserved(current: int, reserved: int, least: int) -> None:
    stock = Stock(current, reserved, least)
    assert stock.available_stock == max(0, current - reserved)
    assert stock.is_in_stock == (current > reserved)
    assert stock.is_low_stock == (stock.available_stock <= least)
    assert stock.public().keys() & {"reserved_quantity", "min_stock_level"} == set()


@given(st.lists(st.integers(-50, 50), max_size=8), st.randoms())
def test_adjustments_commute_as_long_as_the_stock_suffices(deltas: list[int], random: object) -> None:
    start, shuffled = Stock(1000), list(deltas)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = start, start
    for delta, another in zip(deltas, shuffled, strict=True):
        one, other = adjust(one, delta), adjust(other, another)
    assert one == other
    assert one.current_stock == 1000 + sum(deltas)


def test_a_change_raises_the_version_by_one_and_no_change_leaves_it() -> None:
    stock = Stock(5, version=7)
    assert set_quantities(stock, {"current_stock": 6}).version == 8
    assert set_quantities(stock, {"current_stock": 5}) == adjust(stock, 0) == stock


def test_a_removal_stops_at_what_is_reserved_and_an_addition_never_fails_for_it() -> None:
    assert adjust(Stock(5, 2), -3).current_stock == 2
    with pytest.raises(InsufficientStockError, match="5 on hand, 2 of them reserved: 4 cannot be taken") as refused:
        adjust(Stock(5, 2), -4)
    assert refused.value.current["current_stock"] == 5
    assert adjust(Stock(1, 5), 1).current_stock == 2
    with pytest.raises(InvalidFieldError):
        adjust(Stock(MAX_QUANTITY), 1)


def line(
    amount: str, quantity: int = 1, begins: datetime | None = None, ends: datetime | None = None, currency: str = "EUR"
) -> PriceLine:
    return PriceLine(currency, Decimal(amount), quantity, begins, ends)


def test_a_period_includes_its_beginning_and_not_its_end() -> None:
    sale = line("5", begins=NOW, ends=NOW + DAY)
    shown = [
        sale.holds_at(moment)
        for moment in (NOW - timedelta(microseconds=1), NOW, NOW + DAY, NOW + DAY - timedelta(microseconds=1))
    ]
    assert shown == [False, True, False, True]


def test_a_sale_wins_over_the_standing_price_and_the_later_sale_over_the_earlier() -> None:
    lines = [line("10"), line("8", begins=NOW - DAY * 5), line("7", begins=NOW - DAY, ends=NOW + DAY)]
    prices = [current_price(lines, None, NOW + DAY * days) for days in (-9, -3, 0, 1)]
    assert [price and price.amount for price in prices] == [10, 8, 7, 8]


def test_tiers_are_in_order_each_with_the_price_in_force() -> None:
    price = current_price([line("8", 10), line("10"), line("6", 100), line("7", 10, begins=NOW - DAY)], None, NOW)
    assert price is not None
    assert (price.amount, price.tiers) == (10, ((1, 10), (10, 7), (100, 6)))


def test_the_legacy_price_holds_only_where_no_line_does() -> None:
    legacy = line("3")
    assert current_price([], legacy, NOW).amount == 3
    assert current_price([line("4", ends=NOW)], legacy, NOW).amount == 3
    assert current_price([line("4")], legacy, NOW).amount == 4
    assert current_price([], None, NOW) is None


def test_a_list_in_several_currencies_shows_the_first_of_its_smallest_quantity() -> None:
    price = current_price([line("9", currency="USD"), line("8"), line("1", 10, currency="CHF")], None, NOW)
    assert (price.currency, price.tiers) == ("EUR", ((1, 8),))


def test_the_next_boundary_is_the_nearest_date_ahead() -> None:
    lines = [line("1", begins=NOW, ends=NOW + DAY * 2), line("2", begins=NOW + DAY), line("3", ends=NOW - DAY)]
    assert next_boundary(lines, NOW) == NOW + DAY
    assert next_boundary(lines, NOW + DAY) == NOW + DAY * 2
    assert next_boundary(lines, NOW + DAY * 2) is None


def test_price_lists_are_compared_without_their_order_and_with_their_repetitions() -> None:
    assert same_list([line("1"), line("2", 5)], [line("2.00", 5), line("1.0")])
    assert not same_list([line("1")], [line("1"), line("1")])
    assert not same_list([line("1")], [line("1", begins=NOW)])


def test_backoff_doubles_to_its_ceiling_with_full_jitter() -> None:
    policy = RetryPolicy(gives_up_after=None, first_delay=1, longest_delay=10)
    ceilings = [decide(policy, attempt, lambda _low, high: high) for attempt in (1, 2, 3, 4, 5, 1000)]
    assert ceilings == [RetryLater(2), RetryLater(4), RetryLater(8), RetryLater(10), RetryLater(10), RetryLater(10)]
    assert decide(policy, 3, lambda low, _high: low) == RetryLater(0.5)


def test_giving_up_comes_with_the_last_attempt_and_never_without_a_limit() -> None:
    assert isinstance(decide(RetryPolicy(12), 11), RetryLater)
    assert decide(RetryPolicy(12), 12) == GiveUp()
    assert isinstance(decide(RetryPolicy(None), 10**6), RetryLater)


def test_the_breaker_opens_after_failures_in_a_row_and_lets_one_trial_through_per_pause() -> None:
    clock = [0.0]
    breaker = CircuitBreaker(failures=3, pause=1.0, now=lambda: clock[0])
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    assert breaker.is_open
    assert not breaker.allows()
    clock[0] = 1.0
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.failed()
    clock[0] = 1.9
    assert not breaker.allows()
    clock[0] = 2.0
    assert breaker.allows()
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.allows()


def test_texts_are_compared_in_their_normal_form() -> None:
    assert normalised(" cafe\u0301\n") == "caf\u00e9"


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\u202e", "\u200b", "\ufeff", "\ud800", "\U000e0041", "\n", "\t", "\u2028"]
)
def test_control_and_invisible_characters_are_refused_by_name(character: str) -> None:
    assert f"U+{ord(character):04X}" in (forbidden_characters(f"a{character}b") or "")


SPELT = [
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: I want
    "\u06f1\u06f3\u06f9\u06f0 \u0647\u200d",  # Persian: a year of the Hijra, its letter in the form of a beginning
    "\u0646\u0633\u062e\u0647\u200c\u06f2",  # Persian: version 2
    "\u0915\u094d\u200d\u0937",  # Hindi: half a ka before a sha
    "\u0930\u094d\u200d\u092f\u093e",  # Marathi: the eyelash ra
    "\u09b0\u200d\u09cd\u09af\u09be\u09ae",  # Bengali: RAM
    "\u0dc1\u0dca\u200d\u0dbb\u0dd3",  # Sinhala: Sri
    "\u0d05\u0d35\u0d28\u0d4d\u200d",  # Malayalam: he, with an old chillu at the end
    "\u0c30\u0c4b\u0c21\u0c4d\u200c 5",  # Telugu: road, its virama shown
    "\u1828\u1820\u180e\u1820",  # Mongolian: a separated vowel
    "Auf\u200clage",  # German: no ligature of f and l
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",  # a family
    "\U0001f469\U0001f3fd\u200d\U0001f527 M8",  # a mechanic of some colour
    "\u2764\ufe0f\u200d\U0001f525\U0001f3f3\ufe0f\u200d\U0001f308\U0001f3f4\u200d\u2620\ufe0f",  # a heart on fire, two flags
    "\U0001f642\u200d\u2194\ufe0f",  # a head that is shaken
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # the flag of Scotland
]


@pytest.mark.parametrize("text", SPELT)
def test_words_and_emoji_have_the_invisible_characters_that_they_are_spelt_with(text: str) -> None:
    for multiline in (True, False):
        assert forbidden_characters(f"{text} and {text}", multiline=multiline) is None
    assert without_forbidden(text) == text
    assert normalised(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "\u200cab", "ab\u200d", "a \u200cb", "a\u200c b", "a\u200d\u200db", "a\u200c\u200db", "6\u200d205",
        "a\u200d5", "5\u200ca", "-\u200d-",
        "\u200d", "<b>\u200cx", "\U0001f468\u200c\U0001f469", "\U0001f468\u200d",
        "\u200d\U0001f468", "\U0001f468\u200dx", "x\u200d\U0001f468",
        "\u00b0\u200d\u00b0", "\u0647\u200d\u200d", "\u180ea", "a\U000e0067\U000e0062b",
        "\U0001f3f4\U000e007f", "\U0001f3f4\U000e0067\U000e0062",
    ],
)  # fmt: skip
def test_elsewhere_they_are_refused_by_name(text: str) -> None:
    character = next(one for one in text if ord(one) in {0x180E, 0x200C, 0x200D} or ord(one) >= 0xE0000)
    assert f"U+{ord(character):04X}" in (forbidden_characters(text) or "")
    assert forbidden_characters(without_forbidden(text)) is None


UNSEEN = [
    "M8\ufe0f",
    "6205\u034f",
    "\u31646205",
    "6205\U000e0100",
    "62\u280005",
    "6205\u200b",
    "6205\u00a0Z",
    "6205\u3000Z",
    "6\u2028Z",
]


@pytest.mark.parametrize("number", [*SPELT, *UNSEEN])
def test_no_number_has_an_invisible_character(number: str) -> None:
    assert forbidden_characters(number, identifier=True)


SPELLING = "a\u0647\u094d\u0915\U0001f468\u2764\ufe0f5 \u180e\u200c\u200d\u200b\U0001f3f4\U000e0067\U000e0062\U000e007f"


@given(st.text(st.sampled_from(SPELLING), max_size=12))
def test_what_is_left_when_forbidden_characters_are_taken_out_has_none(text: str) -> None:
    left = without_forbidden(text)
    assert forbidden_characters(left, multiline=True) is None
    assert without_forbidden(left) == left
    if forbidden_characters(text, multiline=True) is None:
        assert left == text


def test_private_and_unknown_characters_are_texts_like_others() -> None:
    """Icon fonts use the first; the second are letters and pictures that are newer than this Python."""
    assert forbidden_characters("a\ue000b\U000323b0c") is None


def test_only_line_breaks_and_tabs_are_allowed_in_longer_texts() -> None:
    assert forbidden_characters("a\r\n\tb\u2028c", multiline=True) is None
    assert forbidden_characters("a\x0bb", multiline=True)


@pytest.mark.parametrize(
    ("words", "slug"),
    [(("Grosse 10,5 mm", "A/B"), "grosse-10-5-mm-a-b"), (("--", "*"), ""), (("x" * 300,), "x" * 200)],
)  # fmt: skip
def test_a_slug_is_lower_case_latin_with_single_hyphens(words: tuple[str, ...], slug: str) -> None:
    assert slug_of(*words) == slug


def test_only_columns_that_differ_are_changes() -> None:
    assert changed_columns({"a": 1, "b": 2}, {"a": 1, "b": 3}) == {"b": 3}
