"""What differs between two states of a part's content: field by field, texts word by word, lists item by item."""

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from difflib import Match, SequenceMatcher
from itertools import accumulate
from typing import Any

from app.domain.content import COLUMNS

Json = dict[str, Any]

TEXTS = ("part_name", "description")
# The fields that identify an item of a list; the rest are its values.
LISTS: dict[str, tuple[str, ...]] = {"specifications": ("group", "name"), "images": ("id",)}
FIELDS = (*COLUMNS, "category_path", "archived", *LISTS)
# This many steps of difflib take a third of a second.
STEPS = 2_000_000

_WORD = re.compile(r"<[^<>]*>|\w+\s*|\s+|[^\w\s]\s*")
_LABELS = {
    "sku": "SKU", "slug": "address", "part_name": "name", "category_id": "category", "category_path": "category's path",
    "manufacturer_number": "manufacturer's number",
}  # fmt: skip
_COUNTED = {"specifications": ("specification", "specifications"), "images": ("picture", "pictures")}


def fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Json]:
    """Return what leads from one snapshot to another, one entry for each field that differs.

    An entry has `field`; for lists `items` (see `items`); for all others `old` and `new`, and for texts also `words` (see
    `words`). `category_path` has the names of the category and its ancestors. A snapshot from an older release has
    fewer fields; one that is missing cannot differ.
    """
    old, new = _with_path(old), _with_path(new)
    changed = [name for name in FIELDS if name in old and name in new and old[name] != new[name]]
    return [{"field": name, **_change(name, old, new)} for name in changed]


def _change(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Json:
    if name in LISTS:
        return {"items": items(old[name] or [], new[name] or [], LISTS[name])}
    change = {"old": old[name], "new": new[name]}
    if name in TEXTS:
        change["words"] = words(old[name] or "", new[name] or "")
    return change


def _with_path(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    category = snapshot.get("category")
    return {**snapshot, "category_path": [step["name"] for step in category["path"]] if category else []}


def items(old: Sequence[Json], new: Sequence[Json], identity: Sequence[str]) -> dict[str, list[Json]]:
    """Return which items were added, removed, changed or moved; positions count from 0.

    To apply it, put the added at their positions and the moved at `to`; the others keep their order in the gaps between.
    """
    before, after = _keyed(old, identity), _keyed(new, identity)
    common_before, common_after = [key for key in before if key in after], [key for key in after if key in before]
    kept: set[Hashable] = set()
    for start, _, size in SequenceMatcher(None, common_before, common_after, autojunk=False).get_matching_blocks():
        kept.update(common_before[start : start + size])
    at_before, at_after = {key: at for at, key in enumerate(before)}, {key: at for at, key in enumerate(after)}
    return {
        "added": [{"position": at_after[key], "item": item} for key, item in after.items() if key not in before],
        "removed": [{"position": at_before[key], "item": item} for key, item in before.items() if key not in after],
        "changed": [
            {"position": at_after[key], "old": before[key], "new": after[key]}
            for key in common_after if before[key] != after[key]
        ],
        "moved": [
            {"from": at_before[key], "to": at_after[key], "item": after[key]} for key in common_after if key not in kept
        ],
    }  # fmt: skip


def _keyed(listed: Sequence[Json], identity: Sequence[str]) -> dict[Hashable, Json]:
    """Return items by their identity; of two with the same identity, the second is keyed as the second."""
    keyed: dict[Hashable, Json] = {}
    seen: Counter[Hashable] = Counter()
    for item in listed:
        key = tuple(item.get(name) for name in identity)
        keyed[key, seen[key]] = item
        seen[key] += 1
    return keyed


def words(old: str, new: str) -> list[dict[str, str]]:
    """Return pieces `{op: equal|insert|delete, text}`: those that are equal or deleted join to `old`, equal or inserted to `new`.

    Each tag of rich text is a word of its own. The time is bounded whatever the texts.
    """
    left, right = _WORD.findall(old), _WORD.findall(new)
    head = _common(left, right)
    tail = _common(left[head:][::-1], right[head:][::-1])
    pieces = [("equal", "".join(left[:head]))]
    middle, other = left[head : len(left) - tail], right[head : len(right) - tail]
    for _, a, b, c, d in _BoundedMatcher(middle, other).get_opcodes():
        before, after = "".join(middle[a:b]), "".join(other[c:d])
        pieces += [("equal", before)] if before == after else [("delete", before), ("insert", after)]
    return _merged([*pieces, ("equal", "".join(left[len(left) - tail :]))])


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    shorter = min(len(left), len(right))
    return next((at for at in range(shorter) if left[at] != right[at]), shorter)


class _BoundedMatcher(SequenceMatcher[str]):
    """Finds the longest common runs first, as difflib does, and stops after `STEPS`: plain difflib can take quadratic time and
    worse. Whatever is left then counts as replaced.
    """

    def __init__(self, left: Sequence[str], right: Sequence[str]) -> None:
        super().__init__(None, left, right)
        self._left_steps = STEPS
        # The cost of one search through the first n words of the left side.
        found: dict[str, list[int]] = self.b2j  # type: ignore[attr-defined] # documented, but not in typeshed
        self._costs = list(accumulate((1 + len(found.get(word, ())) for word in left), initial=0))

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """Return the longest common run within bounds; an empty one once the budget is spent."""
        self._left_steps -= self._costs[ahi if ahi is not None else -1] - self._costs[alo]
        return super().find_longest_match(alo, ahi, blo, bhi) if self._left_steps > 0 else Match(alo, blo, 0)


def _merged(pieces: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Join neighbours of the same kind, and drop empty ones."""
    merged: list[dict[str, str]] = []
    for op, text in pieces:
        if text and merged and merged[-1]["op"] == op:
            merged[-1]["text"] += text
        elif text:
            merged.append({"op": op, "text": text})
    return merged


def counts(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, int]:
    """Return which fields differ, and of lists how many items; a category that has moved is not named beside the category."""
    changed = [name for name in FIELDS if name in old and name in new and old[name] != new[name]]
    if "category_id" in changed and "category_path" in changed:
        changed.remove("category_path")
    return {name: _count(name, old, new) if name in LISTS else 1 for name in changed}


def summary(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return in words which fields differ, such as "Changed description and 2 specifications"."""
    named = [_named(name, count) for name, count in counts(old, new).items()]
    if not named:
        return "Changed"
    return "Changed " + (f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0])


def _count(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> int:
    found = items(old[name] or [], new[name] or [], LISTS[name])
    # To a reader, an item that changed both its place and its value is one change.
    touched = {entry["position"] for entry in found["added"] + found["changed"]} | {entry["to"] for entry in found["moved"]}
    return len(touched) + len(found["removed"])


def _named(name: str, count: int) -> str:
    if name not in LISTS:
        return _LABELS.get(name, name)
    one, many = _COUNTED[name]
    return f"{count} {one if count == 1 else many}"
