"""Another shop's web site: the examples of docs/examples/, and pages of a test's own, at an origin of their own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from config import REPOSITORY

EXAMPLES = REPOSITORY / "docs" / "examples"
# What the examples call the shop.
SHOP = "https://shop.example"
_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}


class Storefront:
    """A web server for pages. `words` are replaced in them, so that an example shows the shop under test and its parts."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"
        # Another origin, at the same server.
        self.stranger = f"http://localhost:{port}"
        self.pages: dict[str, str] = {}
        self.words: dict[str, str] = {}
        # What is sent with each page as its content security policy.
        self.policy = ""

    def page(self, name: str) -> str | None:
        """Return a page, or None if there is none."""
        own = self.pages.get(name)
        file = EXAMPLES / name
        found = own if own is not None else file.read_text() if file.parent == EXAMPLES and file.is_file() else None
        for word, meant in self.words.items():
            found = found and found.replace(word, meant)
        return found


@contextmanager
def serving() -> Iterator[Storefront]:
    """Serve a storefront at a free port while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/").split("?")[0]
            found = front.page(name)
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", _TYPES.get("." + name.rpartition(".")[2], "text/plain"))
            if front.policy:
                self.send_header("Content-Security-Policy", front.policy)
            self.end_headers()
            self.wfile.write((found or "").encode())

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        front = Storefront(server.server_port)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield front
        server.shutdown()
        thread.join()
