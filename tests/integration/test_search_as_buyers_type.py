"""What buyers type finds what they mean, over the demo catalog of real standard parts."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from app.domain.search import words_of
from app.store.database import connect, single_statements
from app.store.listing.filters import PartFilters
from app.store.listing.pages import list_part_ids
from bench.catalog import fill
from devserver import EmbeddedServers
from tests.migrations.test_migrations import migrate

DEMO_PARTS = 2_959
M6X20 = {"ISO4762-M6x20-8.8-ZN", "ISO4762-M6x20-12.9", "ISO4762-M6x20-A2-70"}
M8X40 = {"ISO4017-M8x40-8.8-ZN", "ISO4017-M8x40-A2-70"}
B6205 = {"6205", "6205-2Z", "6205-2RS"}
B10 = {f"{series}{closure}" for series in ("6000", "6200", "6300") for closure in ("", "-2Z", "-2RS")}
W9 = {"6002-2RS", "6200-2RS", "61811-2RS", "61904-2RS", "61905-2RS", "61906-2RS"}
S30X42X7 = {"OS-30x42x7-A-NBR"}
# What is typed, and the parts that must come first, in any order among themselves.
QUERIES: tuple[tuple[str, set[str]], ...] = (
    # Sizes, joined or apart, with any separator.
    ("ISO 4017 M8 x 40", M8X40),
    ("iso4017 m8×40", M8X40),
    ("M8*40 ISO-4017", M8X40),
    ("iso 4017 M 8 x 40", M8X40),
    ("hexagon head m8-40", {"ISO4014-M8x40-8.8-ZN"} | M8X40),
    ("m 6 x 20 iso 4762", M6X20),
    ("socket head cap screw M6 X 20", M6X20),
    ("10 x 19 x 5", {"61800", "61800-2Z", "61800-2RS"}),
    ("bearing 10x19x5mm", {"61800", "61800-2Z", "61800-2RS"}),
    ("ball bearing 25-52-15", B6205),
    ("25 52 15", B6205),
    ("25 mm x 52 mm x 15 mm", B6205),
    ("shaft seal 30x42x7", S30X42X7),
    ("30 x 42 x 7 nbr", S30X42X7),
    ("NBR 70 30x42x7", S30X42X7),
    ("oil seal 30/42/7 NBR", S30X42X7),
    ("ISO 4032 M1,6", {"ISO4032-M1.6-8-ZN", "ISO4032-M1.6-10", "ISO4032-M1.6-A2-70"}),
    ("din 6885 a 2 x 2 x 10", {"DIN6885-A-2x2x10-C45"}),
    ("parallel key 10x8x32", {"DIN6885-A-10x8x32-C45"}),
    ("ISO 4017 M8X40MM", M8X40),
    ('ISO 4017 "M8 x 40"', M8X40),
    ("“ISO 4017 M8x40”", M8X40),
    ("ISO 4017 «M8 x 40»", M8X40),
    ("ISO® 4017™ M8x40", M8X40),
    ("iso 4017 m8 x 40 mm", M8X40),
    ("ISO 4017 M8x1.25x40", M8X40),
    ("iso4017 M8-1,25 x 40 mm", M8X40),
    ("socket head cap screw M6x1.0x20", M6X20),
    ("ISO 4032 M10x1.5", {"ISO4032-M10-8-ZN", "ISO4032-M10-10", "ISO4032-M10-A2-70"}),
    # Standards under their older numbers, or written as one word.
    ("DIN 912 M6x20", M6X20),
    ("DIN912 M6 x 20", M6X20),
    ("din-912-m6x20", M6X20),
    ("DIN912M6x20", M6X20),
    ("DIN.912.M6x20", M6X20),
    ("din912/m6x20", M6X20),
    ("DIN/912 M6x20", M6X20),
    ("ISO.4762/M6X20", M6X20),
    ("DIN EN ISO 4762 M6x20", M6X20),
    ("din 933 m8x40", M8X40),
    ("M8x40 DIN 933 inox", {"ISO4017-M8x40-A2-70"}),
    ("DIN 934 M10", {"ISO4032-M10-8-ZN", "ISO4032-M10-10", "ISO4032-M10-A2-70"}),
    ("DIN 985 M8", {"ISO10511-M8-04-ZN", "ISO10511-M8-A2-035"}),
    ("DIN 7991 M3x8", {"ISO10642-M3x8-10.9"}),
    ("din9021 m8", {"ISO7093-1-M8-200HV-ZN", "ISO7093-1-M8-A2"}),
    ("DIN 6325 6x20", {"ISO8734-6m6x20-A"}),
    # Bearing numbers, and makers' suffixes for seals; words that no part has.
    ("SKF 6205-2RS", {"6205-2RS"}),
    ("6205 2rs schaeffler gmbh", {"6205-2RS"}),
    ("6205", {"6205"}),
    ("6205 2RS", {"6205-2RS"}),
    ("62052rs", {"6205-2RS"}),
    ("6205ZZ", {"6205-2Z"}),
    ("6205-zz", {"6205-2Z"}),
    ("kugellager 6205 zz", {"6205-2Z"}),
    ("ballbearing 6205", B6205),
    ("deep groove ballbearings 6205", B6205),
    # Compound words, other hyphens, plurals.
    ("oring 1,78 x 1,78", {"OR-004-NBR70", "OR-004-FKM75"}),
    ("O‐Ring 1.78x1.78 viton", {"OR-004-FKM75"}),
    ("o rings AS568-004 NBR 70", {"OR-004-NBR70"}),
    ("o-ring 004 nbr70", {"OR-004-NBR70"}),
    ("vbelt SPZ630", {"SPZ-630"}),
    ("V belts spz 630", {"SPZ-630"}),
    ("keilriemen spz-630", {"SPZ-630"}),
    ("HTD 480 8M 20", {"HTD-480-8M-20"}),
    ("zahnriemen 480-8M-20", {"HTD-480-8M-20"}),
    # Buyers' words for catalog terms.
    ("circlip 3mm shaft", {"DIN471-3x0.4"}),
    ("seeger ring bore 8 mm", {"DIN472-8x0.8"}),
    ("cotter pin 1.6 x 20", {"ISO1234-1.6x20-ZN"}),
    ("splint 1,6x20", {"ISO1234-1.6x20-ZN"}),
    ("nyloc nut m3 stainless", {"ISO7040-M3-A2-70", "ISO10511-M3-A2-035"}),
    ("grub screw m3x4 cone point", {"ISO4027-M3x4-45H"}),
    ("Unterlegscheibe M8 A2", {"ISO7089-M8-A2", "ISO7090-M8-A2", "ISO7092-M8-A2", "ISO7093-1-M8-A2"}),
    ("m8 washers 300 HV", {"ISO7089-M8-300HV-ZN", "ISO7090-M8-300HV-ZN"}),
    ("hex nut M10 inox", {"ISO4032-M10-A2-70", "ISO4032-M10-A4-80"}),
    ("Zylinderschraube M6x20 galvanised", {"ISO4762-M6x20-8.8-ZN"}),
    ("ISO 4762 M6x20 12,9", {"ISO4762-M6x20-12.9"}),
    # A measure beside the name of a specification, whose parts come before those that merely hold the words.
    ("10mm bore bearing", B10),
    ("bearing bore 10 mm", B10),
    ("bore 10mm", B10),
    ("bearing, bore diameter: 10 mm", B10),
    # As no text has it, in another unit.
    ("0.3937in bore bearing", B10),
    ("deep groove bearing bore d: 1 cm", B10),
    ("outside diameter 10mm bearing", {"623", "623-2Z", "623-2RS"}),
    ("bearing width 9mm seal", W9),
    ("thread M8 ISO 4032", {"ISO4032-M8-8-ZN", "ISO4032-M8-10", "ISO4032-M8-A2-70"}),
)  # fmt: skip


@pytest.fixture(scope="module")
def demo(servers: EmbeddedServers) -> Iterator[Connection]:
    """The demo catalog in its own database."""
    url, name = make_url(servers.environ["DATABASE_URL"]), f"demo_{uuid4().hex[:8]}"
    server = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    address = url.set(database=name).render_as_string(hide_password=False)
    engine = connect(address)
    migrate(engine, "up", "head")
    fill(address, DEMO_PARTS, specifications=1)
    with single_statements(engine).connect() as connection:
        yield connection
    engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def first(demo: Connection, typed: str, limit: int) -> list[str]:
    """Return the SKUs that a search shows first."""
    ids = list_part_ids(demo, PartFilters(words_of(typed)), "relevance", None, limit).ids
    skus = {row.id: row.sku for row in demo.execute(text("SELECT id, sku FROM parts WHERE id = ANY(:ids)"), {"ids": ids})}
    return [skus[part_id] for part_id in ids]


@pytest.mark.parametrize(("typed", "wanted"), QUERIES, ids=[typed for typed, _wanted in QUERIES])
def test_what_buyers_type_shows_first_what_they_mean(demo: Connection, typed: str, wanted: set[str]) -> None:
    assert set(first(demo, typed, len(wanted))) == wanted
