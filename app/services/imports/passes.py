"""Imports a catalog file: checks it as a whole before anything is written, then applies it in chunks, each a transaction."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple, TextIO, TypeVar

from sqlalchemy import Connection, Engine

from app.contract.events import Actor, Origin, Source
from app.domain.content import MAX_DESCRIPTION
from app.domain.errors import Holder
from app.domain.imports.errors import ImportFileError, RowError
from app.domain.imports.options import NO_OPTIONS, Options
from app.domain.imports.rows import ImportRow, read_rows
from app.domain.imports.survey import Layout, Survey, survey
from app.services.imports.chunk import apply_chunk, rehearse_chunk
from app.services.imports.difference import ImportReport
from app.services.rich_text import dropped, sanitised
from app.store import prices
from app.store.imports import bulk
from app.store.pipeline import Pipeline
from app.store.specifications.reading import read_all
from app.store.transaction import TransactionManager, UnitOfWork

CHUNK = 1000
# This much text ends a chunk too: no statement may take long.
CHUNK_TEXT = 2_000_000
MAX_ERRORS = 200
# After this many errors, or `MAX_ROWS` rows, the rest of a file is not checked.
ENOUGH_ERRORS = 10_000
MAX_ROWS = 500_000

T = TypeVar("T", bound=ImportRow | RowError)
Open = Callable[[], TextIO]
Progress = Callable[[int], None]
Notice = Callable[[RowError], None]


class Checked(NamedTuple):
    """A file that can be imported: the number of its rows, and how it is to be read."""

    rows: int
    survey: Survey


@contextmanager
def reference_counting_alone() -> Iterator[None]:
    """Keep Python from looking for cycles among a chunk's many small objects, which have none: it took a quarter of an import."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def import_parts(
    transactions: TransactionManager, reading: Engine, actor: Actor, open_file: Open,
    progress: Progress = lambda _rows: None, file_name: str | None = None, options: Options = NO_OPTIONS,
) -> ImportReport:  # fmt: skip
    """Check a CSV file and apply it; unchanged rows cost no write and no event.

    Args:
        open_file: opens the file from its beginning; it is read several times, so that memory stays bounded.
        progress: told the number of rows after each chunk.
        options: what the user has specified about the file.

    Raises:
        ImportFileError: with every error (the first 200); nothing was applied.
    """
    checked = check(reading, open_file, options=options)
    return apply(transactions, reading, actor, open_file, checked.survey.layout, file_name, progress)


def apply(
    transactions: TransactionManager, reading: Engine, actor: Actor, open_file: Open, layout: Layout,
    file_name: str | None = None, progress: Progress = lambda _rows: None,
) -> ImportReport:  # fmt: skip
    """Apply a checked file; the reason of its changes names it."""
    report = ImportReport()

    def write(chunk: Sequence[ImportRow], unit_of_work: UnitOfWork) -> ImportReport:
        unit_of_work.origin = Origin(Source.IMPORT, message=file_name)
        return apply_chunk(chunk, f"import: {file_name}" if file_name else "import", unit_of_work)

    with reference_counting_alone(), open_file() as lines, Pipeline(transactions, actor) as pipeline:
        for chunk in chunks(good_rows(lines, layout)):
            report.add(pipeline.run(partial(write, chunk)))
            progress(len(chunk))
            read_specifications(reading)
    read_specifications(reading)
    return report


def read_specifications(reading: Engine) -> None:
    """Read what imported parts say in their specifications, as far as it is committed and nobody has read it.

    Else the next list would do it, and somebody wait for it. It is done after each chunk, since the chunks behind it say much the
    same again: each would note all of it as unread.
    """
    with reading.connect() as connection:
        read_all(connection)


def rehearse(
    transactions: TransactionManager, actor: Actor, open_file: Open, layout: Layout, progress: Progress = lambda _rows: None
) -> ImportReport:
    """Return what applying a checked file would do; nothing is written."""
    report = ImportReport()
    with open_file() as lines:
        for chunk in chunks(good_rows(lines, layout)):
            report.add(rehearse_chunk(transactions, actor, chunk))
            progress(len(chunk))
    return report


def check(
    reading: Engine, open_file: Open, progress: Progress = lambda _rows: None, options: Options = NO_OPTIONS,
    notice: Notice = lambda _notice: None,
) -> Checked:  # fmt: skip
    """Determine how a file is to be read, and check that all of its rows can be imported.

    Args:
        notice: told what will be dropped from the file, line by line.

    Raises:
        ImportFileError: with what is wrong, line by line.
    """
    errors: list[RowError] = []
    count = errors_in_all = 0
    found: Survey | None = None
    try:
        with reference_counting_alone(), reading.connect() as connection:
            with open_file() as lines:
                found = survey(lines, options, _shop_roots(connection))
            with open_file() as lines:
                for chunk in chunks(_all_rows(lines, found.layout, notice=notice)):
                    wrong = [row for row in chunk if isinstance(row, RowError)] + _conflicts(connection, chunk)
                    errors += wrong[: MAX_ERRORS - len(errors)]
                    errors_in_all += len(wrong)
                    count += len(chunk)
                    progress(len(chunk))
                    if errors_in_all >= ENOUGH_ERRORS or count > MAX_ROWS:
                        break
    except UnicodeDecodeError as error:
        reason = f"is not {error.encoding.upper()} (byte {error.start}: {error.reason}); save it as UTF-8, or name its encoding"
        errors, errors_in_all = [RowError(1, "file", reason), *errors], errors_in_all + 1
    if count > MAX_ROWS:
        errors.insert(0, RowError(MAX_ROWS + 1, "file", f"has more than {MAX_ROWS:,} rows; split it"))
    if not count and not errors:
        errors.append(RowError(1, "file", "has a header and no rows"))
    if errors or found is None:
        raise ImportFileError(sorted(errors), max(errors_in_all, len(errors)), found.columns if found else ())
    return Checked(count, found)


def _shop_roots(connection: Connection) -> set[str]:
    return {name for parent_id, name in bulk.categories(connection) if parent_id is None}


def only_currency(reading: Engine) -> str | None:
    """Return the one currency that all of the shop's prices have, or None if there is none."""
    with reading.connect() as connection:
        found = prices.currencies(connection)
    return found[0] if len(found) == 1 else None


def has_parts(reading: Engine) -> bool:
    """Whether there is any part yet."""
    with reading.connect() as connection:
        return bulk.part_exists(connection)


def good_rows(lines: TextIO, layout: Layout, skip: int = 0) -> Iterator[ImportRow]:
    """Return the rows of a file that was checked, behind the first `skip` ones."""
    return (row for row in _all_rows(lines, layout, skip) if isinstance(row, ImportRow))


def chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    """Yield the rows in lists of up to `CHUNK`, fewer if there is much text in them."""
    chunk: list[T] = []
    length = 0
    for row in rows:
        chunk.append(row)
        length += _length(row)
        if len(chunk) == CHUNK or length > CHUNK_TEXT:
            yield chunk
            chunk, length = [], 0
    if chunk:
        yield chunk


def _length(row: ImportRow | RowError) -> int:
    """Return approximately how much text of a row will be written."""
    if isinstance(row, RowError):
        return 0
    return len(row.description or "") + sum(len(value) for _, value in row.specifications)


def _all_rows(lines: TextIO, layout: Layout, skip: int = 0, notice: Notice | None = None) -> Iterator[ImportRow | RowError]:
    for row in read_rows(lines, layout, skip):
        yield _with_clean_description(row, notice) if isinstance(row, ImportRow) and row.description else row


def _with_clean_description(row: ImportRow, notice: Notice | None) -> ImportRow | RowError:
    description = sanitised(row.description or "")
    if notice:
        for one in dropped(row.description or "", description):
            notice(RowError(row.line, "description", str(one)))
    # Entities are longer than the characters they stand for.
    if len(description) > MAX_DESCRIPTION:
        return RowError(row.line, "description", f"as HTML is longer than {MAX_DESCRIPTION:,} characters")
    return row._replace(description=description) if description != row.description else row


def _conflicts(connection: Connection, chunk: Sequence[ImportRow | RowError]) -> list[RowError]:
    """Return the errors of rows that conflict with existing parts."""
    rows = {row.sku: row for row in chunk if isinstance(row, ImportRow)}
    errors = [
        _taken(rows[found.sku].line, "sku", found.sku, Holder(found.id, archived=True), "leave it out")
        for found in bulk.ids_by_sku(connection, list(rows))
        if found.archived
    ]
    slugs = {row.slug: row for row in rows.values() if row.slug}
    for found in bulk.holders_of_slugs(connection, list(slugs)) if slugs else ():
        if found.sku != slugs[found.slug].sku:
            holder = Holder(found.id, archived=found.archived)
            error = _taken(slugs[found.slug].line, "slug", found.slug, holder, "choose another one", f", {found.sku!r}")
            errors.append(error)
    return errors


def _taken(line: int, field: str, value: str, holder: Holder, otherwise: str, called: str = "") -> RowError:
    return RowError(line, field, f"{value!r} belongs to {holder}{called}; {holder.remedy(otherwise)}")
