"""nginx and Caddy, Debian's, with our configurations: only what names ports, certificates and folders is another here."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bench.debian import UnavailableError, unpacked
from bench.system import wait_until
from config import REPOSITORY
from devserver.ports import free_ports

HOST = "shop.example"
# The addresses of all web processes and of Flower, as in `ops`.
_UPSTREAM = "127.0.0.1:8000"
_FLOWER = "127.0.0.1:5555"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy: its ports, and the certificate that it shows."""

    https: int
    http: int
    certificate: Path

    def client(self, **headers: str) -> httpx.Client:
        """Return a client of the shop that trusts the certificate."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        # By its port, since there is no name service here for the host.
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{self.https}", verify=context, trust_env=False, timeout=30,
            headers={"Host": HOST, **headers},
        )  # fmt: skip
        client.event_hooks["request"] = [lambda request: request.extensions.update(sni_hostname=HOST)]
        return client


@contextmanager
def proxy(kind: str, upstream: str, flower: str, folder: Path) -> Iterator[Proxy]:
    """Run one in front of `upstream` and `flower` while the block runs; skip the test where it is not to be had."""
    try:
        root = unpacked(kind, [kind])
    except UnavailableError as error:
        pytest.skip(str(error))
    certificate, key = _certificate(folder)
    https, http = free_ports(2)
    made = Proxy(https, http, certificate)
    command = {"nginx": _nginx, "caddy": _caddy}[kind](made, root, {_UPSTREAM: upstream, _FLOWER: flower}, key, folder)
    log = folder / "proxy.log"
    with log.open("wb") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | {"HOME": str(folder)})
    try:
        assert wait_until(lambda: running.poll() is not None or _answers(made)), log.read_text()
        assert running.poll() is None, log.read_text()
        yield made
    finally:
        running.terminate()
        running.wait(30)


def _answers(made: Proxy) -> bool:
    try:
        with made.client() as client:
            return client.get("/healthz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _certificate(folder: Path) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the proxy's certificate is made by openssl, which is not installed here")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def _replaced(path: Path, replacements: Mapping[str, str]) -> str:
    text = path.read_text()
    for old, new in replacements.items():
        assert old in text, f"{path} does not say {old}"
        text = text.replace(old, new)
    return text


def _nginx(made: Proxy, root: Path, addresses: Mapping[str, str], key: Path, folder: Path) -> list[str]:
    site = _replaced(REPOSITORY / "ops" / "nginx" / "lockstep.conf", {
        **addresses,
        # Another address of this machine, which need not have IPv6.
        "listen [::]:443": f"listen 127.0.0.2:{made.https}",
        "listen [::]:80": f"listen 127.0.0.2:{made.http}",
        "listen 443": f"listen 127.0.0.1:{made.https}",
        "listen 80": f"listen 127.0.0.1:{made.http}",
        f"/etc/letsencrypt/live/{HOST}/fullchain.pem": str(made.certificate),
        f"/etc/letsencrypt/live/{HOST}/privkey.pem": str(key),
    })  # fmt: skip
    kinds = ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    file = folder / "nginx.conf"
    file.write_text(
        f"{user}\ndaemon off;\nworker_processes 2;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
        # As Debian's nginx.conf says.
        f"http {{\naccess_log off;\ngzip on;\n{folders}{site}}}\n"
    )
    return [str(root / "usr" / "sbin" / "nginx"), "-p", str(folder), "-e", "stderr", "-c", str(file)]


def _caddy(made: Proxy, root: Path, addresses: Mapping[str, str], key: Path, folder: Path) -> list[str]:
    site = _replaced(REPOSITORY / "ops" / "caddy" / "Caddyfile", {
        **addresses,
        "\n{\n": f"\n{{\n\tadmin off\n\tauto_https disable_certs\n\thttp_port {made.http}\n\thttps_port {made.https}\n",
        f"\n{HOST} {{\n": f"\n{HOST} {{\n\tbind 127.0.0.1\n\ttls {made.certificate} {key}\n",
    })  # fmt: skip
    file = folder / "Caddyfile"
    file.write_text(site)
    return [str(root / "usr" / "bin" / "caddy"), "run", "--config", str(file), "--adapter", "caddyfile"]
