"""Writes demo/parts.csv from the tables: `python -m demo.generate`, or `--check` to compare without writing.

The same tables always produce the same bytes: UTF-8, LF, quoting as in RFC 4180, no clock and no random numbers.
"""

import argparse
import csv
import io
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from demo import commerce
from demo.checks import CatalogError, check_lines, check_tables
from demo.families import bearings, drives, nuts_washers, screws, seals, shaft_parts
from demo.part import COLUMNS, Part

CSV_PATH = Path(__file__).with_name("parts.csv")


def catalog() -> Iterator[Part]:
    """Every part, family by family, in the order of the file."""
    return chain(
        bearings.parts(),
        screws.parts(),
        nuts_washers.parts(),
        seals.parts(),
        drives.parts(),
        shaft_parts.parts(),
    )


def line_of(part: Part) -> dict[str, str]:
    """The filled cells of a part's line, with the shop's own figures added."""
    price = commerce.price(part.sku, part.list_price)
    reorder_level = commerce.min_stock_level(part.sku, price)
    return {
        "sku": part.sku,
        "part_name": part.name,
        "description": " ".join(part.description),
        "category": " > ".join(part.category),
        "price": str(price),
        "currency": commerce.CURRENCY,
        "current_stock": str(commerce.current_stock(part.sku, reorder_level)),
        "min_stock_level": str(reorder_level),
        **part.specifications,
    }


def render() -> str:
    """The whole file as text. Raises CatalogError when a check fails."""
    check_tables()
    lines = [line_of(part) for part in catalog()]
    check_lines(lines)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or with --check report whether it is up to date; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo.generate", description="Write demo/parts.csv from the tables.")
    parser.add_argument("--check", action="store_true", help="compare only: exit with 1 when the file differs")
    options = parser.parse_args(arguments)
    try:
        content = render().encode()
    except CatalogError as error:
        print(f"demo catalog: {error}", file=sys.stderr)
        return 1
    if not options.check:
        CSV_PATH.write_bytes(content)
    elif not CSV_PATH.exists() or CSV_PATH.read_bytes() != content:
        print("demo catalog: parts.csv differs from the tables; run python -m demo.generate", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
