"""The watch over open panels, where no server can be made to fail at will."""

import time

from sqlalchemy.exc import OperationalError

from app.live.standing import PROOF_LASTS, Standing
from app.services.authentication import Principal

KIM = Principal(1, "kim@shop.example", "Kim", "editor", "csrf", "kim's digest")
LEE = Principal(2, "lee@shop.example", "Lee", "editor", "csrf", "lee's digest")


def test_a_connection_that_cannot_be_ended_keeps_no_other_from_its_end() -> None:
    ended: list[str] = []

    def end(sid: str) -> None:
        ended.append(sid)
        raise KeyError(sid)

    standing = Standing(lambda _digests: {}, end, end)
    for sid in ("one", "two"):
        standing.admit(sid, KIM, time.monotonic())
    standing.check()
    assert ended == ["one", "two"]


def test_each_right_is_asked_for_once_however_many_panels_it_holds_open_and_nobody_is_asked_for_nobody() -> None:
    asked: list[list[str]] = []

    def rights(digests: object) -> dict[str, str]:
        asked.append(sorted(digests))  # type: ignore[call-overload]
        return {"kim's digest": "editor", "lee's digest": "viewer"}

    ended: list[str] = []
    standing = Standing(rights, ended.append, ended.append)
    standing.check()
    for sid, who in (("one", KIM), ("two", KIM), ("three", LEE)):
        standing.admit(sid, who, time.monotonic())
    standing.check()
    assert asked == [["kim's digest", "lee's digest"]]
    # Lee has another role by now.
    assert ended == ["three"]


def test_without_an_answer_nobody_is_ended_and_who_was_not_proven_for_too_long_is_dropped() -> None:
    def away(_digests: object) -> dict[str, str]:
        raise OperationalError("SELECT", {}, Exception("away"))

    ended: list[str] = []
    dropped: list[str] = []
    standing = Standing(away, ended.append, dropped.append)
    standing.admit("fresh", KIM, time.monotonic() + 1000)
    standing.admit("stale", KIM, time.monotonic() - PROOF_LASTS - 1)
    standing.check()
    standing.drop_unproven()
    assert (ended, dropped) == ([], ["stale"])
    assert standing.forget("stale")
    assert not standing.forget("stale")
