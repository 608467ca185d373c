"""Traces: with a collector, one from a request to what pages are sent; without, nothing."""

import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bench.system import System, own_stack, wait_until
from config import REPOSITORY
from tests.live.conftest import CUSTOMERS, Listener


class Collector(ThreadingHTTPServer):
    """Receives spans over OTLP/HTTP; while `answers` is not set, whoever sends some waits."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiving)
        self.spans: list[Span] = []
        self.asked, self.answers = threading.Event(), threading.Event()
        self.answers.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def named(self, trace_id: str, name: str) -> list[Span]:
        return [span for span in [*self.spans] if span.trace_id.hex() == trace_id and span.name == name]


class _Receiving(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.set()
        self.server.answers.wait()
        sent = ExportTraceServiceRequest.FromString(body).resource_spans if self.path == "/v1/traces" else ()
        self.server.spans += [span for resource in sent for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.answers.set()
        running.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    home = tmp_path_factory.mktemp("traced")
    with own_stack(home, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="100") as system:
        yield system


def write(system: System, part_id: int, **headers: str) -> httpx.Response:
    address = f"{system.url}/api/v1/admin/parts/{part_id}/stock"
    # Whatever it was: nothing follows from a change that is none.
    body = {"current_stock": 2_000 + secrets.randbelow(1_000_000)}
    answer = httpx.put(address, json=body, headers={"Authorization": f"Bearer {system.key}", **headers})
    assert answer.status_code == 200, answer.text
    return answer


def test_one_trace_leads_from_the_callers_request_to_what_a_page_is_sent(traced: System, collector: Collector) -> None:
    [part_id] = traced.make_parts(1)
    page = Listener(traced.url, CUSTOMERS)
    page.call("watch", {"parts": {str(part_id): None}})
    trace, caller = secrets.token_hex(16), secrets.token_hex(8)
    write(traced, part_id, traceparent=f"00-{trace}-{caller}-01")
    assert page.heard("stock.updated", part_id=part_id)
    page.client.disconnect()
    route = "PUT /api/v1/admin/parts/<id:part_id>/stock"
    names = [route, "unit of work", "invalidate", "deliver broadcast", "deliver persist_audit", "emit stock.updated"]
    assert wait_until(lambda: all(collector.named(trace, name) for name in names)), [span.name for span in collector.spans]
    request, work, invalidation, told, recorded, emitted = (collector.named(trace, name)[0] for name in names)
    assert request.parent_span_id.hex() == caller
    assert work.parent_span_id == invalidation.parent_span_id == request.span_id
    assert told.parent_span_id == recorded.parent_span_id == work.span_id
    assert emitted.parent_span_id == told.span_id


def test_what_the_caller_does_not_want_sampled_is_not(traced: System, collector: Collector) -> None:
    [part_id] = traced.make_parts(1)
    unwanted, wanted = secrets.token_hex(16), secrets.token_hex(16)
    write(traced, part_id, traceparent=f"00-{unwanted}-{secrets.token_hex(8)}-00")
    write(traced, part_id, traceparent=f"00-{wanted}-{secrets.token_hex(8)}-01")
    assert wait_until(lambda: collector.named(wanted, "deliver persist_audit"))
    assert unwanted not in {span.trace_id.hex() for span in collector.spans}


def test_a_collector_that_does_not_answer_keeps_nobody_waiting(traced: System, collector: Collector) -> None:
    [part_id] = traced.make_parts(1)
    collector.answers.clear()
    collector.asked.clear()
    try:
        assert wait_until(lambda: write(traced, part_id).is_success and collector.asked.is_set())
        for client in traced.clients_of_every_process():
            assert client.call("GET", f"/parts/{part_id}").status == 200
            client.close()
        write(traced, part_id)
    finally:
        collector.answers.set()
    trace = secrets.token_hex(16)
    write(traced, part_id, traceparent=f"00-{trace}-{secrets.token_hex(8)}-01")
    assert wait_until(lambda: collector.named(trace, "unit of work"))


# A process in which the extra is not installed.
WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""


def without_the_extra(home: Path, program: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT + program], cwd=REPOSITORY, capture_output=True, text=True, timeout=60,
        env={"LOCKSTEP_HOME": str(home), "PROMETHEUS_MULTIPROC_DIR": str(home), **environ}, check=False,
    )  # fmt: skip


def test_without_the_extra_the_shop_is_built_and_nothing_of_it_is_imported(tmp_path: Path) -> None:
    ended = without_the_extra(
        tmp_path, "import wsgi, workers.tasks; print(sorted(n for n in sys.modules if n.startswith('opentelemetry')))"
    )
    assert (ended.returncode, ended.stdout) == (0, "[]\n"), ended.stderr


def test_a_collector_without_the_extra_is_refused_with_the_remedy(tmp_path: Path) -> None:
    ended = without_the_extra(tmp_path, "import wsgi", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318")
    assert ended.returncode == 1
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is set" in ended.stderr
    assert "pip install -r requirements/tracing.in" in ended.stderr
