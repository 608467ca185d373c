"""How a web process asks itself what it would answer a customer: by a request to the whole application, without a connection."""

from typing import TYPE_CHECKING

import orjson
from werkzeug.test import create_environ, run_wsgi_app

from app.api.rendering import etag_of
from app.domain.errors import BusyError
from app.sync.verification import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# The WSGI key that says so: such requests are nobody's, and are not measured as such.
OURSELVES = "lockstep.ourselves"
NOT_FOUND = 404


def ask(answering: "WSGIApplication", host: str, part_id: int) -> Answer:
    """Return what a customer would be answered about a part.

    Args:
        host: a host that the application answers for.

    Raises:
        BusyError: if it answers with an error.
    """
    environ = create_environ(f"/api/v1/parts/{part_id}", f"http://{host}") | {"REMOTE_ADDR": "127.0.0.1", OURSELVES: True}
    chunks, status, headers = run_wsgi_app(answering, environ, buffered=True)
    code, body = int(status.split()[0]), b"".join(chunks)
    if code == NOT_FOUND:
        return Answer(None)
    if code != 200:
        raise BusyError(f"Asked for part {part_id}, it answered {status}.")
    return Answer(orjson.loads(body), headers.get("ETag") == f'"{etag_of(body)}"')
