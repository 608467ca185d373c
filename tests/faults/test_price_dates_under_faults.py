"""A price that begins on its date while a process involved is halted or killed."""

import os
import signal
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bench.page import Page
from bench.system import API, System, wait_until
from tests.faults.inspection import pid, query, settled

EVENTS = """
    SELECT e.version, count(l.event_id) AS audited FROM outbox_events e LEFT JOIN data_change_logs l USING (event_id)
    WHERE e.aggregate_type = 'part' AND e.aggregate_id = %s AND e.aspect = 'price' GROUP BY e.version ORDER BY e.version
"""


@pytest.mark.parametrize(
    ("name", "fault"),
    [("beat", signal.SIGSTOP), ("beat", signal.SIGKILL), ("worker-live", signal.SIGKILL), ("worker", signal.SIGSTOP)],
)
def test_pages_and_lists_show_a_price_that_begins_and_it_is_announced_once(
    name: str, fault: signal.Signals, system: System
) -> None:
    [part] = system.make_parts(1)
    sku = httpx.get(f"{system.url}{API}/parts/{part}").json()["sku"]
    victim = pid(system, name)
    with Page(system.url, [part], watch_every=600) as page:
        if name != "worker-live":
            os.kill(victim, fault)
        try:
            begins = datetime.now(UTC) + timedelta(seconds=1)
            standing = {"currency": "EUR", "amount": "1.00"}
            dated = standing | {"amount": "0.50", "valid_from": begins.isoformat()}
            path, key = f"{system.url}{API}/admin/parts/{part}/prices", {"Authorization": f"Bearer {system.key}"}
            assert httpx.put(path, json={"prices": [standing, dated]}, headers=key).status_code == httpx.codes.OK
            assert wait_until(lambda: datetime.now(UTC) >= begins, 5)
            if name == "worker-live":
                os.kill(victim, fault)
            assert wait_until(lambda: page.shown()[part]["price"]["amount"] == "0.50", 20)
            cheap = httpx.get(f"{system.url}{API}/parts", params={"q": sku, "max_price": "0.60"})
            assert [item["id"] for item in cheap.json()["items"]] == [part]
        finally:
            if fault is signal.SIGSTOP:
                os.kill(victim, signal.SIGCONT)
        assert page.shown()[part]["price"]["version"] == 3
    settled(system)
    assert query(system, EVENTS, part) == [{"version": version, "audited": 1} for version in (1, 2, 3)]
