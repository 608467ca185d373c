"""The committed OpenAPI document, which storefronts and our own frontend generate their types from."""

import json

from flask.testing import FlaskClient

from config import REPOSITORY


def test_the_committed_document_is_the_one_that_is_served(client: FlaskClient) -> None:
    committed = json.loads((REPOSITORY / "docs" / "openapi.json").read_text())
    assert committed == client.get("/api/v1/openapi.json").get_json(), "run: make openapi"
