"""What `bench.scale` calculates with: its queues are those of the books, and its costs are what was measured elsewhere."""

import math
import random
from statistics import fmean

import pytest

from bench import scale
from bench.scale import UTILISATION, Shop, Tier, Work, processes_for, quantile, tiers, waits


def played(utilisation: float, servers: int, count: int = 300_000) -> list[float]:
    """Waiting in a queue with services of a mean of 1, exponentially distributed."""
    chance = random.Random(7)
    return waits(utilisation * servers, servers, [chance.expovariate(1) for _ in range(count)], chance)


def erlang_c(utilisation: float, servers: int) -> float:
    """The probability of having to wait in an M/M/c."""
    offered = utilisation * servers
    all_busy = offered**servers / math.factorial(servers) / (1 - utilisation)
    return all_busy / (sum(offered**number / math.factorial(number) for number in range(servers)) + all_busy)


@pytest.mark.parametrize(("utilisation", "servers"), [(0.5, 1), (0.8, 1), (0.6, 2), (0.8, 4), (0.7, 16)])
def test_waiting_is_that_of_the_closed_form_of_m_m_c(utilisation: float, servers: int) -> None:
    waited = played(utilisation, servers)
    has_to, pace = erlang_c(utilisation, servers), servers * (1 - utilisation)
    assert fmean(wait > 0 for wait in waited) == pytest.approx(has_to, rel=0.05)
    assert fmean(waited) == pytest.approx(has_to / pace, rel=0.1)
    assert quantile(waited, 0.99) == pytest.approx(math.log(100 * has_to) / pace, rel=0.1)


def test_waiting_for_one_server_is_that_of_pollaczek_and_khinchine_whatever_the_services() -> None:
    chance, utilisation = random.Random(7), 0.7
    services = chance.choices([0.1, 4.0], [0.9, 0.1], k=400_000)
    mean, square = fmean(services), fmean(one**2 for one in services)
    rate = utilisation / mean
    waited = waits(rate, 1, services, chance)
    assert fmean(waited) == pytest.approx(rate * square / 2 / (1 - utilisation), rel=0.1)


def test_services_have_the_mean_and_the_spread_that_is_said() -> None:
    chance = random.Random(7)
    services = [scale.lasting(5, 0.5, chance) for _ in range(100_000)]
    assert fmean(services) == pytest.approx(5, rel=0.02)
    assert math.sqrt(fmean(one**2 for one in services) / 25 - 1) == pytest.approx(0.5, rel=0.05)


def test_a_queue_that_only_grows_has_no_waiting_time() -> None:
    assert Tier("full", [Work(2, 600_000)], units=1, servers=1).writes(random.Random(1)) is None


@pytest.mark.parametrize("split", [False, True])
def test_so_many_processes_are_enough_and_one_less_is_not(*, split: bool) -> None:
    shop = Shop(1e5, 1e3)
    count = processes_for(shop, split=split)
    assert count is not None

    def utilisation(processes: int) -> float:
        return sum(one.demand for one in scale.web(shop, processes, split=split)) / processes

    assert utilisation(count) <= UTILISATION < utilisation(count - 1)


def test_a_shop_that_is_too_large_for_one_of_a_kind_is_shown_split_as_well() -> None:
    assert [table.title for table in scale.tables([Shop(1e3, 10), Shop(1e5, 1e3)])] == [
        "1,000 pages, 10 writes/s: as it is",
        "100,000 pages, 1,000 writes/s: as it is",
        "100,000 pages, 1,000 writes/s: split by part",
    ]


def test_with_one_channel_no_number_of_processes_is_enough_for_so_many_writes() -> None:
    assert tiers(Shop(1e6, 1e5), split=False) is None
    split = tiers(Shop(1e6, 1e5), split=True)
    assert split is not None
    assert all(tier.utilisation <= UTILISATION for tier in split)


def test_operations_cost_beside_each_other_what_they_were_measured_to_cost_on_another_day() -> None:
    """The rates of 16 clients as shares of a bare route's (docs/scale.md): 0.11 for writes, 0.97 for parts, 0.52 for lists."""
    write = scale.WRITE_WEB + scale.WRITE_POSTGRESQL + scale.WRITE_VALKEY + scale.WRITE_WORKER
    part, of_list = scale.PART_WEB + scale.PART_VALKEY, scale.LIST_WEB + scale.LIST_VALKEY
    assert write / part == pytest.approx(0.97 / 0.11, rel=0.25)
    assert of_list / part == pytest.approx(0.97 / 0.52, rel=0.25)
