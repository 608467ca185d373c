"""Checks every Socket.IO message that a test sees against its description in `app.contract.messages`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jsonschema_rs
import orjson
from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

from app.contract import rooms
from app.contract.messages import ANSWERED, SENT
from app.contract.messages.json_schema import members_of, whole_schema
from config import Settings

Described = dict[tuple[str, str], jsonschema_rs.Validator]


def _validators(messages: dict[str, type]) -> Described:
    return {
        (namespace, name): jsonschema_rs.validator_for(whole_schema(body), validate_formats=True)
        for namespace, shape in messages.items()
        for name, body in members_of(shape).items()
    }


_SENT, _ANSWERED = _validators(SENT), _validators(ANSWERED)


def wrong_in_message(namespace: str, name: str, body: Any) -> list[str]:
    """Return what in a message from the server does not match its description."""
    return _wrong(_SENT, namespace, name, body)


def wrong_in_answer(namespace: str, name: str, body: Any) -> list[str]:
    """Return what in the acknowledgement of a client's message does not match its description."""
    return _wrong(_ANSWERED, namespace, name, body)


def _wrong(described: Described, namespace: str, name: str, body: Any) -> list[str]:
    validator = described.get((namespace, name))
    if validator is None:
        return [f"{name} on {namespace} is not described in app/contract/messages"]
    return [f"{name} on {namespace}: {error.verbose_message}" for error in validator.iter_errors(body)]


@contextmanager
def emissions_checked(settings: Settings) -> Iterator[None]:
    """Fail if any process emits something undescribed in the meantime. What a dead Valkey lost is not missed.

    Raises:
        AssertionError: with everything that is wrong.
    """
    wrong: list[str] = []
    with Redis.from_url(settings.redis_url) as client, client.pubsub() as pubsub:
        pubsub.subscribe(settings.prefix + rooms.CHANNEL)
        try:
            yield
        finally:
            try:
                for emit in _emits(pubsub):
                    bodies = emit["data"] if isinstance(emit["data"], list) else [emit["data"]]
                    wrong += [fault for body in bodies for fault in wrong_in_message(emit["namespace"], emit["event"], body)]
            except RedisError:
                pass
    if wrong:
        raise AssertionError("\n".join(wrong))


def _emits(pubsub: PubSub) -> Iterator[dict[str, Any]]:
    # Anything published earlier arrives before the answer to this.
    pubsub.ping()
    while (message := pubsub.get_message(timeout=5)) is not None and message["type"] != "pong":
        if message["type"] == "message" and (sent := orjson.loads(message["data"]))["method"] == "emit":
            yield sent
