"""The soak's readers: what they write down of what a server says."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.checker import Kind
from bench.readers import FIRST_SESSION, Readers
from bench.system import wait_until

VERSIONS = {"content": 3, "stock": 2, "price": 1}
TAG = '"a-tag"'


class _Shop(BaseHTTPRequestHandler):
    """Shows parts, but part 1 alone in the list of a category to which part 2 belongs too; every seventh answer is a 503."""

    protocol_version = "HTTP/1.1"
    answered = 0

    def do_GET(self) -> None:
        type(self).answered += 1
        is_list = "?" in self.path
        part = {"id": 1 if is_list else int(self.path.rpartition("/")[2]), "versions": VERSIONS}
        if type(self).answered % 7 == 0:
            self._answer(503, {})
        elif self.headers["If-None-Match"] == TAG:
            self._answer(304, None)
        else:
            self._answer(200, {"items": [part]} if is_list else part)

    def _answer(self, status: int, body: object) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Etag", TAG)
        if body is not None:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # its name in the library
        """Say nothing."""


@contextmanager
def shop() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Shop) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_readers_write_down_parts_lists_and_what_is_still_true_and_miss_what_a_list_lacks() -> None:
    with shop() as address:
        with Readers([address], [1], 7, sessions=2, pause=0.001) as readers:
            assert wait_until(lambda: _Shop.answered > 60)
        with Readers([address], [1, 2], 7, sessions=1, pause=0.001) as others:
            assert wait_until(lambda: _Shop.answered > 100)
    record = readers.record
    assert min(record.calls[f"read {status}"] for status in (200, 304, 503)) > 0
    assert len(record.seen) == record.calls["read 200"] + record.calls["read 304"]
    assert {(one.kind, one.part, one.aspect, one.version) for one in record.history()} == {
        (Kind.READ, 1, aspect, version) for aspect, version in VERSIONS.items()
    }
    assert {one.session for one in record.history()} == {FIRST_SESSION, FIRST_SESSION + 1}
    assert all(one.start < one.end for one in record.history())
    assert record.missing == record.strange() == []
    assert others.record.missing
