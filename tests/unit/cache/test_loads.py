"""Who loads how much at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.cache.loads import AT_ONCE, DEAR_AT_ONCE, Loads
from bench.system import wait_until


@pytest.mark.parametrize(("dear", "at_once"), [(False, AT_ONCE), (True, DEAR_AT_ONCE)])
def test_however_much_a_caller_loads_the_others_load_beside_it(*, dear: bool, at_once: int) -> None:
    served = threading.local()
    loads = Loads(caller=lambda: str(served.caller))
    under_way = 0
    go_on = threading.Event()

    def load(key: str) -> None:
        served.caller = "greedy"

        def slowly() -> None:
            nonlocal under_way
            under_way += 1
            assert go_on.wait(30)

        loads.shared(key, slowly, dear=dear)

    def quickly() -> None:
        served.caller = "other"
        loads.shared("quick", lambda: None, dear=dear)

    quickly()
    with ThreadPoolExecutor(at_once + 1) as pool:
        for number in range(at_once + 1):
            pool.submit(load, str(number))
        try:
            assert wait_until(lambda: under_way == at_once - 1)
            quickly()
            assert under_way == at_once - 1
        finally:
            go_on.set()
