"""Records one real request and answer of each call as the examples of the OpenAPI document: `make examples` runs it.

It plays a small shop through the API, on servers of its own, so the examples are what the calls really return.
"""

import io
import json
import sys
from pathlib import Path
from typing import Any

from flask import Flask
from PIL import Image
from pyotp import TOTP
from werkzeug.test import TestResponse

from app.commands import console
from app.container import Container
from app.contract.drift import Difference, Drift, DriftKind
from app.contract.task_names import Effect
from app.factory import create_app
from app.services import staff
from app.store import drift
from bench.system import wait_until
from config import REPOSITORY, load_settings
from tests.flow.device import Device

FILE = REPOSITORY / "app" / "api" / "examples.json"
EMAIL, PASSWORD = "anna@shop.example", "correct horse battery staple"
BEARING = {
    "sku": "6205-2RS", "part_name": "Deep groove ball bearing 6205-2RS", "status": "published",
    "description": "<p>Sealed on <strong>both</strong> sides.</p>", "manufacturer": "ACME", "manufacturer_number": "6205 2RS1",
    "specifications": [{"name": "Bore", "value": "25", "unit": "mm"}],
    "prices": [{"currency": "EUR", "amount": "12.50"}, {"currency": "EUR", "amount": "11.20", "min_quantity": 10}],
    "stock": {"current_stock": 40, "min_stock_level": 5},
}  # fmt: skip


class Recorder:
    """Makes calls and keeps what was sent and answered."""

    def __init__(self, app: Flask, container: Container) -> None:
        self._app = app
        self._container = container
        self._client = app.test_client()
        self._headers: dict[str, str] = {}
        self.examples: dict[str, dict[str, Any]] = {}
        # Of the last write.
        self.event_id = ""

    def finish_imports(self) -> None:
        """Do the worker's job."""
        while self._container.import_jobs.work():
            pass

    def find_drift(self) -> None:
        """Find what nobody has planted, as a web process would."""
        with self._container.reading.connect() as connection:
            since = drift.since(connection, "part", 1, "stock", 2)
            wrong = (Difference("stock.current_stock", 40, 38), Difference("versions.stock", 1, 2))
            found = Drift(DriftKind.CACHE_STALE, "part 1", wrong, "web 4711 on shop-1", since, is_repaired=True)
            drift.record(connection, [found])

    def log_in(self) -> None:
        """Log in, and continue as that user."""
        self._headers["X-CSRF-Token"] = self.call("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})["csrf_token"]

    def change_password(self) -> None:
        """Change the password, and continue with the session that this opens."""
        body = {"current_password": PASSWORD, "new_password": f"another {PASSWORD}"}
        self._headers["X-CSRF-Token"] = self.call("PUT", "/auth/password", body)["csrf_token"]

    def log_in_by(self, device: Device) -> None:
        """Log in with a passkey, and continue with the session that this opens."""
        given = self.call("POST", "/auth/passkey-challenge")
        answer = {"ticket": given["ticket"], "credential": device.use(given["options"])}
        self._headers["X-CSRF-Token"] = self.call("POST", "/auth/login/passkey", answer)["csrf_token"]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **options: Any) -> Any:
        """Make a call, record it, and return its answer."""
        response = self._client.open(f"/api/v1{path}", method=method, json=body, headers=self._headers, **options)
        if not 200 <= response.status_code < 300:
            sys.exit(f"{method} {path}: {response.status_code} {response.get_data(as_text=True)}")
        with self._app.test_request_context(f"/api/v1{path}", method=method) as context:
            rule = context.request.url_rule
        assert rule is not None
        recorded = self.examples.setdefault(rule.endpoint.replace(".", "_"), {})
        if body is not None:
            recorded["request"] = body
        recorded["response"] = _shown(response)
        self.event_id = response.headers.get("X-Event-IDs", self.event_id).split(",")[0]
        for effect in Effect:
            self._container.deliveries.deliver(effect)
        return response.get_json(silent=True)


def _shown(response: TestResponse) -> Any:
    return response.get_json() if response.is_json else response.get_data(as_text=True)


def play(recorder: Recorder) -> None:
    """Play the shop: every call once."""
    call = recorder.call
    recorder.log_in()
    call("GET", "/auth/me")
    bearings = call("POST", "/admin/categories", {"name": "Bearings"})["id"]
    balls = call("POST", "/admin/categories", {"name": "Ball bearings", "parent_id": bearings})["id"]
    part = call("POST", "/admin/parts", {**BEARING, "category_id": balls})["id"]
    other = {"sku": "6206-2RS", "part_name": "Deep groove ball bearing 6206-2RS", "slug": "6206-2rs", "category_id": balls}
    call("POST", "/admin/parts", {**BEARING, **other})
    here = f"/admin/parts/{part}"
    call("PUT", here, {"part_name": "Sealed ball bearing 6205-2RS", "version": 1, "reason": "clearer name"})
    call("PUT", f"{here}/specifications", {"specifications": [{"name": "Bore", "value": "25", "unit": "mm", "group": "Size"}]})
    call("PUT", f"{here}/prices", {"prices": BEARING["prices"][:1]})
    call("PUT", f"{here}/stock", {"current_stock": 38, "version": 1, "reason": "stocktaking"})
    call("POST", f"{here}/stock/adjustments", {"delta": -2, "reason": "sold at the counter"})
    delivery = [{"sku": "6206-2RS", "delta": 12}, {"part_id": part, "current_stock": 36, "version": 3}]
    call("POST", "/admin/stock/bulk", {"changes": delivery, "reason": "delivery 4711"})
    call("POST", "/admin/parts/bulk", {"part_ids": [part], "set": {"status": "published", "category_id": bearings}})
    call("GET", f"/admin/events/{recorder.event_id}")
    _play_pictures(recorder, here)
    call("GET", f"{here}/versions")
    call("GET", f"{here}/versions/1")
    call("GET", f"{here}/versions/1/diff?to=2")
    call("POST", f"{here}/versions/1/restore", {"fields": ["part_name"], "reason": "the old name sold better"})
    seen = call("GET", here)["updated_at"]
    call("GET", f"{here}/as-of?at={seen.replace('+', '%2B')}")
    call("GET", "/admin/parts?q=bearing&limit=1")
    _play_shop_window(recorder, part)
    call("PUT", f"/admin/categories/{balls}", {"name": "Deep groove ball bearings", "version": 1})
    form = {"image": (_picture("silver"), "balls.png"), "alt": "A ball bearing"}
    call("POST", f"/admin/categories/{balls}/picture", data=form, content_type="multipart/form-data")
    call("GET", "/admin/categories")
    call("GET", f"/admin/categories/{balls}")
    call("DELETE", here)
    call("POST", f"{here}/restore")
    call("DELETE", f"/admin/categories/{balls}?target={bearings}")
    _play_imports(recorder)
    call("GET", "/admin/audit?limit=1")
    call("GET", "/admin/audit.csv?operation=DELETE")
    recorder.find_drift()
    call("GET", "/admin/sync/status")
    call("GET", "/admin/overview")
    call("GET", f"/admin/open-pages?part_ids={part}")
    call("GET", "/admin/sync/dead-letters")
    call("POST", "/admin/sync/replay")
    call("POST", "/admin/sync/discard", {"effect": "broadcast", "error": "ValueError", "reason": "of a part that is gone"})
    call("POST", "/admin/sync/reconcile?dry_run=true")
    _play_people(recorder)
    _play_account(recorder)


def _play_people(recorder: Recorder) -> None:
    ben = recorder.call("POST", "/admin/users", {"email": "ben@shop.example", "name": "Ben", "role": "stock"})["id"]
    recorder.call("PUT", f"/admin/users/{ben}", {"role": "editor", "version": 1, "reason": "writes the texts now"})
    recorder.call("POST", f"/admin/users/{ben}/password", {"reason": "forgotten"})
    recorder.call("GET", "/admin/users")
    till = {"name": "till", "role": "stock", "scopes": ["read", "stock:write"], "expires_at": "2100-01-01T00:00:00Z"}
    key = recorder.call("POST", "/admin/api-keys", till)["id"]
    recorder.call("GET", "/admin/api-keys")
    recorder.call("DELETE", f"/admin/api-keys/{key}?reason=replaced")


def _play_account(recorder: Recorder) -> None:
    recorder.call("GET", "/auth/sessions")
    recorder.change_password()
    recorder.call("POST", "/auth/step-up", {"password": f"another {PASSWORD}"})
    offer = recorder.call("POST", "/auth/second-factor")
    code = TOTP(offer["secret"]).now()
    codes = recorder.call("PUT", "/auth/second-factor", {"ticket": offer["ticket"], "code": code})["recovery_codes"]
    recorder.call("GET", "/auth/second-factor")
    recorder.call("POST", "/auth/second-factor/off", {"password": f"another {PASSWORD}", "code": codes[0]})
    device, offer = Device(), recorder.call("POST", "/auth/passkeys/offer")
    made = {"name": "Laptop", "ticket": offer["ticket"], "credential": device.make(offer["options"])}
    passkey = recorder.call("POST", "/auth/passkeys", made)["id"]
    recorder.log_in_by(device)
    recorder.call("GET", "/auth/passkeys")
    recorder.call("DELETE", f"/auth/passkeys/{passkey}")
    recorder.call("POST", "/auth/logout")


def _play_pictures(recorder: Recorder, here: str) -> None:
    ids = []
    for color in ("silver", "gray"):
        form = {"image": (_picture(color), "bearing.png"), "alt": "The bearing from the front"}
        answer = recorder.call("POST", f"{here}/images", data=form, content_type="multipart/form-data")
        ids.append(answer["images"][-1]["id"])
    recorder.call("PUT", f"{here}/images/order", {"image_ids": ids[::-1]})
    recorder.call("PUT", f"{here}/images/{ids[0]}", {"alt": "The bearing from the side"})
    recorder.call("DELETE", f"{here}/images/{ids[1]}")


def _picture(color: str) -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (640, 480), color).save(file, "PNG")
    file.seek(0)
    return file


def _play_shop_window(recorder: Recorder, part: int) -> None:
    lists = ("/parts?q=bearing&limit=1", "/parts/facets?q=bearing", "/parts/suggest?q=bear&limit=2", "/categories")
    for path in (*lists, f"/parts/{part}", f"/pdp/{part}"):
        recorder.call("GET", path)
    for count in (-36, 36):
        recorder.call("POST", f"/admin/parts/{part}/stock/adjustments", {"delta": count, "reason": "counted again"})
    recorder.call("GET", "/parts/restocked?limit=1")
    recorder.call("GET", "/parts/by-sku?sku=6206-2RS&sku=6207-2RS")
    lines = [{"sku": "6206-2RS", "quantity": 60}, {"text": "bearing 6205", "quantity": 12}]
    recorder.call("POST", "/parts/lookup", {"lines": lines})


def _play_imports(recorder: Recorder) -> None:
    lines = b'SKU,Name,Category,Regular price,Sale price\n6207-2RS,Bearing 6207-2RS,Bearings > Ball bearings,"14,00","12,00"\n'
    form = {"file": (io.BytesIO(lines), "wrong.csv"), "currency": "EUR"}
    job = recorder.call("POST", "/admin/imports", data=form, content_type="multipart/form-data")["id"]
    recorder.call("POST", f"/admin/imports/{job}/cancel")
    form = {"file": (io.BytesIO(lines), "parts.csv"), "currency": "EUR"}
    job = recorder.call("POST", "/admin/imports?dry_run=true", data=form, content_type="multipart/form-data")["id"]
    recorder.finish_imports()
    recorder.call("GET", f"/admin/imports/{job}")
    recorder.call("GET", f"/admin/imports/{job}/errors.csv")
    recorder.call("GET", "/admin/imports")
    form = {"file": (io.BytesIO(b"SKU,Name\n6207-2RS,Bearing 6207-2RS\n"), "parts.csv")}
    done = recorder.call("POST", "/admin/imports", data=form, content_type="multipart/form-data")["id"]
    recorder.finish_imports()
    recorder.call("POST", f"/admin/imports/{done}/undo")
    recorder.finish_imports()


def main() -> None:
    """Play the shop and write the file."""
    app = create_app(load_settings())
    container: Container = app.extensions["lockstep"]
    with app.app_context():
        staff.create_user(container.transactions, console.system(container), EMAIL, "Anna", PASSWORD, "admin")
    # Else the first answers would come from the database, until the cache is proven fresh.
    assert wait_until(lambda: container.consistency.sweep() or container.cache.is_fresh)
    recorder = Recorder(app, container)
    play(recorder)
    container.close()
    Path(FILE).write_text(json.dumps(recorder.examples, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
