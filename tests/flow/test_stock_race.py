"""Five concurrent writes based on one version."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask.testing import FlaskClient


def test_of_five_concurrent_writes_on_one_version_one_wins_and_four_get_the_current_state(
    api: Callable[[str], FlaskClient], new_part: Callable[..., int]
) -> None:
    part_id = new_part(stock=100)
    clients = [api("stock") for _ in range(5)]
    start = Barrier(5)

    def write(number: int) -> tuple[int, dict]:
        start.wait()
        response = clients[number].put(f"/api/v1/admin/parts/{part_id}/stock", json={"current_stock": number, "version": 1})
        return response.status_code, response.get_json()

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(write, range(5)))

    assert sorted(status for status, _ in answers) == [200, 409, 409, 409, 409]
    winner = next(body for status, body in answers if status == 200)
    for status, body in answers:
        if status == 409:
            assert body["code"] == "concurrent_modification"
            assert body["current"]["version"] == 2
            assert body["current"]["current_stock"] == winner["current_stock"]
