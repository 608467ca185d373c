"""A proxy's certificate, shown to whoever connects."""

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Shown:
    """What is shown at `address`."""

    def __init__(self, folder: Path) -> None:
        """Keep the certificate in a folder."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.address = ""
        self._file = folder / "shown.pem"

    def renew(self, days: int) -> None:
        """Show one that is valid for so many days more from now on."""
        _write(self._file, days)
        self.context.load_cert_chain(self._file)


def _write(file: Path, days: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([]), datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*private))


@contextmanager
def showing_a_certificate(folder: Path, days: int) -> Iterator[Shown]:
    """Listen with one that is valid for so many days more, while the block runs."""
    shown = Shown(folder)
    shown.renew(days)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def show() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError), shown.context.wrap_socket(connection, server_side=True) as secure:
                        secure.recv(1)

        shown.address = f"127.0.0.1:{listening.getsockname()[1]}"
        showing = threading.Thread(target=show)
        showing.start()
        try:
            yield shown
        finally:
            # Closing alone does not wake it up.
            listening.shutdown(socket.SHUT_RDWR)
            showing.join()
