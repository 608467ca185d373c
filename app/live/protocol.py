"""How a web process reads HTTP: as eventlet does, with requests refused that another server on their way could read otherwise.

Imported by `wsgi.py` alone, and after eventlet has patched the process.
"""

from email.errors import FirstHeaderLineIsContinuationDefect, MisplacedEnvelopeHeaderDefect, MissingHeaderBodySeparatorDefect
from http import HTTPStatus
from typing import Any

import eventlet.wsgi

# Python reads headers as those of a mail; these of its complaints hold here, too.
_NO_HEADERS = (FirstHeaderLineIsContinuationDefect, MisplacedEnvelopeHeaderDefect, MissingHeaderBodySeparatorDefect)
# Of these a second one would say something else than the first.
_ONCE = ("Host", "Content-Length", "Transfer-Encoding")


class HttpProtocol(eventlet.wsgi.HttpProtocol):  # type: ignore[misc] # eventlet is untyped
    """Speaks HTTP/1.1 on one connection."""

    def parse_request(self) -> bool:
        """Read a request's head; answer 400 and close if it is not surely one (RFC 9112: 3.2, 5.1, 5.2, 6.1, 6.3)."""
        if not super().parse_request():
            return False
        if reason := self._doubt():
            self.send_error(HTTPStatus.BAD_REQUEST, reason)
            return False
        return True

    def _doubt(self) -> str | None:
        if any(isinstance(defect, _NO_HEADERS) for defect in self.headers.defects):
            return "A line of the headers is no header"
        if repeated := [name for name in _ONCE if len(self.headers.get_all(name, [])) > 1]:
            return f"More than one {repeated[0]}"
        if any("\n" in value for value in self.headers.values()):
            return "A header goes over several lines"
        if not self.headers.get("Content-Length", "0").strip().isdecimal():
            return "Content-Length is no number"
        if self.headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
            return "The only known Transfer-Encoding is chunked"
        return None

    def get_environ(self) -> dict[str, Any]:
        """Return the WSGI environment. A body in chunks has an end of its own, which Werkzeug is to believe."""
        environ: dict[str, Any] = super().get_environ()
        environ["wsgi.input_terminated"] = environ["eventlet.input"].chunked_input
        return environ
