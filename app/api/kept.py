"""Answers to customers that this process has put together, sent again while the cache confirms all that they were made of.

Then neither the view nor what it calls is asked: one script call says whether they would say the same (docs/adr/0019).
"""

from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response, request

from app.api.context import container, kept_answers
from app.api.rendering import etag_of, tagged_response
from app.api.request_context import route
from app.cache.dependencies import Proof, sources
from app.cache.manager import Result

# WSGI keys: what a request was answered with, and the rule of its route; what the cache has just not confirmed for it.
CONFIRMED, DISPROVEN = "lockstep.confirmed", "lockstep.disproven"
# About what a key of a proof takes, in bytes, with what the cache said of it, and both encoded.
BYTES_OF_A_KEY = 250


@dataclass(frozen=True, slots=True)
class Kept:
    """A body with its entity tag, and what has to be confirmed before they are sent to this address again."""

    address: tuple[str, bytes]
    data: bytes
    tag: str
    proof: Proof

    def __len__(self) -> int:
        """Return about how many bytes it takes."""
        return sum(map(len, self.address)) + len(self.data) + BYTES_OF_A_KEY * len(self.proof.call.keys)


def kept_answer() -> Response | None:
    """Return what is kept for the address that is asked for, if it is what its view would return now."""
    kept = kept_answers().find(_address()) if request.method in {"GET", "HEAD"} else None
    if not isinstance(kept, Kept) or kept is request.environ.get(DISPROVEN) or not container().cache.confirms(kept.proof):
        return None
    sources().names.update(kept.proof.names)
    request.environ[CONFIRMED] = kept, route()
    return tagged_response(kept.data, kept.tag, Result.HIT)


def keep_response(body: Any, cache_result: str) -> Response:
    """Return what `public_response` does, and keep it if the cache can confirm it.

    Only for an answer that follows from its address and from what was read for it through the cache alone, and not from the time.
    """
    data = orjson.dumps(body)
    # The tag is that of the bytes: prices change by their dates, and a database that was restored gives the same versions to
    # something else.
    tag = etag_of(data)
    if (proof := sources().proof()) is not None:
        kept = Kept(_address(), data, tag, proof)
        kept_answers().keep(kept.address, kept)
    return tagged_response(data, tag, cache_result)


def _address() -> tuple[str, bytes]:
    return request.path, request.query_string
