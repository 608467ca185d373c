"""The drawings in place of pictures, as the application draws them (`shared/ui/motifs.ts`, which the build writes as JSON)."""

import re
from typing import Any

import orjson
from markupsafe import Markup

NAME = "motifs.json"
_SVG = Markup(
    '<svg data-v-part-picture viewBox="0 0 200 150" aria-hidden="true" preserveAspectRatio="xMidYMid slice">'
    '<path class="grid" data-v-part-picture d="{grid}" /><path class="axes" data-v-part-picture d="{axes}" /></svg>\n'
    '<svg data-v-part-picture viewBox="36 8 128 134" aria-hidden="true">{lines}</svg>'
)
_LINE = Markup('<path class="line" data-v-part-picture d="{path}" />')


class Drawings:
    """One drawing for each kind of part, and the words by which a category tells which kind it is of.

    Args:
        data: the build's JSON; without it there are no drawings.
    """

    def __init__(self, data: bytes | None) -> None:
        known: dict[str, Any] = orjson.loads(data) if data else {"words": [], "motifs": {}, "usual": ""}
        self._words = [(re.compile(word), motif) for word, motif in known["words"]]
        self._usual = known["usual"]
        self._drawn = {
            name: _SVG.format(
                grid=known["grid"], axes=known["axes"], lines=Markup().join(_LINE.format(path=path) for path in paths)
            )
            for name, paths in known["motifs"].items()
        }

    def of(self, category: dict[str, Any] | None) -> Markup:
        """Return the drawing for parts of a category."""
        return self._drawn.get(self._kind(category), Markup())

    def _kind(self, category: dict[str, Any] | None) -> str:
        for step in reversed(category["path"] if category else ()):
            for word, motif in self._words:
                if word.search(step["slug"]):
                    return str(motif)
        return str(self._usual)


def hue(category: dict[str, Any] | None) -> int:
    """Return the tint of a category's drawing, that of its main category (FNV-1a)."""
    value = 0x811C9DC5
    for unit in memoryview((category["path"][0]["slug"] if category else "").encode("utf-16-le")).cast("H"):
        value = ((value ^ unit) * 0x01000193) & 0xFFFFFFFF
    return value % 360
