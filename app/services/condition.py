"""What a scrape of the metrics finds out at the moment: of the database, Valkey, the workers, beat, this machine, its
backup, and the certificate in front.

What cannot be known is left out: while Valkey is away, nobody knows of the workers.
"""

import platform
import shutil
import socket
import ssl
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psutil  # type: ignore[import-untyped]  # publishes no types
import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app import metric_files
from app.contract.task_names import LIVE_QUEUE, RECORDS_QUEUE
from app.services.offload import Offload
from app.sync.heartbeats import BEAT_KEPT, Heard
from config import REPOSITORY, Settings

log = structlog.get_logger()

# Seconds that a proxy may take to show its certificate.
_SHOWN_WITHIN = 2.0


class Condition:
    """Asks, at each scrape.

    Args:
        owed: returns per effect what the outbox has to say.
        heard: returns who gave a sign of life; None while Valkey is away.
        offload: runs a slow function outside the event loop, if there is one.
    """

    def __init__(
        self,
        owed: Callable[[], Mapping[str, Mapping[str, Any]]],
        heard: Callable[[], Heard | None],
        settings: Settings,
        offload: Offload,
    ) -> None:
        self._owed = owed
        self._heard = heard
        self._settings = settings
        self._offload = offload

    def metrics(self) -> list[Metric]:
        """Return the metrics."""
        return [*self._database(), *_signs_of_life(self._heard()), *self._offload(_of_this_machine, self._settings)]

    def _database(self) -> Iterable[Metric]:
        try:
            owed = self._owed()
        except DBAPIError as error:
            log.warning("the database does not say what is owed", error=str(error.orig))
            return [GaugeMetricFamily("database_up", _DATABASE_UP, 0)]
        except SQLAlchemyError:
            # No connection was free. That is no sign that the database is away.
            return []
        pending = GaugeMetricFamily("outbox_pending", "Deliveries that are owed.", labels=["effect"])
        oldest = GaugeMetricFamily("outbox_oldest_age_seconds", "Age of the oldest owed delivery.", labels=["effect"])
        dead = GaugeMetricFamily("sync_dead_letters", "Deliveries given up on.", labels=["effect"])
        for effect, figures in owed.items():
            pending.add_metric([effect], figures["pending"])
            oldest.add_metric([effect], figures["oldest_age_seconds"])
            dead.add_metric([effect], figures["dead"])
        return [GaugeMetricFamily("database_up", _DATABASE_UP, 1), pending, oldest, dead]


_DATABASE_UP = "1 if the database answers."


def _signs_of_life(heard: Heard | None) -> Iterable[Metric]:
    yield GaugeMetricFamily("cache_up", "1 if Valkey answers.", heard is not None)
    if heard is None:
        return
    workers = GaugeMetricFamily("workers_alive", "Workers that take tasks from a queue.", labels=["queue"])
    for queue in (LIVE_QUEUE, RECORDS_QUEUE):
        workers.add_metric([queue], heard.serving(queue))
    yield workers
    silence = BEAT_KEPT if heard.beat_seconds is None else heard.beat_seconds
    yield GaugeMetricFamily("beat_silent_seconds", "How long ago beat last ticked, a day at most.", silence)


def _of_this_machine(settings: Settings) -> list[Metric]:
    now = GaugeMetricFamily("host_time_seconds", "The time by this machine's clock.", time.time())
    build = GaugeMetricFamily("build_info", "What runs here.", labels=["version", "python"])
    build.add_metric([_version(), platform.python_version()], 1)
    files = GaugeMetricFamily(
        "open_files_ratio", "Share of the files that it may have open, of the process that has most.",
        max((_open_files(pid) for pid in metric_files.living(settings.metrics_directory)), default=0.0),
    )  # fmt: skip
    free = GaugeMetricFamily("disk_free_bytes", "Room left on a disk.", labels=["volume"])
    size = GaugeMetricFamily("disk_size_bytes", "The size of a disk.", labels=["volume"])
    volumes = {"home": settings.home}
    if settings.media_url.startswith("file:"):
        volumes["media"] = Path(unquote(urlsplit(settings.media_url).path))
    for name, folder in volumes.items():
        try:
            usage = shutil.disk_usage(folder)
        except FileNotFoundError:  # it is made when it is first needed
            continue
        free.add_metric([name], usage.free)
        size.add_metric([name], usage.total)
    return [now, build, files, free, size, *_backup(settings.backup_stamp), *_certificate(settings.tls_address)]


def _backup(stamp: Path | None) -> Iterable[Metric]:
    if stamp is not None:
        at = stamp.stat().st_mtime if stamp.exists() else 0
        yield GaugeMetricFamily("backup_last_success_timestamp_seconds", "When a backup was last finished; 0 for never.", at)


def _certificate(address: str) -> Iterable[Metric]:
    """Ask for what customers are shown: a certificate that was renewed is of no use before the proxy has it."""
    if not address:
        return
    host, _, port = address.rpartition(":")
    context = ssl.create_default_context()
    # The end of one that is not valid is of interest, too.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, int(port)), timeout=_SHOWN_WITHIN) as connection,
            context.wrap_socket(connection, server_hostname=host) as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
    except OSError as error:
        log.warning("the certificate in front cannot be looked at", address=address, error=str(error))
        return
    if shown:
        # It takes 7 MB, and most have no proxy of which that is to be known.
        from cryptography.x509 import load_der_x509_certificate

        until = load_der_x509_certificate(shown).not_valid_after_utc.timestamp()
        yield GaugeMetricFamily(
            "tls_certificate_expires_timestamp_seconds", "Until when the proxy's certificate is valid.", until
        )


def _open_files(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        limit, _ = process.rlimit(psutil.RLIMIT_NOFILE)
        return float(process.num_fds() / limit) if limit > 0 else 0.0
    except (psutil.Error, AttributeError):  # it has ended, is another user's, or this is no Linux
        return 0.0


@cache
def _version() -> str:
    return str(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"])
