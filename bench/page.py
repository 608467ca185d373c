"""An open page that behaves as the contract tells clients to.

It watches on every connection, on `resync` and at intervals, applies an event only if it is newer than what it holds, and treats
the answer to `watch` as the truth.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import socketio
import websocket

CUSTOMERS = "/customers"
ASPECTS = {"content.updated": "content", "stock.updated": "stock", "price.updated": "price"}
Part = dict[str, Any]
Seen = Callable[[dict[str, Any], float], None]


class ClosingWebSocket(websocket.WebSocket):
    """A WebSocket that is closed when it breaks. The library leaves one that was reset to the garbage collector."""

    def recv(self) -> str | bytes:
        """Return the next message."""
        try:
            message: str | bytes = super().recv()
        except BaseException:
            self.shutdown()  # type: ignore[no-untyped-call]
            raise
        return message


class Page:
    """A page that shows some parts. Use it as a context manager; `shown` is what a customer sees.

    Args:
        watch_every: seconds between two regular watches.
        on_event: called with each event that was applied, and the time (`time.perf_counter`) of its arrival.
    """

    def __init__(self, url: str, part_ids: Iterable[int], watch_every: float = 20.0, on_event: Seen | None = None) -> None:
        self._url = url
        self._ids = list(part_ids)
        self._every = watch_every
        self._on_event = on_event
        self._lock = threading.RLock()
        self._parts: dict[int, Part] = {}
        self._closing = threading.Event()
        self._watched = threading.Event()
        # Events that arrive while an answer to `watch` is pending are applied on top of it.
        self._since: list[dict[str, Any]] | None = None
        self._connection = 0
        self._again = False
        self.went_back: list[str] = []
        self.counts = {"connections": 0, "watches": 0, "resyncs": 0, "events": 0, "applied": 0, "refusals": 0}
        self._client = socketio.Client(
            reconnection_delay=0.1, reconnection_delay_max=0.5, randomization_factor=0.5,
            websocket_extra_options={"class_": ClosingWebSocket},
        )  # fmt: skip
        for event in ASPECTS:
            self._client.on(event, self._event, namespace=CUSTOMERS)
        self._client.on("part.deleted", self._removed, namespace=CUSTOMERS)
        self._client.on("part.restored", lambda _event: self.watch(), namespace=CUSTOMERS)
        self._client.on("resync", self._resync, namespace=CUSTOMERS)
        self._client.on("connect", self._connected, namespace=CUSTOMERS)
        self._timer = threading.Thread(target=self._watch_at_times, daemon=True)

    def __enter__(self) -> "Page":
        """Open it, and wait until it shows something."""
        self._client.connect(self._url, namespaces=[CUSTOMERS], transports=["websocket"], wait_timeout=10)
        self._timer.start()
        if not self._watched.wait(10):
            raise TimeoutError("no answer to watch")
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it."""
        self._closing.set()
        self._timer.join()
        self._client.disconnect()
        self._client.wait()

    def shown(self) -> dict[int, Part]:
        """Return what the page shows, by part."""
        with self._lock:
            return dict(self._parts)

    def watch(self) -> None:
        """Ask for whatever differs from what is held; one request at a time."""
        with self._lock:
            if self._since is not None:
                self._again = True
                return
            self._since = []
            self.counts["watches"] += 1
            held = {str(i): self._parts[i]["versions"] if i in self._parts else None for i in self._ids}
            connection = self._connection
        try:
            self._client.emit(
                "watch", {"parts": held}, namespace=CUSTOMERS, callback=lambda answer: self._answered(connection, answer)
            )
        except socketio.exceptions.BadNamespaceError:
            with self._lock:
                self._since = None  # not connected; the next connection watches

    def _answered(self, connection: int, answer: dict[str, Any]) -> None:
        with self._lock:
            if connection != self._connection:
                return
            since, self._since = self._since or [], None
            if "error" in answer:
                self.counts["refusals"] += 1
                for event in since:
                    self._apply(event)
                threading.Timer(answer["error"].get("retry_after", 1.0), self.watch).start()
                return
            before = dict(self._parts)
            self._parts |= {part["id"]: part for part in answer["parts"]}
            for part_id in answer["gone"]:
                self._parts.pop(part_id, None)
            for event in since:
                self._apply(event)
            self._compare(before)
            again, self._again = self._again, False
        self._watched.set()
        if again:
            self.watch()

    def _compare(self, before: dict[int, Part]) -> None:
        for part_id, part in self._parts.items():
            for aspect, version in before.get(part_id, part)["versions"].items():
                if part["versions"][aspect] < version:
                    self.went_back.append(f"part {part_id} {aspect}: {version} -> {part['versions'][aspect]}")

    def _event(self, event: dict[str, Any]) -> None:
        arrived = time.perf_counter()
        with self._lock:
            self.counts["events"] += 1
            if self._since is not None:
                self._since.append(event)
            applied = self._apply(event)
            self.counts["applied"] += applied
        if applied and self._on_event:
            self._on_event(event, arrived)

    def _apply(self, event: dict[str, Any]) -> bool:
        part, aspect = self._parts.get(event["part_id"]), ASPECTS[event["type"]]
        if part is None or event["version"] <= part["versions"][aspect]:
            return False
        data = dict(event["data"])
        changed = {"updated_at": max(part["updated_at"], data.pop("updated_at"))}
        changed["versions"] = part["versions"] | {aspect: event["version"]}
        match aspect:
            case "content":
                changed |= data
            case "stock":
                changed["stock"] = data
            case "price":
                changed["price"] = data["price"]
        self._parts[event["part_id"]] = part | changed
        return True

    def _removed(self, event: dict[str, Any]) -> None:
        with self._lock:
            part = self._parts.get(event["part_id"])
            if part is None or event["version"] <= part["versions"]["content"]:
                self.watch()
            else:
                del self._parts[event["part_id"]]

    def _resync(self, _body: object = None) -> None:
        self.counts["resyncs"] += 1
        self.watch()

    def _connected(self) -> None:
        with self._lock:
            self._connection += 1
            self._since = None
            self.counts["connections"] += 1
        self.watch()

    def _watch_at_times(self) -> None:
        while not self._closing.wait(self._every):
            self.watch()
