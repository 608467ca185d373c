"""The OpenAPI document, checked against the running system: what it allows is accepted, what it forbids is refused, and every
answer matches it. Schemathesis generates the requests; the stateful phase follows the links between the calls."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from bench.system import System, own_stack, wait_until
from config import REPOSITORY
from tests.sample_pictures import jpeg

HERE = Path(__file__).parent
# Requests per operation and phase; `make soak` takes more.
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "10")
SEED = os.environ.get("SCHEMATHESIS_SEED", "1")
# Logging in too often is refused, an API key has no log-in of its own, and a healthy shop has no dead letter.
NEVER_WELL = {
    "POST /api/v1/auth/login", "PUT /api/v1/auth/password", "GET /api/v1/auth/sessions",
    "DELETE /api/v1/auth/sessions/{session_id}", "GET /api/v1/auth/second-factor", "POST /api/v1/auth/second-factor",
    "PUT /api/v1/auth/second-factor", "POST /api/v1/auth/second-factor/off", "POST /api/v1/auth/step-up",
    "POST /api/v1/auth/login/passkey",
    "GET /api/v1/auth/passkeys", "POST /api/v1/auth/passkeys", "POST /api/v1/auth/passkeys/offer",
    "DELETE /api/v1/auth/passkeys/{passkey_id}",
    "DELETE /api/v1/admin/users/{user_id}/second-factor", "POST /api/v1/admin/sync/dead-letters/{event_id}/replay",
    "POST /api/v1/admin/sync/dead-letters/{event_id}/discard",
}  # fmt: skip


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system of its own: what is guessed here would change and archive parts that other tests look at."""
    with own_stack(tmp_path_factory.mktemp("guessed")) as started:
        yield started


@pytest.fixture
def shop(system: System) -> dict[str, Any]:
    """Two published parts with pictures, a cancelled import, an event, a person, an API key, and the keys there were before."""
    headers = {"Authorization": f"Bearer {system.key}"}
    with httpx.Client(base_url=f"{system.url}/api/v1/admin", headers=headers, timeout=30) as client:
        parts, images = [], []
        # Schemathesis guesses, and archives, the lowest ids.
        for pictures in (*[0] * 20, 2, 1):
            created = client.post("/parts", json={"sku": uuid4().hex, "part_name": "Shown", "status": "published"})
            made, event = created.json(), created.headers["X-Event-IDs"].split(",")[0]
            for _ in range(pictures):
                file = {"image": ("part.jpg", jpeg())}
                answer = client.post(f"/parts/{made['id']}/images", files=file).json()
                images.append(answer["images"][-1]["id"])
            parts.append(made["id"])

        def cancelled() -> bool:
            # Unless a worker was faster.
            jobs.append(client.post("/imports", files={"file": ("parts.csv", b"sku,part_name\nx,y\n")}).json()["id"])
            return client.post(f"/imports/{jobs[-1]}/cancel").status_code == httpx.codes.OK

        jobs: list[int] = []
        assert wait_until(cancelled)
        keys = [key["id"] for key in client.get("/api-keys", params={"limit": 200}).json()["items"]]
        key = client.post("/api-keys", json={"name": "to be revoked", "role": "viewer"}).json()["id"]
        user = client.post("/users", json={"email": f"{uuid4().hex}@shop.example", "role": "viewer"}).json()["id"]
    shown = {"shown": parts[-2], "images": images[:2], "changed": parts[-1], "image": images[2], "job": jobs[-1]}
    return shown | {"event": event, "keys": keys, "key": key, "user": user}


@pytest.mark.timeout(600)
def test_the_document_says_what_the_server_does(system: System, shop: dict[str, Any], tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml"),
        "run", f"{system.url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {system.key}",
        "--max-examples", EXAMPLES, "--seed", SEED, "--report", "ndjson", "--report-dir", str(tmp_path),
    ]  # fmt: skip
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"), "SCHEMATHESIS_SHOP": json.dumps(shop), "PYTHONPATH": str(REPOSITORY),
    }  # fmt: skip
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (report,) = tmp_path.glob("*.ndjson")
    answered = statuses(report)
    document = httpx.get(f"{system.url}/api/v1/openapi.json").json()
    calls = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item if method != "parameters"}
    assert {call for call in calls if not any(200 <= status < 300 for status in answered[call])} <= NEVER_WELL


def statuses(report: Path) -> dict[str, set[int]]:
    """Return the statuses that each call has answered with: checking answers that never come would check nothing."""
    found: dict[str, set[int]] = defaultdict(set)
    with report.open() as lines:
        for line in lines:
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder") or {}
            for case_id, interaction in recorder.get("interactions", {}).items():
                case = recorder["cases"][case_id]["value"]
                if interaction["response"]:
                    found[f"{case['method']} {case['path']}"].add(interaction["response"]["status_code"])
    return found
