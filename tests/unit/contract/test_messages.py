"""The description of the socket's messages: complete, closed, and the basis of the checks."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import jsonschema_rs
import pytest

from app.contract import rooms
from app.contract.effects import EFFECTS
from app.contract.messages import ANSWERED, SENT, TAKEN
from app.contract.messages.json_schema import members_of, object_schema, schema_of, shapes_within, whole_schema
from app.contract.task_names import Effect
from app.live.admin import AdminNamespace
from app.live.customers import CustomersNamespace
from app.live.incoming import MAX_FAULTS, faults
from tests.messages import wrong_in_answer, wrong_in_message

AT = "2026-01-02T03:04:05.000006Z"
EVENT = "9b2c6a40-1111-4222-8333-123456789abc"
CATEGORY = {
    "id": EVENT, "type": "category.updated", "category_id": 3, "version": 2, "timestamp": AT, "actor": {"id": 1, "name": "Ana"},
    "data": {"id": 3, "name": "Nuts", "slug": "nuts", "parent_id": None, "description": "", "picture": None, "version": 2},
}  # fmt: skip
STOCK = {
    "id": EVENT, "type": "stock.updated", "part_id": 17, "version": 8, "timestamp": AT,
    "data": {
        "current_stock": 8, "available_stock": 8, "is_in_stock": True, "is_low_stock": False, "version": 8, "updated_at": AT
    },
}  # fmt: skip


class Inner(TypedDict):
    word: str


class Outer(Inner):
    """Uses everything that a description can express."""

    count: Annotated[int | None, ("minimum", 1)]
    kind: Literal["a", "b"]
    share: NotRequired[float]
    inner: Inner | None
    by_name: dict[Annotated[str, ("pattern", "^x")], list[bool]]


def test_a_description_becomes_the_schema_that_says_the_same() -> None:
    assert object_schema(Outer) == {
        "type": "object",
        "description": "Uses everything that a description can express.",
        "properties": {
            "word": {"type": "string"},
            "count": {"type": ["integer", "null"], "minimum": 1},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "share": {"type": "number"},
            "inner": {"anyOf": [{"$ref": "#/components/schemas/Inner"}, {"type": "null"}]},
            "by_name": {
                "type": "object", "propertyNames": {"pattern": "^x"},
                "additionalProperties": {"type": "array", "items": {"type": "boolean"}},
            },
        },
        "required": ["word", "count", "kind", "inner", "by_name"],
        "additionalProperties": False,
    }  # fmt: skip
    assert shapes_within(list[Outer]) == {"Inner": Inner, "Outer": Outer}
    jsonschema_rs.meta.validate(whole_schema(Outer))


@pytest.mark.parametrize("hint", [object, bytes, Any, tuple[int, int], set[str], dict[str, object]])
def test_what_json_does_not_have_cannot_be_described(hint: Any) -> None:
    with pytest.raises(TypeError, match="JSON has no"):
        schema_of(hint)


def test_two_shapes_of_one_name_are_refused() -> None:
    class Other(TypedDict):
        number: int

    Other.__name__ = "Inner"
    with pytest.raises(TypeError, match="Inner"):
        shapes_within(Inner, Other)


def test_every_event_that_is_broadcast_is_described_under_its_own_name() -> None:
    broadcast = {str(kind) for kind, effects in EFFECTS.items() if Effect.BROADCAST in effects}
    staff = members_of(SENT[rooms.ADMIN])
    assert broadcast == staff.keys() - {"import.progress", "presence", "delivery.settled", "session.ended", "resync"}
    for messages in SENT.values():
        named = {name: members_of(body)["type"] for name, body in members_of(messages).items() if "type" in members_of(body)}
        assert named == {name: Literal[name] for name in named}
        assert {name.split(".")[0] for name in named} <= {"part", "stock", "price", "content", "category", "synonym"}


def test_whatever_clients_may_send_is_described_and_handled() -> None:
    for namespace, handler in {rooms.CUSTOMERS: CustomersNamespace, rooms.ADMIN: AdminNamespace}.items():
        handled = {name.removeprefix("on_") for name in vars(handler) if name.startswith("on_")} - {"connect", "disconnect"}
        assert handled == (members_of(TAKEN[namespace]).keys() if namespace in TAKEN else set())
    assert {name: members_of(shape).keys() <= members_of(TAKEN[name]).keys() for name, shape in ANSWERED.items()} == {
        rooms.CUSTOMERS: True, rooms.ADMIN: True
    }  # fmt: skip


def test_a_message_that_is_as_described_is_found_right() -> None:
    assert wrong_in_message(rooms.ADMIN, "category.updated", CATEGORY) == []
    assert wrong_in_message(rooms.CUSTOMERS, "stock.updated", STOCK) == []
    assert wrong_in_message(rooms.ADMIN, "session.ended", {}) == []
    busy = {"error": {"code": "busy", "message": "later", "retry_after": 0.5}}
    assert wrong_in_answer(rooms.CUSTOMERS, "watch", busy) == wrong_in_answer(rooms.CUSTOMERS, "unwatch", busy) == []


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


@pytest.mark.parametrize(
    ("namespace", "name", "body"),
    [
        (rooms.ADMIN, "category.updated", without(CATEGORY, "category_id")),
        (rooms.ADMIN, "category.updated", without(CATEGORY, "category_id") | {"part_id": 3}),
        (rooms.ADMIN, "category.updated", CATEGORY | {"part_id": 3}),
        (rooms.ADMIN, "category.updated", CATEGORY | {"type": "category.created"}),
        (rooms.ADMIN, "category.updated", CATEGORY | {"data": CATEGORY["data"] | {"part_count": 1}}),
        (rooms.ADMIN, "stock.updated", STOCK),
        (rooms.ADMIN, "category.renamed", CATEGORY),
        (rooms.ADMIN, "session.ended", None),
        (rooms.ADMIN, "catalog.changed", {"catalog": "x"}),
        (rooms.CUSTOMERS, "category.updated", CATEGORY),
        (rooms.CUSTOMERS, "stock.updated", STOCK | {"actor": {"id": 1, "name": "Ana"}}),
        (rooms.CUSTOMERS, "stock.updated", STOCK | {"data": STOCK["data"] | {"reserved_quantity": 3}}),
        (rooms.CUSTOMERS, "stock.updated", STOCK | {"version": "8"}),
        (rooms.CUSTOMERS, "stock.updated", STOCK | {"timestamp": "yesterday"}),
        (rooms.CUSTOMERS, "stock.updated", STOCK | {"id": "1"}),
        (rooms.CUSTOMERS, "part.deleted", STOCK | {"type": "part.deleted"}),
        ("/", "stock.updated", STOCK),
    ],
)
def test_a_message_that_is_not_as_described_is_found_wrong(namespace: str, name: str, body: Any) -> None:
    assert wrong_in_message(namespace, name, body)


@pytest.mark.parametrize(
    ("name", "body", "wrong"),
    [
        ("watch", {}, set()),
        ("watch", {"parts": {"17": None, "18": {}, "19": {"content": None, "stock": -5}}, "catalog": True}, set()),
        ("watch", {"parts": {"17": {"content": "3"}}}, {"parts.17.content"}),
        ("watch", {"parts": {"17": {"content": 3, "shelf": 1}}}, {"parts.17"}),
        ("watch", {"parts": {"17": {"content": 2**31}}}, {"parts.17.content"}),
        ("watch", {"parts": {"017": None}}, {"parts"}),
        ("watch", {"catalog": 1, "more": 2}, {"catalog", "watch"}),
        ("watch", {"parts": {"\ud800": None}}, {"watch"}),
        ("watch", b"bytes", {"watch"}),
        ("watch", None, {"watch"}),
        ("unwatch", {"parts": [17, 18.0]}, set()),
        ("unwatch", {"parts": ["17", True, 0]}, {"parts.0", "parts.1", "parts.2"}),
        ("seen", {"id": EVENT}, set()),
        ("seen", {"id": EVENT.replace("-", "")}, {"id"}),
        ("seen", {}, {"seen"}),
    ],
)
def test_what_clients_send_is_checked_field_by_field(name: str, body: Any, wrong: set[str]) -> None:
    assert faults(rooms.CUSTOMERS, name, body).keys() == wrong


def test_a_hostile_message_is_refused_in_few_words_and_without_its_values() -> None:
    deep: Any = None
    for _ in range(2_000):
        deep = {"17": deep}
    assert faults(rooms.CUSTOMERS, "watch", {"parts": deep}).keys() == {"watch"}
    told = faults(rooms.CUSTOMERS, "watch", {"parts": {str(n): {"stock": "x" * 50} for n in range(1, 1_000)}})
    assert len(told) == MAX_FAULTS
    assert "xxx" not in str(told)
