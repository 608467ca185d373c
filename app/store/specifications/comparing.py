"""How what somebody types is compared with the values that parts say (`specification_values v`)."""

from typing import Any

from app.domain import measures
from app.domain.measures import NUMBER, THREAD, Reading
from app.store.specifications.reading import typed

NAMED = "v.named = specification_hash(:name)"
# By how much a number may differ from the one that was typed: by what is lost in a conversion, and in another unit by its
# rounding.
CLOSE = (
    "GREATEST(abs({number}) * 1e-9, CASE WHEN v.measured_in = {asked}measured_in THEN 0 ELSE CAST({asked}rounding AS float8) END)"
)
# A number without a unit is compared as it stands, one with a unit in any unit of its dimension.
MEANT = f"""
    (v.meaning = t.meaning
     OR t.dimensions IS NULL AND v.own_low = t.own_low AND v.own_high = t.own_high
     OR v.dimension = ANY(t.dimensions) AND abs(v.low - t.low) <= {CLOSE.format(number="v.low", asked="t.")}
        AND abs(v.high - t.high) <= {CLOSE.format(number="v.high", asked="t.")})"""
# The values that are asked for, one row each.
ASKED = """
    asked AS MATERIALIZED (
        SELECT *, specification_hash(said) AS meaning
        FROM jsonb_to_recordset(CAST(:values AS jsonb))
          AS t(place int, named bigint, said text, dimensions text[], measured_in text, low float8, high float8,
               own_low float8, own_high float8, rounding float8))
"""


def keys_named(name: str) -> str:
    """Return the expression of all keys of the name that a parameter has."""
    return f"ARRAY(SELECT key FROM specification_values WHERE named = specification_hash({name}))"  # noqa: S608 — constant text


def equal(name: str, value: str) -> dict[str, Any]:
    """Return a row of `ASKED` for what a value has to be. Threads are equal by their words: those of one size differ in their
    pitch."""
    if (of_class := measures.class_in(name, value)) is not None:
        return _words(of_class)
    reading = typed(value)
    return as_asked(value) | ({"dimensions": []} if reading.unit and reading.unit.dimension == THREAD else {})


def as_asked(value: str) -> dict[str, Any]:
    """Return a row of `ASKED` for what was typed, but for its place and its name."""
    reading = typed(value)
    asked = _words(measures.said(value))
    if reading.unit is None:
        return asked
    low, high = reading.ends()
    return asked | {
        "dimensions": dimensions_of(reading), "measured_in": reading.unit.name, "low": low, "high": high,
        "own_low": float(reading.low), "own_high": float(reading.high), "rounding": float(reading.rounding * reading.unit.scale),
    }  # fmt: skip


def dimensions_of(reading: Reading) -> list[str] | None:
    """Return what a typed number is compared with; None if it has no unit, and is compared with any number as it stands."""
    return None if reading.unit is None or reading.unit == NUMBER else list(measures.comparable(reading.unit))


def _words(said: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("low", "high", "own_low", "own_high"))
    return {"said": said, "dimensions": [], "measured_in": "", "rounding": 0.0, **nothing}
