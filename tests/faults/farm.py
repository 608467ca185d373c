"""Whole systems to break: one host, or some that share nothing but PostgreSQL and Valkey, perhaps each on a machine of its own
(`tests.faults.machines`); each process reaches each server through a link of its own (`tests.faults.network`)."""

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from redis import Redis

from bench.system import Client, System, close_all, own_stack
from bench.varnish import varnish
from config import load_settings
from devserver.ports import free_ports
from devserver.valkey import Valkey
from tests.faults.clocks import Clocks
from tests.faults.machines import Machines
from tests.faults.network import Network

# What each kind of process talks to.
_ALL = ("postgres", "valkey", "broker")
SERVERS = {"web": _ALL, "live": _ALL, "worker": _ALL, "beat": ("broker",)}
# The lines of the Procfile with other names than their links have.
LINES = {"live": "worker-live"}
# The links by which the spare Valkey follows the first one, and the first one the spare.
FOLLOWING, LEADING = "spare-valkey", "valkey-spare"


class Hosts(System):
    """Some hosts as one system: a client, or a page, is at any of them."""

    def __init__(self, hosts: Mapping[str, System]) -> None:
        self.hosts = dict(hosts)
        first = next(iter(hosts.values()))
        System.__init__(self, first.url, first.key, first.stack)

    def client(self) -> Client:
        """Return a client of some host."""
        return Client(random.choice(list(self.hosts.values())).url, self.key)

    def clients_of_every_process(self) -> list[Client]:
        """Return open clients, one for each web process of each host."""
        found: list[Client] = []
        try:
            for host in self.hosts.values():
                found += System(host.url, self.key, host.stack).clients_of_every_process()
        except BaseException:
            close_all(found)
            raise
        return found

    def addresses(self) -> list[str]:
        """Return the address and port of each host."""
        return [host.address for host in self.hosts.values()]


class Farm(Hosts):
    """Hosts, each of whose processes has links of its own to the servers.

    Args:
        hosts: the first one runs PostgreSQL and Valkey.
        sockets: the UNIX sockets of the first one's servers, and of a spare Valkey that follows the first one, by name.
        clocks: those that can be set, if any.
        machines: those on which the hosts are, if each is on its own.
        edge: the address and port of the Varnish in front, if there is one.
    """

    def __init__(
        self, hosts: Mapping[str, System], network: Network, sockets: Mapping[str, Path], clocks: Clocks | None = None,
        machines: Machines | None = None, edge: str | None = None,
    ) -> None:  # fmt: skip
        Hosts.__init__(self, hosts)
        self.network = network
        self.sockets = sockets
        self.clocks = clocks
        self.machines = machines
        self.edge = edge

    def reading_addresses(self) -> list[str]:
        """Return the address and port of whatever answers readers: each host, or what stands in front of them."""
        return [self.edge] if self.edge else self.addresses()

    def links(self, host: str = "", process: str = "", server: str = "") -> list[str]:
        """Return the links of a host, a kind of process and a server; of all of them where none is named."""
        split = [(name, *name.split("-")) for name in self.network.ports if name not in {FOLLOWING, LEADING}]
        wanted = (host, process, server)
        return [name for name, *own in split if all(w in {"", o} for w, o in zip(wanted, own, strict=True))]

    def valkey(self, name: str) -> Redis:
        """Return a client of one of the two servers, past the network."""
        return Redis(unix_socket_path=str(self.sockets[name]))

    def follow(self, name: str, link: str | None) -> None:
        """Make a Valkey follow the one behind a link; None makes it a primary."""
        with self.valkey(name) as client:
            target = ("NO", "ONE") if link is None else (self.network.address, str(self.network.ports[link]))
            client.execute_command("REPLICAOF", *target)


@contextmanager
def farm(
    home: Path, hosts: int = 1, clocks: Clocks | None = None, machines: Machines | None = None, *, has_edge: bool = False
) -> Iterator[Farm]:
    """Run one host, or several over the first one's servers, while the block runs; the homes are in `home`.

    Args:
        clocks: by which the processes and PostgreSQL tell the time; without, by the machine's.
        machines: for each host one, called a, b, c.
        has_edge: whether a Varnish stands in front of the first host.

    Raises:
        UnavailableError: if there is no Varnish to be had here.
    """
    with ExitStack() as stack:
        # Not in `home`, whose disk may fill up: nobody starts the spare again.
        spare_home = Path(stack.enter_context(TemporaryDirectory(prefix="spare-")))
        homes = {letter: _made(home / letter) for letter in "abc"[:hosts]}
        directory = load_settings({"LOCKSTEP_HOME": str(homes["a"])}).socket_directory
        sockets = {
            "postgres": directory / ".s.PGSQL.5432",
            "valkey": directory / "valkey.sock",
            "spare": _made(spare_home / "s") / "valkey.sock",
        }
        targets = {FOLLOWING: str(sockets["valkey"]), LEADING: str(sockets["spare"])}
        for host in homes:
            for process, servers in SERVERS.items():
                for server in servers:
                    targets[f"{host}-{process}-{server}"] = str(sockets["postgres" if server == "postgres" else "valkey"])
        network = stack.enter_context(Network(targets, machines.switch if machines else "127.0.0.1"))
        running: dict[str, System] = {}
        edge_port = free_ports(1)[0] if has_edge else None
        edge = {"LOCKSTEP_EDGE": f"varnish+http://127.0.0.1:{edge_port}", "LOCKSTEP_TRUSTED_PROXIES": "1"} if has_edge else {}
        for host in homes:
            own = {
                LINES.get(process, process): _urls(network, host, process) | (clocks.of(f"{host}-{process}") if clocks else {})
                for process in SERVERS
            }
            environ = {
                "LOCKSTEP_BIND": machines.addresses[host] if machines else "127.0.0.1",
                **edge,
                **_servers_of(running.get("a")),
            }
            environ |= clocks.of("postgres") if clocks and host == "a" else {}
            prefix = machines.prefix(host) if machines else ()
            running[host] = stack.enter_context(own_stack(homes[host], own=own, prefix=prefix, **environ))
        spare = Valkey(
            spare_home, run_directory=_made(spare_home / "run"), socket_directory=sockets["spare"].parent,
            output=lambda _line: None,
        )  # fmt: skip
        spare.start()
        stack.callback(spare.stop)
        if edge_port is not None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="varnish-")))
            stack.enter_context(varnish(edge_port, int(running["a"].address.rpartition(":")[2]), folder))
        made = Farm(running, network, sockets, clocks, machines, f"127.0.0.1:{edge_port}" if has_edge else None)
        made.follow("spare", FOLLOWING)
        yield made


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _servers_of(host: System | None) -> dict[str, str]:
    """Return the settings with which another host uses this one's servers."""
    if host is None or host.stack is None:
        return {}
    settings = host.stack.settings
    return {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "CELERY_BROKER_URL": settings.celery_broker_url,
    }


def _urls(network: Network, host: str, process: str) -> dict[str, str]:
    """Return the settings with which a process goes through its links."""

    def port(server: str) -> str:
        return f"{network.address}:{network.ports[f'{host}-{process}-{server}']}"

    urls = {"CELERY_BROKER_URL": f"redis://{port('broker')}/0"}
    if process != "beat":
        urls["REDIS_URL"] = f"redis://{port('valkey')}/1"
        urls["DATABASE_URL"] = f"postgresql://lockstep@{port('postgres')}/lockstep"
    return urls
