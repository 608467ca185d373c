"""The rules of content: which texts a part has, how they are normalised, and what differs between two states."""

import re
import unicodedata
from functools import lru_cache
from typing import Any

MAX_DESCRIPTION = 50_000
# The tree is part of every list, with these.
MAX_CATEGORY_DESCRIPTION = 2_000
# Lower-case words with single hyphens between them, and a letter in one of them.
SLUG = r"^(?:[0-9]+-)*[0-9]*[a-z][0-9a-z]*(?:-[0-9a-z]+)*\Z"
COLUMNS = ("sku", "slug", "part_name", "description", "category_id", "manufacturer", "manufacturer_number", "status")

# Unicode's control and format characters (general categories Cc and Cf), spelled out so that every Python refuses the same ones,
# and short enough for the patterns of the OpenAPI document. The first three ranges leave out tab, line feed and carriage return,
# which texts of several lines may have.
CONTROLS = "\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f"
INVISIBLE = (
    "\\u00ad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u2064"
    "\\u2066-\\u206f\\ufeff\\ufff9-\\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e002f\U000e003a-\U000e0060\U000e007b-\U000e007e"
)
# Those that the spelling of words and emoji needs, so that texts may have them where they belong: the Mongolian vowel separator,
# the zero-width joiner and non-joiner, and the tags that make up flags.
SPELLING = "\\u180e\\u200c\\u200d\U000e0030-\U000e0039\U000e0061-\U000e007a\U000e007f"
# Other invisible characters that count as letters, marks or symbols, and spaces that look like the one on the keyboard: two
# different numbers must not look the same.
UNSEEN = (
    "\\u00a0\\u034f\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180d\\u180f\\u2000-\\u200a\\u202f\\u205f\\u2800\\u3000\\u3164"
    "\\ufe00-\\ufe0f\\uffa0\U000e0100-\U000e01ef"
)
LINE_ENDS = "\\t\\n\\r\\u2028\\u2029"
# Lone surrogates are not characters, and UTF-8 cannot encode them.
_SURROGATES = "\\ud800-\\udfff"
_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
_FORBIDDEN = re.compile(f"{_FLAG}|[{CONTROLS}{LINE_ENDS}{INVISIBLE}{SPELLING}{_SURROGATES}]")
_FORBIDDEN_IN_LINES = re.compile(f"{_FLAG}|[{CONTROLS}{INVISIBLE}{SPELLING}{_SURROGATES}]")
_FORBIDDEN_IN_IDENTIFIERS = re.compile(f"[{CONTROLS}{LINE_ENDS}{INVISIBLE}{SPELLING}{UNSEEN}{_SURROGATES}]")
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_NOTHING_SEEN = re.compile(f"[{UNSEEN}{SPELLING}\\s]+")
_JOINERS = re.compile("[\u180e\u200c\u200d]")
# The blocks of symbols with the emoji that occur in joined sequences (Unicode's emoji-zwj-sequences.txt).
_EMOJI = re.compile("[\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001fbff]")
_VIRAMA = 9


def normalised(value: str) -> str:
    """Return text in NFC without surrounding white space, so that equal texts are equal bytes."""
    return unicodedata.normalize("NFC", value).strip()


def forbidden_characters(value: str, *, multiline: bool = False, identifier: bool = False) -> str | None:
    """Return why a text cannot be stored, or None. Control and invisible formatting characters are refused.

    They would make two different texts look the same, or reverse a line. Those that Persian and Indic words and many emoji need
    are allowed where these have them; but never in an identifier, which people copy from paper.
    """
    if identifier:
        found = _FORBIDDEN_IN_IDENTIFIERS.search(value)
    else:
        pattern = _FORBIDDEN_IN_LINES if multiline else _FORBIDDEN
        found = next((one for one in pattern.finditer(value) if not _is_spelling(one)), None)
    if not found:
        return "holds nothing that can be seen" if not multiline and _NOTHING_SEEN.fullmatch(value) else None
    where = "" if identifier or not _JOINERS.match(found[0]) else " but between letters or emoji"
    return f"holds the character U+{ord(found[0]):04X}, which is not allowed{where}"


def without_forbidden(value: str) -> str:
    """Return a multi-line text without the characters that `forbidden_characters` would refuse in it."""
    return _FORBIDDEN_IN_LINES.sub(lambda found: found[0] if _is_spelling(found) else "", value)


def pasted(value: str) -> str:
    """Return a text of one line as it was meant: without the tabs, breaks and invisible characters that come along when it is
    copied from a table or a page."""
    return " ".join(_INVISIBLE.sub("", value).split())


def without_joiners(value: str) -> str:
    """Return a text, for comparison, without the characters by which the spellings of equal words may differ."""
    return _JOINERS.sub("", value)


@lru_cache(4096)
def alike(name: str) -> str:
    """Return a name in the form in which names are compared that stand beside each other: in one case, with single blanks and
    without joiners. Nobody could tell two apart that differ in nothing else."""
    return " ".join(without_joiners(normalised(name)).casefold().split())


def _is_spelling(found: re.Match[str]) -> bool:
    """Whether an invisible character, or a flag made of several, is where the spelling of a word or an emoji needs it.

    Simpler than the rule for domain names (RFC 5892, A.1 and A.2), which knows by script and joining type where a joiner can be
    seen: between letters or marks of any kind, since German breaks ligatures with them; after a virama or a cursive letter also
    at the end of a word, whose form it determines; and between two emoji.
    """
    if len(found[0]) > 1:
        return True
    if not _JOINERS.match(found[0]):
        return False
    value, at = found.string, found.start()
    before, after = value[at - 1 : at], value[at + 1 : at + 2]
    if _is_letter(before) and _is_letter(after):
        return True
    if (
        before
        and not _JOINERS.match(after)
        and (unicodedata.combining(before) == _VIRAMA or unicodedata.bidirectional(before) == "AL")
    ):
        return True
    picture = value[at - 2 : at - 1] if before == "\ufe0f" else before
    return found[0] == "\u200d" and bool(_EMOJI.match(picture) and _EMOJI.match(after))


def _is_letter(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "LM"


def slug_of(*words: str) -> str:
    """Return a readable piece of a URL made from words in ASCII, which `app.services.slugs` makes of any; empty if they hold no
    letter or digit."""
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")[:200]


def part_slug(part_name: str, sku: str) -> str:
    """Return the readable address of a part that chose none: with a letter, so that it cannot be taken for an id.

    It leaves room to append a number, should it be taken.
    """
    slug = slug_of(part_name, sku)[:180].strip("-")
    return slug if re.search("[a-z]", slug) else f"part-{slug}".strip("-")


def changed_columns(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return those of `changes` that differ from the state `before`."""
    return {column: value for column, value in changes.items() if before[column] != value}
