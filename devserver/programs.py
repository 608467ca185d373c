"""Where the wheels keep the programs that they carry."""

from importlib.util import find_spec
from pathlib import Path

from devserver.errors import StartError


def find_program(package: str, pattern: str) -> Path:
    """Return the program of an installed package. The package is not imported: these do much at import.

    Raises:
        StartError: it is not installed, or has no such program for this kind of machine.
    """
    spec = find_spec(package)
    found = [path for place in (spec and spec.submodule_search_locations) or [] for path in Path(place).glob(pattern)]
    if not found:
        raise StartError(f"The package {package} with {Path(pattern).name} is missing: run `make run`, which installs it.")
    return found[0]
