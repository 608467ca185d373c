"""File storage: a folder, or a bucket behind the same few calls."""

import io
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.domain.errors import StorageUnavailableError
from app.store.files import READ_AHEAD, Storage


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as we use: PUT (whole or in parts), GET (whole or a range) and HEAD of one object."""

    objects: dict[str, bytes]
    parts: dict[int, bytes]

    def do_PUT(self) -> None:
        assert self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=key-of-the-test/")
        data, number = self.rfile.read(int(self.headers["Content-Length"])), re.search(r"partNumber=(\d+)", self.path)
        if number:
            self.parts[int(number[1])] = data
        else:
            self.objects[self.path] = data
        self._answer(200, b"")

    def do_POST(self) -> None:
        """Begin or complete a multipart upload."""
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        path, _, asked = self.path.partition("?")
        if asked.startswith("uploads"):
            self.parts.clear()
            self._answer(200, b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
        else:
            self.objects[path] = b"".join(self.parts[number] for number in sorted(self.parts))
            self._answer(200, b'<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>')

    def do_DELETE(self) -> None:
        """Abort a multipart upload."""
        self._answer(204, b"")

    def do_GET(self) -> None:
        data = self.objects.get(self.path)
        if data is None:
            self._answer(404, b"")
        elif asked := self.headers["Range"]:
            first, last = (int(place) for place in asked.removeprefix("bytes=").split("-"))
            piece = data[first : last + 1]
            self._answer(206, piece, f"bytes {first}-{first + len(piece) - 1}/{len(data)}")
        else:
            self._answer(200, data)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, data: bytes, content_range: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """The objects of a bucket to which the usual environment variables point."""
    objects: dict[str, bytes] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OwnBucket", (Bucket,), {"objects": objects, "parts": {}}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "AWS_REGION": "eu-1",
        "AWS_ACCESS_KEY_ID": "key-of-the-test", "AWS_SECRET_ACCESS_KEY": "secret",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield objects
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty storage of either kind."""
    if request.param == "folder":
        return Storage((tmp_path / "a folder, with ümlauts & 100%").as_uri())
    request.getfixturevalue("bucket")
    return Storage("s3://shop/media")


def test_what_was_put_is_got_until_something_else_is_put_over_it(storage: Storage) -> None:
    assert storage.get("images/a.jpg") is None
    assert not storage.exists("images/a.jpg")
    storage.put("images/a.jpg", b"one")
    storage.put("images/a.jpg", b"another")
    storage.put("imports/a.jpg", io.BytesIO(b"a file"))
    assert storage.exists("images/a.jpg")
    assert (storage.get("images/a.jpg"), storage.get("imports/a.jpg"), storage.size("images/a.jpg")) == (b"another", b"a file", 7)


def test_a_large_file_is_read_piece_by_piece(storage: Storage) -> None:
    data = b"".join(b"%d,\xc3\xa4\n" % number for number in range(300_000))
    assert len(data) > 2 * READ_AHEAD
    storage.put("imports/list.csv", data)
    with io.TextIOWrapper(storage.open("imports/list.csv"), encoding="utf-8") as lines:
        assert sum(1 for line in lines if line.endswith(",ä\n")) == 300_000
    with storage.open("imports/list.csv") as raw:
        assert raw.read() == data
    with pytest.raises(FileNotFoundError):
        storage.open("imports/other.csv")


def test_a_file_beyond_what_one_request_takes_is_kept_whole(storage: Storage) -> None:
    data = bytes(range(256)) * 50_000
    for sent in (data, io.BytesIO(data)):
        storage.put("images/large.jpg", sent)
        assert storage.get("images/large.jpg") == data


def test_an_empty_file_is_a_file(storage: Storage) -> None:
    storage.put("imports/empty.csv", b"")
    with storage.open("imports/empty.csv") as file:
        assert file.read() == b""
    assert storage.exists("imports/empty.csv")


def test_objects_lie_below_the_prefix_of_their_address(bucket: dict[str, bytes]) -> None:
    Storage("s3://shop/media").put("images/a.jpg", b"x")
    assert bucket == {"/shop/media/images/a.jpg": b"x"}


def test_a_storage_that_is_away_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in the way").write_text("a file where the folder should be")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for address in ((tmp_path / "in the way").as_uri(), "s3://shop/media"):
        storage = Storage(address)
        for call in (lambda s: s.put("a", b""), lambda s: s.get("a"), lambda s: s.exists("a"), lambda s: s.open("a")):
            with pytest.raises(StorageUnavailableError):
                call(storage)


def test_a_failed_write_leaves_what_was_there(storage: Storage) -> None:
    storage.put("images/a.jpg", b"whole")

    def breaks_off() -> Iterator[bytes]:
        yield b"half"
        raise OSError("the sender is gone")

    class Sender(io.RawIOBase):
        pieces = breaks_off()

        def read(self, _size: int = -1) -> bytes:
            return next(self.pieces)

    with pytest.raises(StorageUnavailableError):
        storage.put("images/a.jpg", Sender())
    assert storage.get("images/a.jpg") == b"whole"
