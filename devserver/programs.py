"""Finds the programs that come inside wheels."""

from importlib.util import find_spec
from pathlib import Path

from devserver.errors import StartError


def find_program(package: str, pattern: str) -> Path:
    """Return a program of an installed package, without importing the package: these have side effects on import.

    Raises:
        StartError: it is not installed, or has no such program for this platform.
    """
    spec = find_spec(package)
    found = [path for place in (spec and spec.submodule_search_locations) or [] for path in Path(place).glob(pattern)]
    if not found:
        raise StartError(f"The package {package} with {Path(pattern).name} is missing: run `make run`, which installs it.")
    return found[0]
