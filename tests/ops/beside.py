"""`make ops`: Debian's Prometheus and Alertmanager beside a running Lockstep, until Ctrl-C.

Their data is in LOCKSTEP_HOME/ops. They watch the Lockstep of the same PORT, LOCKSTEP_HOME and LOCKSTEP_METRICS_TOKEN.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import yaml

from bench.debian import UnavailableError, unpacked, with_its_share
from config import REPOSITORY, Settings, SettingsError, load_settings

OPS = REPOSITORY / "ops"
PROMETHEUS, ALERTMANAGER = "127.0.0.1:9090", "127.0.0.1:9093"


def main() -> int:
    """Run both until a signal; return the exit code, not 0 if one of them ended by itself."""
    try:
        settings = load_settings()
        root = unpacked("prometheus", ["prometheus", "prometheus-alertmanager"])
    except (SettingsError, UnavailableError) as error:
        print(f"{error}\nWith Docker: docker compose -f ops/compose.yml up", file=sys.stderr)
        return 1
    home = settings.home / "ops"
    config = _configured(settings, home)
    prometheus = subprocess.Popen([
        str(root / "usr" / "bin" / "prometheus"), f"--config.file={config}", f"--storage.tsdb.path={home / 'prometheus'}",
        f"--web.listen-address={PROMETHEUS}", "--storage.tsdb.retention.time=35d", "--log.level=warn",
    ])  # fmt: skip
    running = [prometheus]
    print(f"Prometheus    http://{PROMETHEUS}/alerts")
    try:
        running.append(subprocess.Popen([
            *with_its_share(root, "prometheus-alertmanager"), f"--config.file={OPS / 'alertmanager' / 'alertmanager.yml'}",
            f"--storage.path={home / 'alertmanager'}", f"--web.listen-address={ALERTMANAGER}", "--cluster.listen-address=",
            "--log.level=warn",
        ]))  # fmt: skip
        print(f"Alertmanager  http://{ALERTMANAGER}/api/v2/alerts")
    except UnavailableError as error:
        print(f"Alertmanager  {error}; or: docker compose -f ops/compose.yml up alertmanager")
    print("Grafana       docker compose -f ops/compose.yml up grafana   (or import ops/grafana/lockstep.json)", flush=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: _stop(running))
    code = prometheus.wait()
    _stop(running)
    return code


def _stop(running: list[subprocess.Popen[bytes]]) -> None:
    for process in running:
        process.terminate()


def _configured(settings: Settings, home: Path) -> Path:
    """Write the configuration for this Lockstep; return its path."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(OPS / "prometheus" / "rules.yml", home / "rules.yml")
    config = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text())
    [job] = config["scrape_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{settings.port}"]}]
    if settings.metrics_token:
        job["authorization"] = {"credentials": settings.metrics_token}
    path = home / "prometheus.yml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    return path


if __name__ == "__main__":
    sys.exit(main())
