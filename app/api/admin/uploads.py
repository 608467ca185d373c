"""Pictures on their way in, whatever they are of."""

from collections.abc import Callable

from werkzeug.datastructures import FileStorage

from app.api.context import container, offload
from app.domain.pictures import Picture
from app.domain.turns import Turns
from app.store.files import Storage

# Processing a picture takes up to half a gigabyte and one core for several seconds, so others wait for their turn.
_AT_WORK = Turns(at_once=1, waiting=7, patience=20.0)


def uploaded(keep: Callable[[Storage, bytes], Picture], file: FileStorage) -> Picture:
    """Return an uploaded picture as `keep` (`app.services.images`) has stored it, once it is its turn.

    Raises:
        BusyError: if it is not for long.
        InvalidFieldError, StorageUnavailableError: as `keep`.
    """
    with _AT_WORK.turn():
        return offload(keep, container().storage, file.read())
