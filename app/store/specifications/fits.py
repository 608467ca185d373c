"""Which parts fit filters by specifications."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.domain.errors import InvalidFieldError
from app.domain.measures import Reading, SpecificationFilter
from app.store.database import parsed
from app.store.encoding import jsonb
from app.store.specifications.comparing import ASKED, CLOSE, MEANT, NAMED, as_asked, dimensions_of, equal
from app.store.specifications.reading import read_all, typed

# Parts of which it takes no time to check all words.
FEW = 3000
_EQUAL = f"EXISTS (SELECT FROM asked t WHERE {MEANT})"
# A range fits if any of it lies within the bounds.
_BOUND = """
    CASE WHEN CAST(:{bound}_dimensions AS text[]) IS NULL THEN v.own_{end} {compared} CAST(:{bound}_own AS float8)
         ELSE v.dimension = ANY(CAST(:{bound}_dimensions AS text[]))
              AND v.{end} {compared} CAST(:{bound}_base AS float8) {sign} {close} END"""
_BOUNDS = {"low": ("high", ">=", "-"), "high": ("low", "<=", "+")}
# What is known of a name, and how the shop measures it.
_KNOWN = text(f"""
    SELECT (SELECT v.symbol FROM specification_values v WHERE {NAMED} AND v.dimension IS NOT NULL LIMIT 1) AS symbol,
           EXISTS (SELECT FROM specification_values v
                   WHERE {NAMED} AND v.dimension = ANY(CAST(:dimensions AS text[]))) AS is_comparable,
           EXISTS (SELECT FROM specification_values v WHERE {NAMED}) AS is_known
""")  # noqa: S608 — constant text
_FITTING = "SELECT parts_with_all(CAST(:fits AS text[]))"
_ARE_FEW = text(f"SELECT count(*) <= :few FROM ({_FITTING}) found")  # noqa: S608 — constant text
# The condition on `part_search s` that a part fits all filters, for rows that are found by something else. With IS TRUE it is
# checked on these rows by a hash; joined, the planner would expect few parts that fit, and look through them for each row.
FITS = f"(s.part_id IN ({_FITTING})) IS TRUE"
# The parts that fit, each read by its id, whatever the planner thinks.
FITTING_ROWS = f"(SELECT s.* FROM {{rows}} WHERE s.part_id = ANY(ARRAY({_FITTING})) OFFSET 0) s"  # noqa: S608 — constant text


@dataclass(frozen=True, slots=True)
class Fitting:
    """A filter by a specification, and the keys that fit it."""

    name: str
    keys: Sequence[int]


def keys_that_fit(connection: Connection, filters: Sequence[SpecificationFilter]) -> list[Fitting]:
    """Return the keys that fit each of the filters, once everything that parts say has been read.

    Raises:
        InvalidFieldError: if a bound cannot be compared with what the shop says.
    """
    read_all(connection)
    return [Fitting(one.name, _keys(connection, one)) for one in filters]


def are_few(connection: Connection, fits: Sequence[Fitting]) -> bool:
    """Whether the filters leave a few parts only, if there are any filters."""
    return bool(fits) and bool(connection.execute(_ARE_FEW, {"fits": keys_of(fits), "few": FEW}).scalar_one())


def keys_of(fits: Sequence[Fitting]) -> list[str]:
    """Return the parameter of `FITS` and `FITTING_ROWS`: for each filter its keys, any of which a part has to have."""
    return ["{" + ",".join(map(str, one.keys)) + "}" for one in fits]


def _keys(connection: Connection, wanted: SpecificationFilter) -> list[int]:
    conditions, parameters = (
        [NAMED],
        {"name": wanted.name, "values": jsonb([equal(wanted.name, value) for value in wanted.values])},
    )
    if wanted.values:
        conditions.append(_EQUAL)
    for bound, value in (("low", wanted.low), ("high", wanted.high)):
        if value is None:
            continue
        _refuse_incomparable(connection, wanted.name, "min" if bound == "low" else "max", typed(value))
        end, compared, sign = _BOUNDS[bound]
        close = CLOSE.format(number=f"v.{end}", asked=f":{bound}_")
        conditions.append(_BOUND.format(bound=bound, end=end, compared=compared, sign=sign, close=close))
        asked = as_asked(value)
        parameters |= {f"{bound}_{name}": asked[name] for name in ("dimensions", "measured_in", "rounding")}
        parameters |= {f"{bound}_own": asked["own_low"], f"{bound}_base": asked["low"]}
    statement = parsed(f"WITH {ASKED} SELECT v.key FROM specification_values v WHERE {' AND '.join(conditions)}")  # noqa: S608 — constants
    return list(connection.execute(statement, parameters).scalars())


def _refuse_incomparable(connection: Connection, name: str, bound: str, reading: Reading) -> None:
    dimensions = dimensions_of(reading)
    known = connection.execute(_KNOWN, {"name": name, "dimensions": dimensions}).one()
    if not known.is_known or known.is_comparable or (dimensions is None and known.symbol is not None):
        return
    field = f"spec.{name}.{bound}"
    if known.symbol is None:
        raise InvalidFieldError(field, f"{name} is given in words; filter by one of its values.")
    remedy = f"Use a unit such as {known.symbol}." if known.symbol else "Leave the unit away."
    if reading.unit and reading.unit.dimension.startswith("="):
        raise InvalidFieldError(field, f"There is no unit {reading.symbol!r} here. {remedy}")
    raise InvalidFieldError(field, f"{name} is not measured in {reading.symbol or 'threads'}. {remedy}")
