"""A device with passkeys, as a browser would speak for it: signs what it is asked with keys of its own (WebAuthn, level 3)."""

import hashlib
import json
from secrets import token_bytes
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url, encode_cbor

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class Device:
    """Holds one passkey.

    Args:
        origin: of the page that it believes to be asked by.
        host: whose passkey it makes and uses.
        flags: what it says of its owner: that they touched it, and unlocked it.
    """

    def __init__(self, origin: str = "http://localhost", host: str = "localhost", flags: int = PRESENT | VERIFIED) -> None:
        self.origin, self.host, self.flags = origin, host, flags
        self.uses = 0
        self.counts = True
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = token_bytes(16)

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to what a browser is given to make a passkey with."""
        point = self._key.public_key().public_numbers()
        public = encode_cbor({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        data = self._data(ATTESTED) + bytes(16) + len(self._id).to_bytes(2, "big") + self._id + public
        attested = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._said("webauthn.create", options)
        return self._answer({"clientDataJSON": bytes_to_base64url(said), "attestationObject": bytes_to_base64url(attested)})

    def use(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to what a browser is given to ask for a passkey with."""
        self.uses += self.counts
        data, said = self._data(), self._said("webauthn.get", options)
        signature = self._key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": said, "authenticatorData": data, "signature": signature}
        return self._answer({name: bytes_to_base64url(value) for name, value in response.items()})

    def _data(self, flags: int = 0) -> bytes:
        host = hashlib.sha256(self.host.encode()).digest()
        return host + bytes([self.flags | flags]) + self.uses.to_bytes(4, "big")

    def _said(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _answer(self, response: dict[str, str]) -> dict[str, Any]:
        name = bytes_to_base64url(self._id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
