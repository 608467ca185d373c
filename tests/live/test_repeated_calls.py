"""One call, sent many times at once to several processes."""

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from threading import Barrier
from uuid import uuid4

from bench.system import Answer, Client, System, wait_until

AT_ONCE = 50


def test_fifty_equal_calls_at_once_take_effect_once_and_all_get_that_answer_in_the_end(
    system: System, client: Client, part_id: int
) -> None:
    key, start = str(uuid4()), Barrier(AT_ONCE)

    def take_one(_number: int) -> list[Answer]:
        mine, answers = system.client(), list[Answer]()

        def is_answered() -> bool:
            answers.append(mine.call("POST", f"/admin/parts/{part_id}/stock/adjustments", {"delta": -1}, key=key))
            return answers[-1].status == HTTPStatus.OK

        mine.connect()
        start.wait()
        assert wait_until(is_answered, within=20), answers[-1]
        mine.close()
        return answers

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(take_one, range(AT_ONCE)))
    refusals = [answer for each in answers for answer in each[:-1]]
    assert {(answer.status, answer.body["code"]) for answer in refusals} <= {(409, "idempotency_in_progress")}
    assert sorted(each[-1].is_replay for each in answers) == [False] + [True] * (AT_ONCE - 1)
    assert {answer["version"] for answer in (each[-1].body for each in answers)} == {2}
    assert client.call("GET", f"/admin/parts/{part_id}").body["stock"]["current_stock"] == 999
