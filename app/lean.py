"""Keeps processes that run all the time small.

Libraries import what happens to be installed, whether it is used or not: structlog what draws coloured boxes around errors,
Engine.IO a web server and an HTTP client, redis-py what counts its calls. Such a package is there for another process (Flower
runs on Tornado, the command line draws with rich) or for the tests, and each process that imports it keeps some megabytes more.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Have what is imported in the block find none of `packages`, unless they are loaded already. Afterwards they are there."""
    hidden = [package for package in packages if package not in sys.modules]
    # As Python has it: a module that is None cannot be imported.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for package in hidden:
            del sys.modules[package]
