"""Random operations of every kind from several writers while the worker is killed: no gap in the records, every version exact.

1,000 operations in an ordinary run; `make soak` sets OPERATIONS=10000.
"""

import io
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from PIL import Image

from app.store import audit_chain
from app.store.audit_chain import Verification
from app.store.database import connect, single_statements
from bench.system import API, System, wait_until
from tests.faults.inspection import assert_converges, kill, owed, pid, query

OPERATIONS = int(os.environ.get("OPERATIONS", "1000"))
THREADS = 4
KILL_EVERY = 2.0
CONVERGENCE = 60.0
# What a restored version has in common with the one that it was made from.
RESTORED = (
    "sku", "slug", "part_name", "description", "category_id", "manufacturer", "manufacturer_number", "status", "specifications",
    "images",
)  # fmt: skip
Call = tuple[str, str, dict[str, Any]]


@dataclass
class Shop:
    """What the writers work on, and what they were told."""

    parts: Sequence[int]
    categories: Sequence[int]
    outcomes: Counter[tuple[str, int]] = field(default_factory=Counter)
    acknowledged: dict[str, int] = field(default_factory=dict)


def picture(color: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (color % 256, color // 256 % 256, 7)).save(file, "PNG")
    return file.getvalue()


def operations(dice: random.Random, shop: Shop) -> dict[str, Call]:
    """Return one call of each kind, over a random part and category."""
    part, category, number = dice.choice(shop.parts), dice.choice(shop.categories), dice.randrange(10**9)
    words = " ".join(dice.choices(["bolt", "steel", "M8", "zinc", "<b>hard</b>", "5 < 6"], k=5))
    prices = [{"currency": "EUR", "amount": f"{dice.randrange(1, 99)}.50", "min_quantity": n} for n in (1, 10)]
    specifications = [{"name": name, "value": str(dice.randrange(9))} for name in dice.sample(["Bore", "Width", "Mass"], 2)]
    other = dice.choice(shop.categories)
    return {
        "stock": ("PUT", f"/parts/{part}/stock", {"json": {"current_stock": number % 1000}}),
        "adjust": ("POST", f"/parts/{part}/stock/adjustments", {"json": {"delta": 1, "reason": "counted"}}),
        "name": ("PUT", f"/parts/{part}", {"json": {"part_name": f"Part {number}", "description": words}}),
        "category": ("PUT", f"/parts/{part}", {"json": {"category_id": category}}),
        "price": ("PUT", f"/parts/{part}/prices", {"json": {"prices": prices}}),
        "specifications": ("PUT", f"/parts/{part}/specifications", {"json": {"specifications": specifications}}),
        "picture": ("POST", f"/parts/{part}/images", {"files": {"image": ("a.png", picture(number), "image/png")}}),
        "archive": ("DELETE", f"/parts/{part}", {}),
        "unarchive": ("POST", f"/parts/{part}/restore", {}),
        "restore": ("POST", f"/parts/{part}/versions/{dice.randrange(1, 12)}/restore", {}),
        "rename": ("PUT", f"/categories/{category}", {"json": {"name": f"Category {category} {number % 50}"}}),
        "move": ("PUT", f"/categories/{category}", {"json": {"parent_id": other}}),
    }


WEIGHTS = {
    "stock": 6, "adjust": 6, "name": 6, "category": 2, "price": 4, "specifications": 4, "picture": 2, "archive": 1,
    "unarchive": 4, "restore": 6, "rename": 1, "move": 1,
}  # fmt: skip


def write(system: System, shop: Shop, seed: int, left: Callable[[], bool]) -> None:
    """Make random calls until none is left to make."""
    dice = random.Random(seed)
    headers = {"Authorization": f"Bearer {system.key}"}
    with httpx.Client(base_url=f"{system.url}{API}/admin", headers=headers, timeout=20) as client:
        while left():
            (kind,) = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
            method, path, body = operations(dice, shop)[kind]
            request_id = f"op-{seed}-{dice.randrange(10**12)}"
            answer = client.request(method, path, headers={"X-Request-ID": request_id}, **body)
            shop.outcomes[kind, answer.status_code] += 1
            if answer.is_success:
                shop.acknowledged[request_id] = answer.json()["version"]


def run_writers(system: System, shop: Shop, most: int) -> int:
    """Let the writers make `most` calls while the worker is killed again and again; return how often it was."""
    made, lock = iter(range(most)), threading.Lock()

    def left() -> bool:
        with lock:
            return next(made, None) is not None

    threads = [threading.Thread(target=write, args=(system, shop, seed, left)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    kills = 0
    while any(thread.is_alive() for thread in threads):
        dead = kill(system, "worker")
        kills += 1
        pid(system, "worker", other_than=dead)
        began = time.monotonic()
        wait_until(lambda began=began: time.monotonic() - began > KILL_EVERY or not any(t.is_alive() for t in threads), 60)
    for thread in threads:
        thread.join()
    return kills


# Per aggregate and aspect the versions of events, audit rows and (for a part's content) snapshots are 1, 2, …, n.
GAPS = """
    WITH expected AS (
        SELECT aggregate_type, aggregate_id, aspect, max(e.version) AS newest, count(*) AS events,
               count(l.event_id) AS audited, count(v.id) AS snapshots
        FROM outbox_events e
        LEFT JOIN data_change_logs l USING (event_id)
        LEFT JOIN part_content_versions v
          ON e.aggregate_type = 'part' AND e.aspect = 'content' AND v.part_id = e.aggregate_id AND v.version_number = e.version
        WHERE (aggregate_type = 'part' AND aggregate_id = ANY(%s)) OR (aggregate_type = 'category' AND aggregate_id = ANY(%s))
        GROUP BY aggregate_type, aggregate_id, aspect)
    SELECT * FROM expected
    WHERE events <> newest OR audited <> newest OR (aggregate_type = 'part' AND aspect = 'content' AND snapshots <> newest)
"""
ROWS = """
    SELECT p.id, p.version = (SELECT max(version_number) FROM part_content_versions v WHERE v.part_id = p.id) AS content,
           1 = (SELECT count(*) FROM part_content_versions v WHERE v.part_id = p.id AND v.is_active) AS active
    FROM parts p WHERE p.id = ANY(%s)
"""
STEPS = """
    SELECT v.part_id, v.version_number, v.content_snapshot AS snapshot, l.new_values
    FROM part_content_versions v
    JOIN outbox_events e ON e.aggregate_type = 'part' AND e.aspect = 'content' AND e.aggregate_id = v.part_id
                        AND e.version = v.version_number
    JOIN data_change_logs l USING (event_id)
    WHERE v.part_id = ANY(%s) ORDER BY v.part_id, v.version_number
"""
RESTORES = """
    SELECT r.part_id, r.version_number, r.content_snapshot AS restored, o.content_snapshot AS original
    FROM outbox_events e
    JOIN part_content_versions r ON r.part_id = e.aggregate_id AND r.version_number = e.version
    JOIN part_content_versions o
      ON o.part_id = r.part_id AND o.version_number = substring(e.payload ->> 'reason' FROM '^Restored version ([0-9]+)')::int
    WHERE e.aggregate_type = 'part' AND e.aspect = 'content' AND e.aggregate_id = ANY(%s)
"""


def wrong_steps(system: System, shop: Shop) -> list[str]:
    """Return the versions that are not the one before with the audited changes applied."""
    found, before = [], {}
    for row in query(system, STEPS, list(shop.parts)):
        columns = [name for name in RESTORED if name != "images"]  # the trail names pictures in another form
        expected = {name: row["new_values"].get(name, before.get(name)) for name in columns}
        before = row["snapshot"]
        if {name: before[name] for name in columns} != expected:
            found.append(f"part {row['part_id']} version {row['version_number']}: {before}, expected {expected}")
    return found


def complaints(system: System, shop: Shop) -> list[str]:
    """Return whatever is not as it must be."""
    if owed(system):
        return [f"{owed(system)} deliveries are owed"]
    found = [f"gap: {row}" for row in query(system, GAPS, list(shop.parts), list(shop.categories))]
    found += [f"row: {row}" for row in query(system, ROWS, list(shop.parts)) if not (row["content"] and row["active"])]
    events = query(system, "SELECT request_id, count(*) AS n FROM outbox_events WHERE request_id LIKE 'op-%%' GROUP BY 1")
    unknown = {row["request_id"] for row in events} - shop.acknowledged.keys()
    found += [f"refused, yet it happened: {unknown}"] if unknown else []
    return found


def chain(system: System) -> Verification:
    """Walk along the audit trail's hash chain."""
    assert system.stack is not None
    engine = connect(system.stack.settings.database_url)
    try:
        return audit_chain.verify(single_statements(engine), None)
    finally:
        engine.dispose()


@pytest.mark.timeout(1800)
def test_no_gap_and_no_wrong_version_after_many_operations_with_worker_kills(system: System) -> None:
    with httpx.Client(base_url=f"{system.url}{API}/admin", headers={"Authorization": f"Bearer {system.key}"}) as client:
        made = [client.post("/categories", json={"name": f"Category {n} {time.time_ns()}"}) for n in range(6)]
        shop = Shop(system.make_parts(40), [answer.json()["id"] for answer in made])
        kills = run_writers(system, shop, OPERATIONS)
        assert kills >= 2
        assert not [outcome for outcome in shop.outcomes if outcome[1] >= 500 or outcome[1] in {400, 401, 403}], shop.outcomes
        assert {kind for kind, status in shop.outcomes if status < 300} == WEIGHTS.keys(), shop.outcomes
        assert_converges(lambda: complaints(system, shop), CONVERGENCE)
        assert wrong_steps(system, shop) == []
        restores = query(system, RESTORES, list(shop.parts))
        assert restores
        for row in restores:
            for name in RESTORED:
                assert row["restored"][name] == row["original"][name], (row["part_id"], row["version_number"], name)
        status = {part: client.get(f"/parts/{part}").json() for part in shop.parts}
        for part, held in status.items():
            shown = httpx.get(f"{system.url}{API}/parts/{part}")
            if held["status"] == "published":
                assert shown.json()["versions"] == held["versions"]
                assert shown.json()["category"] == held["category"]
            else:
                assert shown.status_code == httpx.codes.NOT_FOUND
    assert list(chain(system).broken) == []
