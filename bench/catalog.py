"""A large catalog to measure with: the demo's real parts, each several times with other numbers, makers, prices and stocks, and
with specifications if they are wanted.

The same rows every time: what varies is drawn from a hash of the part's number. Written set-based, around the application, so
that 100,000 parts take seconds; no events are written, so reconciliation has nothing to compare them with.
"""

import csv
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import psycopg

from app.domain.content import slug_of
from config import REPOSITORY

_DEMO = REPOSITORY / "demo" / "parts.csv"
_COLUMNS = ("sku", "part_name", "description", "category", "price", "currency", "current_stock", "min_stock_level")

_TEMPORARY = """
    CREATE TEMPORARY TABLE demo (
        sku text, part_name text, description text, category text, price numeric, currency text, current_stock int,
        min_stock_level int, slug text, specifications jsonb, number int GENERATED ALWAYS AS IDENTITY)
"""
# The name of every copy of a demo part, and two numbers from 0 to 999 from which its other values are derived.
_COPIES = """
    CREATE TEMPORARY TABLE copies AS
    SELECT d.*, copy,
           abs(hashtext(d.sku || copy)) %% 1000 AS dice, abs(hashtext(copy || d.sku)) %% 1000 AS other_dice,
           (ARRAY['Nordlager', 'Ferrum', 'Kettler & Söhne', 'Axial Works', 'Brück', 'Ostrava Steel', 'Lindqvist', 'Tornado',
                  'Kobe Parts', 'Molinari', 'Van Dijk', 'Sierra', 'Polar', 'Gebr. Hahn', 'Celtic Fasteners', 'Duna', 'Ibérica',
                  'Meridian', 'Rhône Industrie', 'Atlas'])[1 + abs(hashtext(d.category || copy)) %% 20] AS maker,
           (ARRAY['standard', 'marine', 'food-grade', 'heavy-duty', 'economy', 'precision', 'aerospace', 'workshop',
                  'hardened', 'black', 'coated'])[1 + copy %% 11] AS quality
    FROM demo d CROSS JOIN generate_series(0, (%(parts)s - 1) / (SELECT count(*) FROM demo)::int) AS copy
    ORDER BY copy, d.number LIMIT %(parts)s
"""
_PARTS = """
    INSERT INTO parts (sku, slug, part_name, description, category_id, manufacturer, manufacturer_number, status, created_at)
    SELECT CASE copy WHEN 0 THEN c.sku ELSE c.sku || '-' || upper(to_hex(40960 + copy)) END,
           c.slug || '-' || copy,
           CASE copy WHEN 0 THEN c.part_name ELSE c.part_name || ', ' || c.quality || ' ' || c.maker END,
           c.description || ' ' || initcap(c.quality) || ' quality, lot ' || c.dice || '.',
           g.id, c.maker, upper(left(c.maker, 2)) || '.' || c.number || '.' || (1000 + copy),
           CASE WHEN c.dice < 980 THEN 'published' ELSE 'draft' END,
           timestamptz '2024-01-01' + make_interval(mins => c.number * 7 + copy * 1000)
    FROM copies c JOIN categories g ON g.slug = %(prefix)s || md5(c.category)
    ORDER BY copy, number
"""
_STOCKS = """
    INSERT INTO stock_levels (part_id, current_stock, min_stock_level)
    SELECT p.id, CASE WHEN c.dice < 150 THEN 0 ELSE c.current_stock + c.dice END, c.min_stock_level
    FROM copies c JOIN parts p ON p.slug = c.slug || '-' || copy ORDER BY p.id
"""
_LEGACY_PRICES = """
    INSERT INTO prices (part_id, amount, currency)
    SELECT p.id, round(c.price * (500 + c.other_dice) / 1000, 2), c.currency
    FROM copies c JOIN parts p ON p.slug = c.slug || '-' || copy WHERE c.dice % 10 = 1 ORDER BY p.id
"""
# Six parts in ten have one price; one in ten each has tiers, a sale that has begun, a legacy price, and no price at all.
_PRICES = """
    INSERT INTO part_prices (part_id, amount, currency, min_quantity, valid_from)
    SELECT p.id, round(c.price * (500 + c.other_dice) * share / 1000, 2), c.currency, quantity, starts
    FROM copies c JOIN parts p ON p.slug = c.slug || '-' || copy
    CROSS JOIN (VALUES (1.0, 1, NULL::timestamptz), (0.9, 100, NULL), (0.8, 1, timestamptz '2025-01-01'))
      AS line(share, quantity, starts)
    WHERE c.dice % 10 > 1 AND (quantity = 1 OR c.dice % 10 = 8) AND (starts IS NULL OR c.dice % 10 = 9) ORDER BY p.id
"""
# The demo part's own, and as many others as are wanted, which differ from copy to copy.
_SPECIFICATIONS = """
    INSERT INTO part_specifications (part_id, name, value, unit, position)
    SELECT p.id, s.name, s.value, s.unit, s.place
    FROM copies c JOIN parts p ON p.slug = c.slug || '-' || copy
    CROSS JOIN LATERAL (
        SELECT name, value, unit, place
        FROM ROWS FROM (jsonb_to_recordset(c.specifications) AS (name text, value text, unit text)) WITH ORDINALITY
          AS own(name, value, unit, place)
        UNION ALL
        SELECT 'Property ' || n, (abs(hashtext(c.sku || copy || n)) %% (5 * n))::text,
               (ARRAY['mm', 'V', 'kg', '', '°C'])[1 + n %% 5], n
        FROM generate_series(jsonb_array_length(c.specifications) + 1, %(each)s) AS n) s
    WHERE p.id > %(after)s AND p.id <= %(after)s + 5000
    ORDER BY p.id, s.place
"""
_CATEGORY = """
    INSERT INTO categories (name, slug, parent_id)
    VALUES (%(name)s, %(slug)s, (SELECT id FROM categories WHERE slug = %(parent)s))
"""
_KEPT = ("parts", "stock_levels", "part_prices", "prices")
PREFIX = "c-"


def _demo_rows() -> Iterator[dict[str, str]]:
    with _DEMO.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _paths(categories: set[str]) -> list[tuple[str, ...]]:
    """Return every category's path from the root, parents before children."""
    steps = [tuple(category.split(" > ")) for category in categories]
    return sorted({way[:length] for way in steps for length in range(1, len(way) + 1)})


def _specifications(row: dict[str, str]) -> str:
    """Return what a demo part says of itself, as JSON."""
    said = [(name.partition(" ["), value) for name, value in row.items() if name not in _COLUMNS and value]
    return json.dumps([{"name": name, "value": value, "unit": unit.removesuffix("]")} for (name, _mark, unit), value in said])


def fill(database_url: str, parts: int = 100_000, specifications: int = 0) -> None:
    """Fill an empty, migrated database with `parts` parts, nearly all of them published, each with so many specifications."""
    url = database_url.replace("postgresql+psycopg://", "postgresql://")
    # Nobody is told of these parts.
    with psycopg.connect(url, options="-c lockstep.writer=application") as connection:
        # The tables that lists read are filled once at the end, and not part by part.
        for table in _KEPT:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        rows = list(_demo_rows())
        connection.execute(_TEMPORARY)
        names = ", ".join(_COLUMNS)
        with connection.cursor().copy(f"COPY demo ({names}, slug, specifications) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([*(row[name] for name in _COLUMNS), slug_of(row["part_name"], row["sku"]), _specifications(row)])
        for way in _paths({row["category"] for row in rows}):
            slug, parent = category_slug(*way), category_slug(*way[:-1])
            connection.execute(_CATEGORY, {"name": way[-1], "slug": slug, "parent": parent})
        connection.execute(_COPIES, {"parts": parts})
        connection.execute("ANALYZE copies")
        connection.execute(_PARTS, {"prefix": PREFIX})
        for statement in (_STOCKS, _LEGACY_PRICES, _PRICES, "SELECT fill_part_search()"):
            connection.execute(statement)
        if specifications:
            _specify(connection, specifications)
        for table in _KEPT:
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _specify(connection: psycopg.Connection[Any], each: int) -> None:
    (last,) = connection.execute("SELECT max(id) FROM parts").fetchone() or (0,)
    for after in range(0, last, 5000):
        connection.execute(_SPECIFICATIONS, {"each": each, "after": after})


def category_slug(*names: str) -> str:
    """Return the slug of the category with this path of names."""
    return PREFIX + hashlib.md5(" > ".join(names).encode(), usedforsecurity=False).hexdigest()
