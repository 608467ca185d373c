"""What Schemathesis cannot read from the document: rules between fields, and values that only the server can have made.

Loaded by SCHEMATHESIS_HOOKS. Only positive cases are touched; what is meant to be refused goes out as it was generated.
SCHEMATHESIS_SHOP says which parts and pictures there are, for calls that nobody could make up the ids of.
"""

import json
import os
import re
from collections.abc import Mapping
from typing import Any

import schemathesis

from app.domain.content import SPELLING, normalised

_SPELLING = re.compile(f"[{SPELLING}]")
SHOP = json.loads(os.environ.get("SCHEMATHESIS_SHOP", "{}"))
# Signed by the server; or right only beside another parameter, in the present state of the shop, or the first time.
MADE_ELSEWHERE = {"cursor", "to", "target", "category_id", "parent_id", "If-Match", "Idempotency-Key", "expires_at"}


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: dict[str, Any]) -> None:
    """Make a schema-valid request one that keeps the rules between fields as well."""
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    if case.path.endswith("/api-keys/{key_id}"):
        _spare_own_key(case, is_positive=is_positive)
    if not is_positive:
        return
    _ask_for_what_there_is(case)
    for part in (case.query, case.headers, case.body):
        for name in MADE_ELSEWHERE & set(part if isinstance(part, Mapping) else ()):
            del part[name]
    _leave_specifications_out(case)
    if case.query and "at" in case.query:
        # What customers will see is not known yet.
        case.query["at"] = "2026-01-01T00:00:00Z"
    case.query = _whole(case.query) if case.query else case.query
    if case.query and isinstance(case.query.get("sku"), list):
        # Some differ only in what is trimmed.
        case.query["sku"] = list(dict.fromkeys(normalised(sku) for sku in case.query["sku"]))
    if isinstance(case.body, dict):
        case.body = _whole(case.body)
        _separate(case.body, "prices", ("currency", "min_quantity", "valid_from"))
        _separate(case.body, "specifications", ("group", "name"))
        _choose(case.path, case.body)
        if isinstance(case.body.get("delta"), int):
            # Two large ones in a row would leave the column's range.
            case.body["delta"] %= 1000


def _leave_specifications_out(case: Any) -> None:
    """A bound has to be a number that can be compared with what the shop says, and a name more than what is trimmed."""
    for name in [name for name in case.query or () if name.startswith("spec")]:
        del case.query[name]


def _spare_own_key(case: Any, *, is_positive: bool) -> None:
    """Keep the key that all this is asked with from being revoked, however its id is written."""
    asked = str(case.path_parameters.get("key_id", ""))
    if re.fullmatch("[0-9]+", asked) and int(asked) in SHOP.get("keys", ()):
        case.path_parameters["key_id"] = SHOP["key"] if is_positive else 0


def _ask_for_what_there_is(case: Any) -> None:
    """Give every other case the ids of the shop's own parts, pictures, people, imports and events."""
    if not SHOP or ord(case.id[-1]) % 2:
        return
    parameters: dict[str, dict[str, Any]] = {
        "/pdp/{reference}": {"reference": str(SHOP["shown"])},
        "/imports/{job_id}/cancel": {"job_id": SHOP["job"]},
        "/imports/{job_id}/undo": {"job_id": SHOP["job"]},
        "/users/{user_id}": {"user_id": SHOP["user"]},
        "/users/{user_id}/password": {"user_id": SHOP["user"]},
        "/events/{event_id}": {"event_id": SHOP["event"]},
        "/images/order": {"part_id": SHOP["shown"]},
        "/images/{image_id}": {"part_id": SHOP["changed"], "image_id": SHOP["image"]},
    }
    bodies: dict[str, dict[str, Any]] = {
        "/stock/bulk": {"changes": [{"part_id": SHOP["shown"], "delta": 1}]},
        "/parts/bulk": {"part_ids": [SHOP["changed"]], "set": {"status": "published"}},
        "/images/order": {"image_ids": SHOP["images"]},
    }
    for end, values in parameters.items():
        if case.path.endswith(end):
            case.path_parameters |= values
    for end, body in bodies.items():
        if case.path.endswith(end):
            case.body = body
    if case.path.endswith("/images/{image_id}"):
        (case.query or {}).pop("version", None)


def _choose(path: str, body: dict[str, Any]) -> None:
    """Make a bulk name each part once, say one thing of it, and have one of the two forms that a bulk of parts may have; and a
    category's picture one that any category may have."""
    if path.endswith("/categories/{category_id}") and "picture" in body:
        # Only one that is there can be described; any can be taken away.
        body["picture"] = None
    one_thing: dict[str, Any] = {"status": "published"} if path.endswith("/parts/bulk") else {"delta": 1}
    for number, change in enumerate(body.get("changes", ()), 1):
        change.clear()
        change |= {"part_id": number, **one_thing}
    for line in body.get("lines", ()):
        if "sku" in line:
            line.pop("text", None)
        else:
            line.setdefault("text", "x")
    if not path.endswith("/parts/bulk"):
        return
    if "changes" in body:
        body.pop("part_ids", None)
        body.pop("set", None)
    else:
        body |= {"part_ids": list(dict.fromkeys(body.get("part_ids", [1]))), "set": one_thing}


def _whole(value: Any) -> Any:
    """Return 2.0 as 2, an integer for JSON Schema but nothing that a till should send for a quantity; and texts without invisible
    characters that stand in no word."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if type(value) is str:  # not the library's files, which are texts, too
        return _SPELLING.sub("a", value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _separate(body: dict[str, Any], field: str, key: tuple[str, ...]) -> None:
    """Keep one of the rows that say something about the same."""
    rows = body.get(field)
    if not isinstance(rows, list):
        return
    for row in rows:
        if isinstance(row, dict) and "valid_to" in row:
            row["valid_to"] = None
    body[field] = list({tuple(row.get(name) or "" for name in key): row for row in rows}.values())
