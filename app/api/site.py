"""Serves the two built Vue applications and the files of the API documentation, from our own origin."""

from pathlib import Path

from flask import Blueprint, Response, send_from_directory


def build(frontend: Path) -> Blueprint:
    """Return the blueprint that serves what `npm run build` left in `frontend`."""
    blueprint = Blueprint("site", __name__)

    @blueprint.get("/api-docs/<path:name>")
    def api_docs(name: str) -> Response:
        return send_from_directory(frontend / "api-docs", name, max_age=3600)

    @blueprint.get("/panel/", defaults={"name": ""})
    @blueprint.get("/panel/<path:name>")
    def panel(name: str) -> Response:
        return _file_or_page(frontend / "panel", name)

    @blueprint.get("/", defaults={"name": ""})
    @blueprint.get("/<page:name>")
    def web(name: str) -> Response:
        return _file_or_page(frontend / "web", name)

    return blueprint


def _file_or_page(folder: Path, name: str) -> Response:
    """Return a built file; any other path is a page of the single-page application."""
    if name.startswith("assets/"):
        # Vite names assets by their content.
        return send_from_directory(folder, name, max_age=31_536_000)
    if name and (folder / name).resolve().is_relative_to(folder) and (folder / name).is_file():
        return send_from_directory(folder, name, max_age=3600)
    response = send_from_directory(folder, "index.html", max_age=0)
    response.headers["Cache-Control"] = "no-cache"
    return response
