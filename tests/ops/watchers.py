"""Debian's Prometheus and Alertmanager, unpacked without root, and what the files under `ops/` ask it for."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bench.debian import UnavailableError, unpacked, with_its_share
from bench.system import wait_until
from config import REPOSITORY
from devserver.ports import free_ports

OPS = REPOSITORY / "ops"
RULES = OPS / "prometheus" / "rules.yml"
DASHBOARD = OPS / "grafana" / "lockstep.json"
_SELECTOR = re.compile(r"\b([a-z][a-z0-9_:]*)\b(\{[^}]*\})?(?!\s*\()")


def program(name: str) -> str:
    """Return the path of a program of Prometheus's; skip the test where it is not to be had."""
    return str(_root() / "usr" / "bin" / name)


def _root() -> Path:
    try:
        return unpacked("prometheus", ["prometheus", "prometheus-alertmanager"])
    except UnavailableError as error:
        pytest.skip(str(error))


def rules() -> list[dict[str, Any]]:
    """Return all rules."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Return the alerts by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def dashboard_queries() -> list[str]:
    """Return all queries of the dashboard."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"].replace("$__rate_interval", "1m") for panel in panels for target in panel.get("targets", ())]


def selectors(query: str) -> set[str]:
    """Return what a query reads: names of metrics, with what is asked of their labels."""
    # Labels after these words, ranges and names of functions are no metrics; each of ours has an underscore.
    query = re.sub(r"\b(by|on)\s*\([^)]*\)|\[[^\]]*\]|#.*", "", query)
    found = {name + matchers for name, matchers in _SELECTOR.findall(query)}
    return {selector for selector in found if "_" in selector.partition("{")[0] or "{" in selector}


def read_by_all() -> set[str]:
    """Return what the rules and the dashboard read of our metrics, but for what the rules themselves record."""
    queries = [rule["expr"] for rule in rules()] + dashboard_queries()
    return {selector for query in queries for selector in selectors(query) if not selector.startswith(("lockstep:", "ALERTS"))}


def hurried(folder: Path, seconds: int = 5, after_scrapes: int = 30) -> Path:
    """Write the rules with alerts that wait for seconds only; return the file.

    Args:
        after_scrapes: for how many those wait that missed scrapes are enough for: a busy machine misses a few in a row.
    """
    written = yaml.safe_load(RULES.read_text())
    for group in written["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                is_of_scrapes = re.search(r"\bup\{", rule["expr"])
                rule["for"] = f"{after_scrapes if is_of_scrapes else seconds}s"
    file = folder / "rules.yml"
    file.write_text(yaml.safe_dump(written))
    return file


class Prometheus:
    """One that runs."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/api/v1", trust_env=False)

    def ask(self, path: str, **parameters: Any) -> Any:
        """Return the data of an answer; None while it does not answer."""
        try:
            answer = self._client.get(path, params=parameters)
        except httpx.TransportError:
            return None
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:  # it is starting
            return None
        answer.raise_for_status()
        return answer.json()["data"]

    def close(self) -> None:
        self._client.close()

    def firing(self) -> dict[str, dict[str, Any]]:
        """Return the alerts that fire, by name."""
        found = (self.ask("alerts") or {"alerts": []})["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in found if alert["state"] == "firing"}


@contextmanager
def prometheus(folder: Path, target: str, rule_file: Path, tells: int) -> Iterator[Prometheus]:
    """Run one that scrapes `target` every third second, while the block runs.

    Args:
        tells: the port at which there may be an Alertmanager.
    """
    settings = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "3s", "evaluation_interval": "1s", "scrape_timeout": "3s"}
    settings["rule_files"] = [str(rule_file)]
    settings["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    settings["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [f"127.0.0.1:{tells}"]}]}]
    config, [port] = folder / "prometheus.yml", free_ports(1)
    config.write_text(yaml.safe_dump(settings))
    command = [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "prometheus.log").open("wb") as log:
        running = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    made = Prometheus(f"http://127.0.0.1:{port}")
    try:
        assert wait_until(lambda: bool(made.ask("query", query="vector(1)"))), (folder / "prometheus.log").read_text()
        yield made
    finally:
        made.close()
        running.terminate()
        running.wait(30)


class Alertmanager:
    """One that runs."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._client.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Return the alerts that it has been told of and that go on, by name."""
        found = self._client.get("/api/v2/alerts").raise_for_status().json()
        return {alert["labels"]["alertname"]: alert for alert in found}

    def close(self) -> None:
        self._client.close()


@contextmanager
def alertmanager(folder: Path, port: int, webhook: str, mails_by: str) -> Iterator[Alertmanager]:
    """Run one that tells everything within seconds, while the block runs; skip the test where it cannot run.

    Args:
        webhook: is told in place of the pager, and of what is a ticket, too.
        mails_by: the mail server's address and port.
    """
    settings = yaml.safe_load((OPS / "alertmanager" / "alertmanager.yml").read_text())
    for route in (settings["route"], *settings["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "1s"}
    for receiver in settings["receivers"]:
        receiver["webhook_configs"] = [{"url": f"{webhook}/{receiver['name']}"}]
    settings["global"] |= {"smtp_smarthost": mails_by, "smtp_require_tls": False}
    config = folder / "alertmanager.yml"
    config.write_text(yaml.safe_dump(settings))
    try:
        command = with_its_share(_root(), "prometheus-alertmanager")
    except UnavailableError as error:
        pytest.skip(str(error))
    command += [f"--config.file={config}", f"--storage.path={folder / 'told'}", "--cluster.listen-address="]
    with (folder / "alertmanager.log").open("wb") as log:
        running = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    made = Alertmanager(port)
    try:
        assert wait_until(made.is_ready), (folder / "alertmanager.log").read_text()
        yield made
    finally:
        made.close()
        running.terminate()
        running.wait(30)
