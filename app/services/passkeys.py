"""Passkeys (WebAuthn, level 3): a device proves that it has a key, and that its owner unlocked it. Both factors in one.

A challenge is kept nowhere: a signed ticket carries it back. A passkey answers each challenge once, and none that is older than
the last that it answered. py_webauthn checks what a device signs: challenge, origin, host, presence and verification of the
owner, the count of uses.
"""

import time
from typing import Any

import orjson
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import Connection, Engine, Row
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, generate_challenge
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.contract.events import Actor
from app.contract.formats import rfc3339
from app.domain.errors import InvalidFieldError, NotFoundError, TooManyPasskeysError, WrongPasskeyError
from app.services.authentication import Principal, Site
from app.store import factors, users
from app.store.idempotency import KeyedCall
from app.store.transaction import TransactionManager, UnitOfWork

RP_NAME = "Lockstep"
# Seconds in which a challenge has to be answered.
CHALLENGE_LASTS = 300
MAX_PASSKEYS = 20
# What comes of an answer that is no proper one.
_REFUSED = (WebAuthnException, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Passkeys:
    """Adds, checks and removes passkeys.

    Args:
        secret: signs the tickets of challenges.
    """

    def __init__(self, transactions: TransactionManager, reading: Engine, secret: str) -> None:
        self._transactions = transactions
        self._reading = reading
        self._tickets = URLSafeTimedSerializer(secret, salt="passkey")

    def of(self, user_id: int) -> list[dict[str, Any]]:
        """Return somebody's passkeys."""
        with self._reading.connect() as connection:
            return [_shown(row) for row in factors.passkeys(connection, user_id)]

    def offer(self, me: Principal, site: Site) -> dict[str, Any]:
        """Return what a browser needs to make a passkey, with the ticket to add it with."""
        with self._reading.connect() as connection:
            known = [PublicKeyCredentialDescriptor(id=row.credential_id) for row in factors.passkeys(connection, me.user_id)]
        challenge = generate_challenge()
        options = generate_registration_options(
            rp_id=site.host, rp_name=RP_NAME, user_id=str(me.user_id).encode(), user_name=me.email, user_display_name=me.name,
            challenge=challenge, exclude_credentials=known,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
        )  # fmt: skip
        return self._with_ticket(options, challenge, me.user_id)

    def add(
        self, actor: Actor, me: Principal, site: Site, name: str, ticket: str, credential: dict[str, Any]
    ) -> dict[str, Any]:  # fmt: skip
        """Add the passkey that a browser has made, and return it.

        Raises:
            InvalidFieldError: if the offer is over, or this is no answer to it.
            TooManyPasskeysError
        """
        made_for, made_at, challenge = self._challenge(ticket)
        if made_for != me.user_id:
            raise InvalidFieldError("ticket", "this offer is over; ask for another one")
        try:
            verified = verify_registration_response(
                credential=credential, expected_challenge=challenge, expected_rp_id=site.host, expected_origin=site.origin,
                require_user_verification=True,
            )  # fmt: skip
        except _REFUSED as error:
            raise InvalidFieldError("credential", "this is no passkey made for this offer") from error

        def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
            user = users.lock_user_by_id(unit_of_work, me.user_id)
            if user is None or len(factors.passkeys(unit_of_work.connection, me.user_id)) >= MAX_PASSKEYS:
                raise TooManyPasskeysError
            row = factors.add_passkey(
                unit_of_work, user, name=name, credential_id=verified.credential_id, public_key=verified.credential_public_key,
                sign_count=verified.sign_count, challenge=made_at,
            )  # fmt: skip
            if row is None:
                raise InvalidFieldError("credential", "this passkey is known already")
            return _shown(row)

        return self._transactions.run(actor, work)

    def remove(self, actor: Actor, me: Principal, passkey_id: int, call: KeyedCall | None) -> None:
        """Remove one of one's passkeys. The sessions that it opened end, but for the one in which this is done.

        Raises:
            NotFoundError
        """

        def work(unit_of_work: UnitOfWork) -> None:
            user = users.lock_user_by_id(unit_of_work, me.user_id)
            if user is None or not factors.remove_passkey(unit_of_work, user, passkey_id, me.digest):
                raise NotFoundError("You have no such passkey.")

        self._transactions.run(actor, work, call)

    def challenge(self, site: Site) -> dict[str, Any]:
        """Return what a browser needs to ask for any passkey of this site, with the ticket to answer with."""
        challenge = generate_challenge()
        options = generate_authentication_options(
            rp_id=site.host, challenge=challenge, user_verification=UserVerificationRequirement.REQUIRED
        )
        return self._with_ticket(options, challenge, 0)

    def account(self, credential: dict[str, Any]) -> str:
        """Return the address of whose passkey this claims to be, with nothing proven yet; of nobody's, what stands for it."""
        try:
            claimed = base64url_to_bytes(credential["id"])
        except _REFUSED:
            return ""
        with self._reading.connect() as connection:
            return factors.owner(connection, claimed) or claimed.hex()

    def check(self, connection: Connection, site: Site, ticket: str, credential: dict[str, Any]) -> Row[Any]:
        """Return whose passkey has answered a challenge. The challenge is used up once the transaction is committed.

        Raises:
            WrongPasskeyError: if none has, or not in time, or if it was used already.
        """
        made_for, made_at, challenge = self._challenge(ticket)
        try:
            row = factors.lock_passkey(connection, base64url_to_bytes(credential["id"]))
            if row is None or made_for != 0 or made_at <= row.last_challenge:
                raise WrongPasskeyError
            verified = verify_authentication_response(
                credential=credential, expected_challenge=challenge, expected_rp_id=site.host, expected_origin=site.origin,
                credential_public_key=row.public_key, credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )  # fmt: skip
        except _REFUSED as error:
            raise WrongPasskeyError from error
        factors.use_passkey(connection, row.passkey_id, verified.new_sign_count, made_at)
        return row

    def _with_ticket(self, options: Any, challenge: bytes, user_id: int) -> dict[str, Any]:
        carried = [user_id, time.time_ns() // 1000, bytes_to_base64url(challenge)]
        return {"ticket": self._tickets.dumps(carried), "options": orjson.loads(options_to_json(options))}

    def _challenge(self, ticket: str) -> tuple[int | None, int, bytes]:
        """Return whom a challenge was made for, when (in microseconds), and itself; nobody if it is none, or over."""
        try:
            user_id, made_at, challenge = self._tickets.loads(ticket, max_age=CHALLENGE_LASTS)
        except BadData:
            return None, 0, b""
        return user_id, made_at, base64url_to_bytes(challenge)


def _shown(row: Row[Any]) -> dict[str, Any]:
    used = row.last_used_at
    return {"id": row.id, "name": row.name, "created_at": rfc3339(row.created_at), "last_used_at": used and rfc3339(used)}
