"""Opening a catalog file as text: the encodings that spreadsheets write, and refusing what is not text at all."""

import io
from typing import TextIO

from app.domain.imports.errors import ImportFileError, RowError

ENCODINGS = (
    "utf-8", "utf-16", "windows-1252", "iso-8859-1", "iso-8859-15", "windows-1250", "windows-1251", "mac-roman", "gb18030",
    "shift_jis",
)  # fmt: skip
_REMEDY = "is not a CSV; open it in your spreadsheet and save it as CSV UTF-8"
_UNMARKED = "holds NUL bytes, as UTF-16 without a byte order mark does; save it as CSV UTF-8, or name its encoding, utf-16"
# The first bytes of files that people mistake for a CSV.
_OTHER_KINDS = (
    b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"%PDF", b"{\\rtf", b"\xff\xfe\0\0", b"\0\0\xfe\xff",
)  # fmt: skip
_MARKED = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def open_text(raw: io.BufferedReader, encoding: str | None = None) -> TextIO:
    """Return a file as lines of text: in the encoding that its first bytes declare, else `encoding`, else UTF-8.

    A byte that is not valid UTF-8 becomes a lone surrogate, so that its row can be named; no such row is imported.

    Raises:
        ImportFileError: if it is another kind of file.
    """
    head = raw.peek(8)[:8]
    if reason := refusal_of(head):
        raise ImportFileError([RowError(1, "file", reason)])
    stated = next((name for mark, name in _MARKED if head.startswith(mark)), None)
    chosen = stated or encoding or "utf-8"
    if b"\0" in head and chosen != "utf-16":
        raise ImportFileError([RowError(1, "file", _UNMARKED)])
    if chosen == "utf-16" and not stated:
        # The decoder would demand a mark; a header begins with ASCII, whose other byte is NUL.
        chosen = "utf-16-be" if head.startswith(b"\0") else "utf-16-le"
    errors = "surrogateescape" if chosen.startswith("utf-8") else "strict"
    return io.TextIOWrapper(raw, encoding=chosen, errors=errors, newline="")


def refusal_of(head: bytes) -> str | None:
    """Return why a file that begins with these bytes cannot be a CSV, or None."""
    if not head:
        return "is empty"
    return _REMEDY if any(head.startswith(kind) for kind in _OTHER_KINDS) else None
