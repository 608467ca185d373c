"""What the processes have counted, as one of them tells it."""

from bench.system import Client


def test_whoever_asks_first_is_told_the_hit_rate_of_what_was_read_before(client: Client, part_id: int) -> None:
    for _ in range(20):
        assert client.call("GET", f"/parts/{part_id}").status == 200
    cache = client.call("GET", "/admin/sync/status").body["cache"]
    assert cache["window_seconds"] == 300
    assert cache["hit_rate"].keys() >= {"part"}
    assert all(0 <= rate <= 1 for rate in cache["hit_rate"].values())
