"""A minimal web process: answers 200 on the shared PORT."""

import http.server
import os


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every GET."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()


class Server(http.server.ThreadingHTTPServer):
    """Shares its port with its siblings."""

    allow_reuse_port = True


Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
