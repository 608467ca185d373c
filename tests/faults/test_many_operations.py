"""Random operations of every kind from several writers while the workers are killed: no gap in the records, every version exact.

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
from datetime import UTC, datetime, timedelta
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
# What a version restored in full has in common with the one that it was made from: all but the status.
COLUMNS = (
    "sku", "slug", "part_name", "description", "category_id", "manufacturer", "manufacturer_number", "specifications",
)  # fmt: skip
RESTORED = (*COLUMNS, "images")
Call = tuple[str, str, dict[str, Any]]
# What a call's answer gives the version of, where it is not the part's content.
ASPECTS = {"stock": "stock", "adjust": "stock", "price": "price", "dated price": "price"}


@dataclass
class Shop:
    """What the writers work on, and what they were told."""

    parts: Sequence[int]
    categories: Sequence[int]
    outcomes: Counter[tuple[str, int]] = field(default_factory=Counter)
    acknowledged: dict[str, tuple[str, int, str, int]] = field(default_factory=dict)


def picture(color: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (color % 256, color // 256 % 256, 7)).save(file, "PNG")
    return file.getvalue()


def operations(dice: random.Random, shop: Shop) -> dict[str, Call]:
    """Return one call of each kind, over a random part and category."""
    part, category, number = dice.choice(shop.parts), dice.choice(shop.categories), dice.randrange(10**9)
    words = " ".join(dice.choices(["bolt", "steel", "M8", "zinc", "<b>hard</b>", "5 < 6"], k=5))
    prices = [{"currency": "EUR", "amount": f"{dice.randrange(1, 99)}.50", "min_quantity": n} for n in (1, 10)]
    begins = datetime.now(UTC) + timedelta(seconds=dice.uniform(0.2, 4))
    period = {"valid_from": begins.isoformat(), "valid_to": (begins + timedelta(seconds=dice.uniform(0.2, 4))).isoformat()}
    specifications = [{"name": name, "value": str(dice.randrange(9))} for name in dice.sample(["Bore", "Width", "Mass"], 2)]
    other = dice.choice(shop.categories)
    return {
        "stock": ("PUT", f"/parts/{part}/stock", {"json": {"current_stock": number % 1000}}),
        "adjust": ("POST", f"/parts/{part}/stock/adjustments", {"json": {"delta": 1, "reason": "counted"}}),
        "name": ("PUT", f"/parts/{part}", {"json": {"part_name": f"Part {number}", "description": words}}),
        "category": ("PUT", f"/parts/{part}", {"json": {"category_id": category}}),
        "price": ("PUT", f"/parts/{part}/prices", {"json": {"prices": prices}}),
        "dated price": ("PUT", f"/parts/{part}/prices", {"json": {"prices": [*prices, prices[0] | {"amount": "0.99"} | period]}}),
        "specifications": ("PUT", f"/parts/{part}/specifications", {"json": {"specifications": specifications}}),
        "picture": ("POST", f"/parts/{part}/images", {"files": {"image": ("a.png", picture(number), "image/png")}}),
        "archive": ("DELETE", f"/parts/{part}", {}),
        "unarchive": ("POST", f"/parts/{part}/restore", {}),
        "restore": ("POST", f"/parts/{part}/versions/{dice.randrange(1, 12)}/restore", {}),
        "rename": ("PUT", f"/categories/{category}", {"json": {"name": f"Category {category} {number % 50}"}}),
        "move": ("PUT", f"/categories/{category}", {"json": {"parent_id": other}}),
    }


WEIGHTS = {
    "stock": 6, "adjust": 6, "name": 6, "category": 2, "price": 4, "dated price": 2, "specifications": 4, "picture": 2,
    "archive": 1, "unarchive": 4, "restore": 6, "rename": 1, "move": 1,
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
                aggregate = "category" if path.startswith("/categories") else "part"
                aspect = ASPECTS.get(kind, "content")
                shop.acknowledged[request_id] = aggregate, int(path.split("/")[2]), aspect, answer.json()["version"]


def run_writers(system: System, shop: Shop, most: int) -> int:
    """Let the writers make `most` calls while the workers are killed in turn, again and again; return how often."""
    made, lock = iter(range(most)), threading.Lock()

    def left() -> bool:
        with lock:
            return next(made, None) is not None

    threads = [threading.Thread(target=write, args=(system, shop, seed, left)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    kills = 0
    while any(thread.is_alive() for thread in threads):
        victim = ("worker", "worker-live")[kills % 2]
        dead = kill(system, victim)
        kills += 1
        pid(system, victim, other_than=dead)
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
# Each aspect's row is its newest event's, one version is the active one, and no price is still to begin or to end.
ROWS = """
    SELECT p.id, p.version, p.price_version, s.version AS stock_version, e.newest, v.active, p.price_boundary
    FROM parts p JOIN stock_levels s ON s.part_id = p.id
    CROSS JOIN LATERAL (SELECT jsonb_object_agg(aspect, version) AS newest FROM (
        SELECT aspect, max(version) AS version FROM outbox_events WHERE aggregate_type = 'part' AND aggregate_id = p.id
        GROUP BY aspect) by_aspect) e
    CROSS JOIN LATERAL (SELECT array_agg(version_number) AS active FROM part_content_versions
                        WHERE part_id = p.id AND is_active) v
    WHERE p.id = ANY(%s) AND (
        e.newest <> jsonb_build_object('content', p.version, 'price', p.price_version, 'stock', s.version)
        OR v.active <> ARRAY[p.version] OR p.price_boundary IS NOT NULL)
"""
# One audit row for each event, which says what the event says, and none beside; other tests have changes of their own.
AUDITED = """
    SELECT e.event_id AS event, l.event_id AS audited
    FROM (SELECT * FROM outbox_events
          WHERE (aggregate_type = 'part' AND aggregate_id = ANY(%s))
             OR (aggregate_type = 'category' AND aggregate_id = ANY(%s))) e
    FULL JOIN (SELECT * FROM data_change_logs
               WHERE part_id = ANY(%s) OR (table_name = 'categories' AND record_id = ANY(%s))) l
      ON l.event_id = e.event_id AND l.version = e.version AND l.changed_by = e.actor_id AND l.changed_at = e.created_at
      AND l.request_id IS NOT DISTINCT FROM e.request_id
      AND l.old_values IS NOT DISTINCT FROM NULLIF(e.payload -> 'old_values', 'null')
    WHERE e.event_id IS NULL OR l.event_id IS NULL LIMIT 20
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
        # The trail names pictures in another form.
        expected = {name: row["new_values"].get(name, before.get(name)) for name in COLUMNS}
        before = row["snapshot"]
        if {name: before[name] for name in COLUMNS} != expected:
            found.append(f"part {row['part_id']} version {row['version_number']}: {before}, expected {expected}")
    return found


def complaints(system: System, shop: Shop) -> list[str]:
    """Return whatever is not as it must be."""
    if owed(system):
        return [f"{owed(system)} deliveries are owed"]
    found = [f"gap: {row}" for row in query(system, GAPS, list(shop.parts), list(shop.categories))]
    found += [f"row: {row}" for row in query(system, ROWS, list(shop.parts))]
    found += [f"audit: {row}" for row in query(system, AUDITED, *(list(ids) for ids in (shop.parts, shop.categories) * 2))]
    events = query(system, "SELECT request_id, aggregate_type, aggregate_id, aspect, version FROM outbox_events")
    asked = {row["request_id"] for row in events if str(row["request_id"]).startswith("op-")}
    found += [f"refused, yet it happened: {request}" for request in asked - shop.acknowledged.keys()]
    made = {(row["aggregate_type"], row["aggregate_id"], row["aspect"], row["version"]) for row in events}
    found += [f"acknowledged, yet not there: {lost}" for lost in set(shop.acknowledged.values()) - made]
    return found


def wrong_answers(system: System, shop: Shop, client: httpx.Client) -> list[str]:
    """Return the parts that the panel shows otherwise than their newest version, or customers otherwise than the panel."""
    found, newest = [], {row["part_id"]: row["snapshot"] for row in query(system, STEPS, list(shop.parts))}
    for part in shop.parts:
        held, shown = client.get(f"/parts/{part}").json(), httpx.get(f"{system.url}{API}/parts/{part}")
        content = [(held[name], newest[part][name]) for name in COLUMNS]
        pictures = [[image["id"] for image in content["images"]] for content in (held, newest[part])]
        if pictures[0] != pictures[1] or any(left != right for left, right in content):
            found.append(f"part {part} is held as {held}, its newest version says {newest[part]}")
        public = (shown.json()["versions"], shown.json()["category"]) if shown.is_success else shown.status_code
        expected = (held["versions"], held["category"]) if held["status"] == "published" else httpx.codes.NOT_FOUND
        if public != expected:
            found.append(f"customers are shown part {part} as {public}, not {expected}")
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
        assert wrong_answers(system, shop, client) == []
    assert list(chain(system).broken) == []
