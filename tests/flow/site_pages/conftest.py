"""The customers' site with its own shell."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.container import Container
from config import REPOSITORY
from tests.flow.built import fresh_client, served

PARTS = "/api/v1/admin/parts"


@pytest.fixture(scope="module")
def site_app(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The web application with the site's own shell, though without what Vite adds to it."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "web").mkdir()
    shell = (REPOSITORY / "app" / "frontend" / "web" / "index.html").read_text()
    (folder / "web" / "index.html").write_text(shell)
    motifs = {
        "motifs": {"bolt": ["M1 1"], "flange": ["M2 2"]},
        "usual": "flange",
        "words": [[r"\bbolts?\b", "bolt"]],
        "grid": "G",
        "axes": "A",
    }
    (folder / "web" / "motifs.json").write_text(json.dumps(motifs))
    modules = {"HomePage": ["/assets/home.js", "/assets/card.js"], "de": ["/assets/de.js"]}
    (folder / "web" / "modules.json").write_text(json.dumps(modules))
    with served(folder) as made:
        yield made


@pytest.fixture
def client(site_app: Flask, container: Container) -> FlaskClient:
    return fresh_client(site_app)


@pytest.fixture
def word() -> str:
    return "w" + uuid4().hex[:10]


@pytest.fixture
def bearings(editor: FlaskClient, word: str) -> dict[str, Any]:
    """A category of three parts, whose `parts` differ in bore and seal."""
    category = editor.post("/api/v1/admin/categories", json={"name": f"{word} bearings"}).get_json()
    category["parts"] = {}
    for bore, seal in (("20", "2RS"), ("25", "ZZ"), ("30", "2RS")):
        said = [{"name": "Bore", "value": bore, "unit": "mm"}, {"name": "Seal", "value": seal}]
        body = {
            "sku": f"{word}-{bore}",
            "part_name": f"{word} {bore}",
            "status": "published",
            "category_id": category["id"],
            "specifications": said,
        }
        category["parts"][bore] = editor.post(PARTS, json=body).get_json()["id"]
    return category
