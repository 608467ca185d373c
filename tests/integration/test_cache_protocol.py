"""The cache's protocol in the four small worlds of the design (plain race, flush, eviction, old snapshot), step by step.

Each history is played on the real scripts, which must serve nothing old, and on a copy with the guard taken out that stands
against it, where the check must object: so every guard is needed, and the machine of `cache_machine.py` can fail.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

import app.cache.manager
import app.cache.scripting
from app.contract import cache_keys
from app.contract.events import ListFacet
from tests.integration.cache_machine import LIST, CacheMachine

PART = "part:1"
FLOOR_IN_FILL = ("fill", "if tonumber(ARGV[at]) >= tonumber(entry[1] or 0) then", "if true then")
FLOOR_IN_READ = ("read", "and tonumber(entry[2]) >= tonumber(entry[4] or 0) then", "then")
LEASE_IN_FILL = ("fill", "if entry[2] == ARGV[2] then", "if true then")
LEASE_TAKEN_BACK = ("invalidate", "if ARGV[at + 1] ~= '2' then", "if false then")


def plain_race(machine: CacheMachine) -> None:
    machine.begin_read(PART)
    machine.step(0)
    machine.write(PART)
    machine.step(0)
    machine.read(PART)


def flush(machine: CacheMachine) -> None:
    machine.begin_read(PART)
    machine.step(0)
    machine.write(PART)
    machine.flush()
    machine.read(LIST)
    machine.client.set(cache_keys.EPOCH, "1")
    machine.step(0)
    machine.read(PART)


def eviction(machine: CacheMachine) -> None:
    machine.begin_read(PART)
    machine.step(0)
    machine.write(PART)
    machine.evict(PART)
    machine.step(0)
    machine.read(PART)


def old_snapshot(machine: CacheMachine) -> None:
    machine.take_snapshot()
    machine.begin_read(PART)
    machine.write(PART)
    machine.step(0)
    machine.step(0)
    machine.begin_read_on_an_old_snapshot(PART)
    machine.step(0)
    machine.step(0)
    machine.read(PART)


def late_delivery_after_a_flush(machine: CacheMachine) -> None:
    machine.write(PART)
    machine.write(PART)
    machine.flush()
    machine.begin_epoch()
    machine.begin_read(PART)
    machine.relay([0])
    machine.read(PART)


def late_deliveries_one_after_the_other_after_an_eviction(machine: CacheMachine) -> None:
    for _ in range(3):
        machine.write(PART)
    machine.read(PART)
    machine.evict(PART)
    machine.begin_read(PART)
    machine.relay([0])
    machine.relay([1])
    machine.read(PART)


def late_delivery_beside_a_newer_entry(machine: CacheMachine) -> None:
    machine.write(PART)
    machine.write(PART)
    machine.evict(PART)
    machine.read(PART)
    machine.relay([0])
    machine.read(PART)


def list_race(machine: CacheMachine) -> None:
    machine.begin_read(LIST)
    machine.step(0)
    machine.write(PART)
    machine.step(0)
    machine.read(LIST)


def list_token_evicted(machine: CacheMachine) -> None:
    machine.begin_read(LIST)
    machine.step(0)
    machine.write(PART)
    machine.evict(cache_keys.generation(ListFacet.NAME))
    machine.step(0)
    machine.read(LIST)


def entry_of_another_epoch(machine: CacheMachine) -> None:
    machine.read(PART)
    before = machine.client.dump(PART)
    machine.write(PART)
    machine.flush()
    machine.begin_epoch()
    machine.client.restore(PART, 0, before)
    machine.read(PART)


def kept_entry(machine: CacheMachine) -> None:
    keep(machine, PART)
    machine.write(PART)
    machine.send_again(0)


def kept_entry_of_which_the_key_is_gone(machine: CacheMachine) -> None:
    keep(machine, PART)
    machine.evict(PART)
    machine.write(PART)
    machine.send_again(0)


def kept_list(machine: CacheMachine) -> None:
    keep(machine, LIST)
    machine.write(PART)
    machine.send_again(0)


def kept_in_an_epoch_that_others_have_left(machine: CacheMachine) -> None:
    keep(machine, PART)
    before = machine.client.dump(PART)
    machine.write(PART)
    machine.flush()
    machine.client.set(cache_keys.EPOCH, "another")
    machine.client.restore(PART, 0, before)
    machine.send_again(0)


def keep(machine: CacheMachine, key: str) -> None:
    """Read what is cached by then, so that the answer is kept."""
    machine.read(key)
    machine.read(key)
    assert machine.kept


TOKENS_CONFIRMED = ("confirm", "if redis.call('GET', KEYS[i]) ~= ARGV[i + 1] then return 0 end", "")
BODIES_CONFIRMED = ("confirm", " or body[1] .. (body[2] or '') ~= ARGV[i + 1] then", " then")


@dataclass(frozen=True)
class World:
    """A history, and the guards without which it ends in something old."""

    history: Callable[[CacheMachine], None]
    guards: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        return self.history.__name__


WORLDS = (
    World(plain_race, (FLOOR_IN_FILL, FLOOR_IN_READ, LEASE_TAKEN_BACK)),
    World(flush, (LEASE_IN_FILL, ("fill", "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end", "ARGV[1] = '1'"))),
    World(eviction, (LEASE_IN_FILL,)),
    World(old_snapshot, (FLOOR_IN_FILL, FLOOR_IN_READ)),
    World(late_delivery_after_a_flush, (("invalidate", "if held and ARGV", "if epoch and ARGV"),)),
    World(late_deliveries_one_after_the_other_after_an_eviction, (("invalidate", "if held and ARGV", "if epoch and ARGV"),)),
    World(
        late_delivery_beside_a_newer_entry,
        (("invalidate", "if not held or held < version then", "if true then"), ("invalidate", "if held and ARGV", "if ARGV")),
    ),
    World(
        list_race,
        (
            (
                "fill_list", "redis.call('HSET', KEYS[1], 'stamp', ARGV[1]",
                "redis.call('HSET', KEYS[1], 'stamp', ARGV[1]:match('^%S+') .. ' '"
                " .. redis.call('GET', 'parts:generation:name') .. ' ' .. redis.call('GET', 'parts:generation:price')",
            ),
        ),
    ),
    World(
        list_token_evicted,
        (
            ("invalidate", "redis.call('SET', KEYS[i], ARGV[3], 'EX', 86400)", "redis.call('INCR', KEYS[i])"),
            ("read_list", "tokens[i] = ARGV[4]", "tokens[i] = '0'"),
        ),
    ),
    World(entry_of_another_epoch, (("read", "if entry[1] == epoch and entry[3]", "if entry[3]"),)),
    World(kept_entry, (BODIES_CONFIRMED,)),
    World(kept_entry_of_which_the_key_is_gone, (("confirm", "if not body[1] or", "if body[1] and"),)),
    World(kept_list, (TOKENS_CONFIRMED,)),
    World(kept_in_an_epoch_that_others_have_left, (TOKENS_CONFIRMED,)),
)  # fmt: skip


@pytest.fixture
def machine(scratch: Redis, monkeypatch: pytest.MonkeyPatch) -> Callable[[], CacheMachine]:
    monkeypatch.setattr(app.cache.manager, "WAITS", ())
    monkeypatch.setattr(CacheMachine, "client", scratch, raising=False)
    return CacheMachine


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_nothing_older_than_the_last_acknowledged_write_is_served(world: World, machine: Callable[[], CacheMachine]) -> None:
    world.history(machine())


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_without_its_guard_the_same_history_serves_something_old(
    world: World, machine: Callable[[], CacheMachine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "scripts"
    shutil.copytree(app.cache.scripting._FOLDER, copy)
    for script, guard, instead in world.guards:
        file = copy / f"{script}.lua"
        assert guard in file.read_text(), "the guard that this test takes out has been rewritten; follow it"
        file.write_text(file.read_text().replace(guard, instead))
    monkeypatch.setattr(app.cache.scripting, "_FOLDER", copy)
    sabotaged = machine()
    with pytest.raises(AssertionError, match="served"):
        world.history(sabotaged)
