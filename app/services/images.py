"""A part's pictures: adding, ordering, describing and deleting them, and making their smaller sizes later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Engine

from app.contract.events import Operation
from app.domain.errors import DuplicateError, InvalidFieldError, NotFoundError, StorageUnavailableError
from app.domain.pictures import EXTENSIONS, MAX_PICTURES, Picture, file_path, variant_path, variant_widths
from app.services.content import current_state, locked_to_change
from app.services.intent import Intent
from app.store import content, idempotency, images
from app.store.content import AuditedRow, Content
from app.store.files import Storage
from app.store.transaction import TransactionManager, UnitOfWork

log = structlog.get_logger()

# Pictures that one task processes before other tasks get their turn; each takes a second or two.
AT_ONCE = 5

# A change to the pictures of a locked part; returns the row for the audit trail to name, or None if nothing changes.
Change = Callable[[UnitOfWork, Content], AuditedRow | None]


def kept_picture(storage: Storage, upload: bytes) -> Picture:
    """Check and encode an uploaded picture, store its file, and return it. Slow, and without a database: for `offload`.

    The file exists before any row refers to it. If none ever does, no harm is done: the next upload of the same picture writes
    the same file.

    Raises:
        InvalidFieldError: if it is not a picture that we accept.
        StorageUnavailableError: if it could not be stored.
    """
    from app.services.pictures import prepared

    picture = prepared(upload)
    storage.put(file_path(picture.digest, picture.extension), picture.data)
    return picture


def kept_in_all_sizes(storage: Storage, upload: bytes) -> Picture:
    """Like `kept_picture`, with its smaller sizes as well: for what no task makes them of later.

    Raises:
        InvalidFieldError, StorageUnavailableError.
    """
    picture = kept_picture(storage, upload)
    _keep_variants(storage, picture.digest, picture.data)
    return picture


def refuse_early(
    transactions: TransactionManager, intent: Intent, check: Callable[[UnitOfWork], object],
) -> dict[str, Any] | None:  # fmt: skip
    """Refuse a picture for what `check` says cannot take one, before doing any work for it; return what was answered to an
    earlier call with the same key, if there was one.

    Raises:
        KeyReusedError, and what `check` raises.
    """

    def look(unit_of_work: UnitOfWork) -> dict[str, Any] | None:
        if intent.call is not None and (kept := idempotency.find(unit_of_work.connection, intent.call)) is not None:
            return dict(kept.result)
        check(unit_of_work)
        return None

    return transactions.run(intent.actor, look)


def refuse_image_early(transactions: TransactionManager, intent: Intent, part_id: int) -> dict[str, Any] | None:
    """Refuse a picture for a part that cannot take one; see `refuse_early`.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError, InvalidFieldError, KeyReusedError.
    """
    return refuse_early(transactions, intent, lambda work: _room_for_one(locked_to_change(work, part_id, intent.expected)))


def add_image(
    transactions: TransactionManager, intent: Intent, part_id: int, picture: Picture, alt: str,
) -> dict[str, Any]:  # fmt: skip
    """Add a stored picture after the part's other ones, and return the state of the part's content.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError, InvalidFieldError.
        DuplicateError: if the part already shows this very picture, so that a repeated upload does not add it twice.
    """

    def add(unit_of_work: UnitOfWork, before: Content) -> AuditedRow:
        _room_for_one(before)
        if any(image["digest"] == picture.digest for image in before.row.images):
            raise DuplicateError("image", picture.digest, "the part shows this very picture already")
        image_id = images.insert_image(unit_of_work, part_id, picture.columns() | {"alt": alt})
        return _audited("INSERT", image_id)

    return _changed(transactions, intent, part_id, add)


def set_order(
    transactions: TransactionManager, intent: Intent, part_id: int, image_ids: Sequence[int],
) -> dict[str, Any]:  # fmt: skip
    """Put a part's pictures into the given order; the present order changes nothing.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError.
        InvalidFieldError: if these are not exactly the part's pictures, each once.
    """

    def order(unit_of_work: UnitOfWork, before: Content) -> AuditedRow | None:
        present = [image["id"] for image in before.row.images]
        if sorted(image_ids) != sorted(present):
            raise InvalidFieldError("image_ids", f"Name each of the part's pictures once: {sorted(present)}.")
        if list(image_ids) == present:
            return None
        images.set_order(unit_of_work, part_id, image_ids)
        return _audited("UPDATE", part_id)

    return _changed(transactions, intent, part_id, order)


def set_alt(
    transactions: TransactionManager, intent: Intent, part_id: int, image_id: int, alt: str,
) -> dict[str, Any]:  # fmt: skip
    """Write a picture's alternative text, for those who cannot see it; the same text changes nothing.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError.
    """

    def describe(unit_of_work: UnitOfWork, before: Content) -> AuditedRow | None:
        if _image(before, image_id)["alt"] == alt:
            return None
        images.set_alt(unit_of_work, part_id, image_id, alt)
        return _audited("UPDATE", image_id)

    return _changed(transactions, intent, part_id, describe)


def delete_image(
    transactions: TransactionManager,
    intent: Intent,
    part_id: int,
    image_id: int,
) -> dict[str, Any]:
    """Remove a picture from a part. Its file stays: earlier content versions refer to it.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError.
    """

    def delete(unit_of_work: UnitOfWork, before: Content) -> AuditedRow:
        _image(before, image_id)
        images.delete_image(unit_of_work, part_id, image_id)
        return _audited("DELETE", image_id)

    return _changed(transactions, intent, part_id, delete)


@dataclass(frozen=True, slots=True)
class Served:
    """A file to serve for an address. It is not final while it substitutes for a variant that is still to be made."""

    data: bytes
    extension: str
    is_final: bool = True


def served_picture(storage: Storage, digest: str, extension: str | None, width: int | None) -> Served | None:
    """Return a picture, or its variant of that width, or None if there is no such file.

    Raises:
        StorageUnavailableError: if that cannot be known.
    """
    path, kind = (file_path(digest, extension), extension) if extension else (variant_path(digest, width or 0), "webp")
    data = storage.get(path)
    if data is not None:
        return Served(data, kind)
    from app.services.pictures import width_of

    for standing_in in EXTENSIONS if width else ():
        original = storage.get(file_path(digest, standing_in))
        if original is not None and width in variant_widths(width_of(original)):
            return Served(original, standing_in, is_final=False)
    return None


def make_variants(reading: Engine, storage: Storage) -> bool:
    """Make the smaller sizes of a few pictures that lack them; return whether there may be more to do.

    Idempotent, also when run concurrently: the same files are written. A picture that cannot be processed is skipped for good;
    its addresses serve the original.

    Raises:
        StorageUnavailableError: if the storage does not answer; the rest is done later.
    """
    with reading.connect() as connection:
        todo = images.without_variants(connection, AT_ONCE)
        for image in todo:
            _make_variants(storage, image)
            images.set_variants(connection, image["digest"])
    return bool(todo)


def _make_variants(storage: Storage, image: dict[str, Any]) -> None:
    digest = image["digest"]
    if all(storage.exists(variant_path(digest, width)) for width in variant_widths(image["width"])):
        return
    data = storage.get(file_path(digest, image["extension"]))
    if data is None:
        log.error("the file of a picture is missing", digest=digest)
        return
    try:
        _keep_variants(storage, digest, data)
    except StorageUnavailableError:
        raise
    except Exception:  # whatever makes a decoder fail on one picture must not hold up the others
        log.exception("no variants can be made of a picture", digest=digest)


def _keep_variants(storage: Storage, digest: str, data: bytes) -> None:
    from app.services.pictures import variants

    for width, variant in variants(data).items():
        storage.put(variant_path(digest, width), variant)


def _changed(transactions: TransactionManager, intent: Intent, part_id: int, change: Change) -> dict[str, Any]:
    """Apply `change` to a part's pictures as its next content version, and return the content's state."""

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        before = locked_to_change(unit_of_work, part_id, intent.expected)
        audited = change(unit_of_work, before)
        if audited is None:
            return current_state(before)
        return current_state(content.save(unit_of_work, before, {}, archived=False, reason=intent.reason, audited=audited))

    return transactions.run(intent.actor, work, intent.call)


def _audited(operation: Operation, record_id: int) -> AuditedRow:
    return AuditedRow("part_images", record_id, operation)


def _room_for_one(content_now: Content) -> None:
    if len(content_now.row.images) >= MAX_PICTURES:
        raise InvalidFieldError("image", f"A part shows at most {MAX_PICTURES} pictures; delete one first.")


def _image(content_now: Content, image_id: int) -> dict[str, Any]:
    found = next((image for image in content_now.row.images if image["id"] == image_id), None)
    if found is None:
        raise NotFoundError(f"Part {content_now.id} has no picture {image_id}.")
    return dict(found)
