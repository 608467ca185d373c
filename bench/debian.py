"""Debian's packages for tests, downloaded and unpacked without root into the user's cache.

Nothing is installed; what is unpacked is used again by later runs. Where there is no `apt-get`, or no network, tests are skipped.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lockstep"
_DOWNLOAD_SECONDS = 180.0


class UnavailableError(Exception):
    """What a test needs is not to be had here; the message says why."""


def unpacked(name: str, packages: Sequence[str]) -> Path:
    """Return the folder called `name` in which these packages are unpacked; download them first if they are not there.

    Raises:
        UnavailableError: if they are not to be had.
    """
    folder = _CACHE / name
    if folder.is_dir():
        return folder
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise UnavailableError(f"{name} is taken from Debian's packages, and there is no apt-get here")
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as directory:
        downloads, root = Path(directory, "packages"), Path(directory, "root")
        downloads.mkdir()
        try:
            _run("apt-get", "download", "--quiet", *packages, directory=downloads)
            for package in sorted(downloads.glob("*.deb")):
                _run("dpkg-deb", "--extract", str(package), str(root), directory=downloads)
        except (subprocess.SubprocessError, OSError) as error:
            raise UnavailableError(f"{name} cannot be downloaded: {error}") from error
        # At once, so that there is never half of it.
        root.rename(folder)
    return folder


def with_its_share(folder: Path, program: str) -> list[str]:
    """Return what runs an unpacked program that finds its files below /usr/share only: it alone sees them there.

    Raises:
        UnavailableError: if the kernel gives this user no file systems of their own.
    """
    own = ["unshare", "--map-root-user", "--mount", "--"]
    try:
        _run(*own, "true", directory=folder)
    except (subprocess.SubprocessError, OSError) as error:
        raise UnavailableError(f"{program} has to be installed, as users have no mounts of their own here: {error}") from error
    # `exec` leaves one process, which is the program.
    return [*own, "sh", "-c", 'mount --bind "$0/usr/share" /usr/share && exec "$0/usr/bin/$@"', str(folder), program]


def _run(*command: str, directory: Path) -> None:
    subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=_DOWNLOAD_SECONDS)
