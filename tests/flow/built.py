"""Web applications with a folder of built front ends of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from app.factory import create_app
from bench.system import wait_until
from config import load_settings


@contextmanager
def served(folder: Path) -> Iterator[Flask]:
    """Serve what is in a folder, with a cache, while the block runs."""
    made = create_app(replace(load_settings(), frontend=folder))
    made.extensions["lockstep"].consistency.start()
    yield made
    made.extensions["lockstep"].close()


def fresh_client(site_app: Flask) -> FlaskClient:
    """Return a client once the application may serve from its cache."""
    wired = site_app.extensions["lockstep"]
    assert wait_until(lambda: wired.consistency.sweep() or wired.cache.is_fresh)
    return site_app.test_client()
