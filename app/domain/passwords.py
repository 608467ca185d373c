"""The rules of passwords, and of the addresses that people log in with: what is the same however it is typed.

Source: RFC 8265, 4.2 (OpaqueString). Keyboards and operating systems differ in how they write an é or a space.
"""

import unicodedata

SHORTEST = 8
LONGEST = 1000


def prepared(password: str) -> str:
    """Return the form in which a password is hashed: every kind of space is the ASCII one, and composed (NFC)."""
    return unicodedata.normalize("NFC", "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in password))


def objection(password: str) -> str | None:
    """Return why a password cannot be set, or None. One that exists is never held against these rules."""
    length = len(prepared(password))
    if length < SHORTEST:
        return f"the password must have at least {SHORTEST} characters"
    if length > LONGEST:
        return f"the password must have at most {LONGEST:,} characters"
    if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in password):
        return "the password holds a control character; leave it out"
    return None


def possible_forms(password: str) -> list[str]:
    """Return what a typed password may have been hashed as, likeliest first.

    Hashes from before passwords were prepared are of whatever the keyboard sent: composed, decomposed, or with other spaces.
    """
    forms = (prepared(password), password, unicodedata.normalize("NFC", password), unicodedata.normalize("NFD", password))
    return list(dict.fromkeys(forms))


def normal_email(email: str) -> str:
    """Return an e-mail address in the form in which it is kept; it is compared without regard to case."""
    return unicodedata.normalize("NFC", email).strip()
