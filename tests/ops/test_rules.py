"""The rules of Prometheus: sound, tried, explained, and about what is really measured."""

import re
import subprocess
from collections import defaultdict

import pytest
import yaml
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from app.container import Container
from config import REPOSITORY
from tests.ops.watchers import OPS, alerts, dashboard_queries, program, read_by_all, rules

RUNBOOKS = (REPOSITORY / "docs" / "runbooks.md").read_text()
CASES = {path.name: path.read_text() for path in (OPS / "prometheus").glob("rules*_test.yml")}
# Made by Prometheus itself, or only if somebody sets LOCKSTEP_BACKUP_STAMP or LOCKSTEP_TLS_ADDRESS.
MADE_ELSEWHERE = {"up", "backup_last_success_timestamp_seconds", "tls_certificate_expires_timestamp_seconds"}
# What a label may be at most, by far. Routes are those that the application has.
MAX_VALUES = 40


def test_the_rules_and_the_configurations_are_sound() -> None:
    for command in (
        ["promtool", "check", "rules", "rules.yml"],
        ["promtool", "check", "config", "prometheus.yml"],
        ["amtool", "check-config", "../alertmanager/alertmanager.yml"],
    ):
        done = subprocess.run(
            [program(command[0]), *command[1:]], cwd=OPS / "prometheus", capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", CASES)
def test_alerts_fire_stay_silent_and_resolve(name: str) -> None:
    done = subprocess.run(
        [program("promtool"), "test", "rules", name],
        cwd=OPS / "prometheus",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_cases_and_a_runbook_that_says_how_to_look_and_how_to_cure() -> None:
    cases = "".join(CASES.values())
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOKS, re.DOTALL | re.MULTILINE))
    assert set(sections) == set(alerts())
    for name, alert in alerts().items():
        assert f'alertname="{name}"' in cases, name
        assert alert["labels"]["severity"] in {"page", "ticket"}, name
        assert {"summary", "description", "runbook_url"} <= alert["annotations"].keys(), name
        assert alert["annotations"]["runbook_url"] == f"docs/runbooks.md#{name.lower()}"
        for part in ("**Means**", "**Customers", "**Look**", "ure**"):
            assert part in sections[name], (name, part)


def test_each_severity_reaches_somebody_and_no_alert_is_kept_quiet_under_a_name_that_is_none() -> None:
    settings = yaml.safe_load((OPS / "alertmanager" / "alertmanager.yml").read_text())
    for severity in ("page", "ticket"):
        asked = [program("amtool"), "config", "routes", "test", "--config.file=alertmanager.yml", f"severity={severity}"]
        done = subprocess.run(asked, cwd=OPS / "alertmanager", capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == severity
    assert all(len(receiver) > 1 for receiver in settings["receivers"])
    for rule in settings["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            [pattern] = re.findall(r'^alertname =~? "(.+)"$', matcher)
            for name in pattern.split("|"):
                assert any(re.fullmatch(name, alert) for alert in alerts()), matcher


def test_links_between_runbooks_lead_to_one() -> None:
    for target in re.findall(r"\]\(#(\w+)\)", RUNBOOKS):
        assert target in {name.lower() for name in alerts()}


def test_rules_and_dashboard_ask_for_what_is_exported(client: FlaskClient, container: Container) -> None:
    container.monitoring.record_accepting(0)
    assert client.get("/readyz").status_code == 200
    exported = {sample.name for family in container.condition.metrics() for sample in family.samples}
    for family in REGISTRY.collect():
        kinds = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}.get(family.type, ("",))
        exported |= {family.name + kind for kind in kinds}
    exported.add("cache_hit_rate")
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {selector.partition("{")[0] for selector in read_by_all()}
    assert asked - exported - MADE_ELSEWHERE == set()
    assert {name for query in dashboard_queries() for name in re.findall(r"lockstep:\w+:\w+", query)} <= recorded
    # … and every one of them of our own job: other programs have metrics of such names, too.
    assert [selector for selector in read_by_all() if 'job="lockstep"' not in selector] == []


def test_no_label_has_more_values_than_the_application_has_of_their_kind(client: FlaskClient, container: Container) -> None:
    container.monitoring.prime()
    for path in ("/api/v1/parts/1", "/api/v1/parts/2", "/no/such/page", "/c/some-slug", "/p/9", "/api/v1/admin/parts/7/stock"):
        for method in ("GET", "PUT", "BREW"):
            client.open(path, method=method)
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(client.get("/metrics").get_data(as_text=True)):
        for sample in family.samples:
            for label, value in sample.labels.items():
                values[family.name, label].add(value)
    routes = {rule.rule for rule in client.application.url_map.iter_rules()} | {"none"}
    assert values["http_request_duration_seconds", "route"] <= routes
    for (metric, label), found in values.items():
        assert label == "route" or len(found) <= MAX_VALUES, (metric, label, found)
        assert label in {
            "route", "method", "status", "le", "operation", "effect", "error_type", "cache_type", "result", "entity", "namespace",
            "event", "reason", "kind", "queue", "volume", "version", "python",
        }, (metric, label)  # fmt: skip
