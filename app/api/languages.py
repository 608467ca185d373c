"""The languages that the API explains refusals in, by the call's `Accept-Language`: English unless it asks for another.

Rules and libraries speak English, from wherever they are asked. What they say is recognised here by a catalogue,
`texts/<language>.json`, and said in the other language; names of fields and codes stay as they are. In the catalogue's English a
{name} stands for what is different each time. tests/unit/api/test_languages.py finds what it lacks.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Response, request

DEFAULT = "en"
LANGUAGES = (DEFAULT, "de")
# Holes in which there are texts of the catalogue again; what people have typed is in the others.
_SAID = frozenset(("message", "reason", "remedy", "holder", "which"))
_HOLE = re.compile(r"\{(\w+)\}")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
# Of a longer one it would take long to find that nobody knows it.
_LONGEST = 1000
# So deep texts stand in texts: what people have typed may look like more.
_DEEPEST = 3


class Catalogue:
    """Texts in English with what they are in another language."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._alike = {english: text for english, text in texts.items() if "{" not in english}
        # The more a text says itself, the likelier it is what was meant.
        shapes = sorted(texts.keys() - self._alike.keys(), key=lambda english: -len(_HOLE.sub("", english)))
        self._shapes = [(_shape(english), texts[english]) for english in shapes]

    def said(self, english: str, depth: int = _DEEPEST) -> str:
        """Return a text in the catalogue's language; as it is if it is unknown there, or stands deeper in others than `depth`."""
        if english in self._alike or len(english) > _LONGEST or not depth:
            return self._alike.get(english, english)
        for shape, text in self._shapes:
            if found := shape.fullmatch(english):
                holes = found.groupdict()
                return text.format(**{name: self._filled(name, value, depth) for name, value in holes.items()})
        return english

    def _filled(self, name: str, value: str, depth: int) -> str:
        if name in _SAID:
            return self.said(value, depth - 1)
        return value.replace(",", ".") if _GROUPED.fullmatch(value) else value


def _shape(english: str) -> re.Pattern[str]:
    pieces = _HOLE.split(english)
    return re.compile("".join(f"(?P<{piece}>.+?)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)), re.DOTALL)


@lru_cache
def catalogue_of(language: str) -> Catalogue:
    """Return the catalogue of one of `LANGUAGES`."""
    if language == DEFAULT:
        return Catalogue({})
    return Catalogue(json.loads((Path(__file__).parent / "texts" / f"{language}.json").read_text(encoding="utf-8")))


def tag_asked_for(languages: Sequence[str] = LANGUAGES) -> str:
    """Return the tag that the present call prefers among those of these languages (`de-CH`), as it was sent; the first of these
    languages if it asks for none of them, or for any."""
    # By the language alone, and by nothing but its quality: Werkzeug would prefer English to what is asked for as de-CH.
    by_quality = sorted(request.accept_languages, key=lambda asked: -asked[1])
    wanted = (tag for tag, quality in by_quality if quality > 0 and language_of(tag) in {*languages, "*"})
    tag = next(wanted, "*")
    return languages[0] if tag == "*" else tag


def language_of(tag: str) -> str:
    """Return the language of a tag, without its region."""
    return tag.partition("-")[0].lower()


def language_asked_for() -> str:
    """Return which of `LANGUAGES` the present call prefers."""
    return language_of(tag_asked_for())


def said(texts: Any, language: str | None = None) -> Any:
    """Return a text, or every text in lists and under the names of objects, in a language: by default the one that the present
    call asks for."""
    language = language or language_asked_for()
    return texts if language == DEFAULT else _each_said(catalogue_of(language), texts)


def _each_said(catalogue: Catalogue, texts: Any) -> Any:
    if isinstance(texts, str):
        return catalogue.said(texts)
    if isinstance(texts, Mapping):
        return {name: _each_said(catalogue, value) for name, value in texts.items()}
    return [_each_said(catalogue, value) for value in texts] if isinstance(texts, list | tuple) else texts


def name_language(response: Response) -> Response:
    """State in which language an answer explains something, and that it depends on what the call asks for."""
    response.content_language.add(language_asked_for())
    response.vary.add("Accept-Language")
    return response


def explained(answer: dict[str, Any], rows: str, member: str) -> dict[str, Any]:
    """Return an answer in whose rows, if it has any, a member is in the language that the present call asks for.

    Args:
        rows: the member of the answer that is a list of objects.
        member: the member of each of them that is a text or None.
    """
    return {**answer, rows: [{**row, member: said(row[member])} for row in answer[rows]]} if rows in answer else answer
