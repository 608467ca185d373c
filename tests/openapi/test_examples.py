"""The document's examples: present for every call, and valid against the document's schemas."""

from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient

# They need a dead delivery, which a healthy shop does not have.
WITHOUT = {"admin_sync_replay_one", "admin_sync_discard_one"}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return dict(client.get("/api/v1/openapi.json").get_json())


def bodies(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return every described body that is JSON or text, with the name of its call."""
    found = []
    for item in document["paths"].values():
        for operation in (value for value in item.values() if isinstance(value, dict)):
            described = [operation.get("requestBody", {})]
            described += [response for status, response in operation["responses"].items() if status.startswith("2")]
            found += [
                (operation["operationId"], content)
                for one in described
                for kind, content in one.get("content", {}).items()
                if kind != "multipart/form-data"
            ]
    return found


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    assert {name for name, content in bodies(document) if "example" not in content} == WITHOUT


def test_every_example_is_of_the_form_that_the_document_says(document: dict[str, Any]) -> None:
    wrong = []
    for name, content in bodies(document):
        if "example" in content and "schema" in content:
            schema = {**content["schema"], "components": document["components"]}
            wrong += [f"{name}: {error.message}" for error in jsonschema_rs.validator_for(schema).iter_errors(content["example"])]
    assert wrong == []
