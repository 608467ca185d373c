"""The limits of staff's calls in a system of several processes."""

import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

from bench.system import Client, close_all, create_key, own_stack

# What may be made at once by whoever may make five calls a second.
MAX_CALLS = 50


def test_each_process_limits_each_key_by_itself_and_serves_all_others(tmp_path: Path) -> None:
    with own_stack(tmp_path, LOCKSTEP_CALLS_PER_SECOND="5") as system:
        assert system.stack is not None
        other = create_key(system.stack.settings.database_url, "another")
        first, second = system.clients_of_every_process()
        served = 0
        while served < 20 * MAX_CALLS and (status := first.call("GET", "/auth/me").status) == 200:
            served += 1
        assert served >= MAX_CALLS
        assert status == 429
        assert {second.call("GET", "/auth/me").status for _ in range(MAX_CALLS)} == {200}

        counted: Counter[int] = Counter()

        def flood(client: Client) -> None:
            counted.update(client.call("GET", "/auth/me").status for _ in range(30))

        floods = [threading.Thread(target=flood, args=(client,)) for client in (first, second, system.client(), system.client())]
        for thread in floods:
            thread.start()
        with closing(Client(system.url, other)) as calm:
            assert {calm.call("GET", "/admin/parts").status for _ in range(20)} == {200}
        for thread in floods:
            thread.join()
        assert set(counted) <= {200, 429}
        close_all([first, second])
