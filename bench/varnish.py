"""Debian's Varnish, unpacked without root, with our configuration: only the shop's port is another."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.debian import UnavailableError, unpacked
from bench.system import Client, NoAnswerError, wait_until
from config import REPOSITORY

VCL = REPOSITORY / "ops" / "varnish" / "lockstep.vcl"
_SHOP = '.port = "8000"'


def installed() -> Path:
    """Return the folder in which Varnish is unpacked.

    Raises:
        UnavailableError: if it is not to be had here.
    """
    if shutil.which("gcc") is None:
        raise UnavailableError("Varnish compiles its configuration with gcc, which is not installed here")
    return unpacked("varnish", ["varnish", "varnish-modules", "libvarnishapi3", "libjemalloc2"])


@contextmanager
def varnish(port: int, shop: int, folder: Path, configured: str = "") -> Iterator[str]:
    """Run Varnish on a port in front of the shop on another one, while the block runs; yield its address.

    Args:
        configured: another configuration than ours, which may have C in it.

    Raises:
        UnavailableError: if it is not to be had here.
    """
    root = installed()
    text = configured or VCL.read_text()
    assert _SHOP in text, f"{VCL} does not say {_SHOP}"
    configuration, log = folder / "lockstep.vcl", folder / "varnish.log"
    configuration.write_text(text.replace(_SHOP, f'.port = "{shop}"'))
    (libraries,) = (root / "usr" / "lib").glob("*/varnish")
    command = [
        str(root / "usr" / "sbin" / "varnishd"), "-F", "-j", "none", "-n", str(folder / "varnish"), "-a", f"127.0.0.1:{port}",
        "-f", str(configuration), "-s", "malloc,64m", "-p", f"vmod_path={libraries / 'vmods'}",
        "-p", f"vcc_allow_inline_c={'on' if configured else 'off'}",
    ]  # fmt: skip
    with log.open("wb") as output:
        environ = {"LD_LIBRARY_PATH": str(libraries.parent), "PATH": "/usr/bin:/bin"}
        running = subprocess.Popen(command, stdout=output, stderr=output, env=environ)
    url = f"http://127.0.0.1:{port}"
    try:
        assert wait_until(lambda: running.poll() is not None or _answers(url)), log.read_text()
        assert running.poll() is None, log.read_text()
        yield url
    finally:
        running.terminate()
        running.wait(30)


def _answers(url: str) -> bool:
    with closing(Client(url)) as client:
        try:
            client.call("GET", "/healthz", base="")
        except NoAnswerError:
            return False
    return True
