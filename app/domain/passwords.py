"""The rules for passwords and for the addresses people log in with: what counts as the same however it is typed.

Source: RFC 8265, 4.2 (OpaqueString). Keyboards and operating systems differ in how they write an é or a space.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path

SHORTEST = 8
# Shorter ones are in too many others.
SHORTEST_WORD = 3
LONGEST = 1000


def prepared(password: str) -> str:
    """Return the form in which a password is hashed: every kind of space as the ASCII one, and composed (NFC)."""
    return unicodedata.normalize("NFC", "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in password))


def objection(password: str) -> str | None:
    """Return why a password cannot be set, or None. Existing passwords are never checked against these rules."""
    length = len(prepared(password))
    if length < SHORTEST:
        return f"the password must have at least {SHORTEST} characters"
    if length > LONGEST:
        return f"the password must have at most {LONGEST:,} characters"
    if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in password):
        return "the password holds a control character; leave it out"
    return None


def weakness(password: str, email: str, name: str) -> str | None:
    """Return why a password would be guessed among the first, or None.

    Args:
        email, name: the person's, who is known to whoever guesses.
    """
    plain = prepared(password).casefold()
    if plain in _common():
        return "this is one of the most common passwords, which are tried first; take a few words that seldom meet"
    for word in sorted(_words_about(email, name), key=len, reverse=True):
        plain = plain.replace(word, "")
    if len(plain) < SHORTEST:
        return "the password is little more than the person's address or name, or Lockstep's; put other words beside it"
    return None


@cache
def _common() -> frozenset[str]:
    return frozenset((Path(__file__).parent / "common_passwords" / "passwords.txt").read_text(encoding="utf-8").splitlines())


def _words_about(email: str, name: str) -> set[str]:
    """Return the words that somebody would try who knows this person and this shop, whose domain the address may be at."""
    about = prepared(f"{email.rpartition('.')[0]} {name} lockstep").casefold()
    return {prepared(email).casefold()} | {word for word in re.split(r"[\W_]+", about) if len(word) >= SHORTEST_WORD}


def possible_forms(password: str) -> list[str]:
    """Return what a typed password may have been hashed as, likeliest first.

    Hashes made before passwords were prepared are of whatever the keyboard sent: composed, decomposed, or with other spaces.
    """
    forms = (prepared(password), password, unicodedata.normalize("NFC", password), unicodedata.normalize("NFD", password))
    return list(dict.fromkeys(forms))


def normal_email(email: str) -> str:
    """Return an e-mail address in the form in which it is stored; comparison ignores case."""
    return unicodedata.normalize("NFC", email).strip()
