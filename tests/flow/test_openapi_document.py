"""The committed OpenAPI document, which storefronts and our own frontend generate their types from."""

import json
import re
from base64 import b64encode
from hashlib import sha256

from flask.testing import FlaskClient

from config import REPOSITORY


def test_the_committed_document_is_the_one_that_is_served(client: FlaskClient) -> None:
    committed = json.loads((REPOSITORY / "docs" / "openapi.json").read_text())
    assert committed == client.get("/api/v1/openapi.json").get_json(), "run: make openapi"


def test_the_docs_page_is_of_our_own_origin_alone(client: FlaskClient) -> None:
    page = client.get("/api/v1/docs")
    html = page.get_data(as_text=True)
    assert page.status_code == 200
    assert re.findall(r"(?:https?:)?//[\w.-]+", html) == []
    sources = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert len(sources) == 3
    assert all(source.startswith("/api-docs/") for source in sources)
    assert 'url: "/api/v1/openapi.json"' in html
    # Otherwise Swagger UI asks its makers' server whether the document is valid.
    assert re.search(r'"validatorUrl":\s*null', html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in page.headers["Content-Security-Policy"]
