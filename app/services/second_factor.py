"""A second factor: one-time codes of an authenticator app (TOTP, RFC 6238), and recovery codes for whoever loses it.

Nothing is kept of an offer until a code proves that the app has its secret: a signed ticket carries the nonce that the secret is
made of. Each code is accepted once (RFC 6238, 5.2).
"""

import secrets
import time
from collections.abc import Callable
from typing import Any

import segno
from itsdangerous import BadData, URLSafeTimedSerializer
from pyotp import TOTP
from pyotp.utils import strings_equal
from sqlalchemy import Connection, Engine

from app.contract.events import Actor
from app.contract.formats import rfc3339
from app.domain.errors import InvalidFieldError, NotFoundError, SecondFactorOnError, SecondFactorRequiredError, WrongCodeError
from app.services.authentication import Principal, ShownOnce, digest, readable
from app.store import factors, users
from app.store.transaction import TransactionManager, UnitOfWork

ISSUER = "Lockstep"
# Seconds in which an offer has to be taken.
OFFER_LASTS = 600
# Time steps of 30 s by which an app's clock may differ, either way.
DRIFT = 1
RECOVERY_CODES = 10


class SecondFactors:
    """Turns second factors on and off, and checks their codes.

    Args:
        shown_once: makes the apps' secrets.
        secret: signs offers.
        now: the present time in seconds.
    """

    def __init__(
        self,
        transactions: TransactionManager,
        reading: Engine,
        shown_once: ShownOnce,
        secret: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._transactions = transactions
        self._reading = reading
        self._shown_once = shown_once
        self._offers = URLSafeTimedSerializer(secret, salt="second factor")
        self._now = now

    def state(self, user_id: int) -> dict[str, Any]:
        """Return since when somebody has a second factor, if they do, and how many recovery codes they have left."""
        with self._reading.connect() as connection:
            row = factors.of(connection, user_id)
        return {"since": row and rfc3339(row.created_at), "recovery_codes": row.recovery_codes if row else 0}

    def offer(self, me: Principal) -> dict[str, Any]:
        """Return a new secret for an app, also as a QR code, with the ticket to turn it on with."""
        nonce = self._shown_once.new()
        secret = self._shown_once.totp_secret(nonce)
        uri = TOTP(secret).provisioning_uri(name=me.email, issuer_name=ISSUER)
        picture = segno.make(uri, micro=False).svg_data_uri(scale=4, dark="#000", light="#fff")
        return {"ticket": self._offers.dumps([me.user_id, nonce]), "secret": secret, "uri": uri, "qr_code": picture}

    def turn_on(self, actor: Actor, me: Principal, ticket: str, code: str) -> list[str]:
        """Turn an offered factor on, given a code of it, and return the recovery codes. All other sessions of that person end.

        Raises:
            InvalidFieldError: if the offer is over, or the code is not of it.
            SecondFactorOnError: if that person has one already.
        """
        try:
            user_id, nonce = self._offers.loads(ticket, max_age=OFFER_LASTS)
        except BadData:
            user_id, nonce = None, ""
        if user_id != me.user_id:
            raise InvalidFieldError("ticket", "this offer is over; ask for another one")
        step = self._step(nonce, code)
        if step is None:
            raise InvalidFieldError("code", "this is not the app's present code")
        codes = [readable(secrets.token_bytes(32)) for _ in range(RECOVERY_CODES)]

        def work(unit_of_work: UnitOfWork) -> None:
            user = users.lock_user_by_id(unit_of_work, me.user_id)
            if user is None or not factors.turn_on(unit_of_work, user, nonce, step, [*map(_kept, codes)], me.digest):
                raise SecondFactorOnError

        self._transactions.run(actor, work)
        return codes

    def turn_off(self, actor: Actor, me: Principal, code: str) -> None:
        """Turn one's factor off, given a code. All other sessions of that person end.

        Raises:
            NotFoundError: if they have none.
            WrongCodeError: if it is not a code of it.
        """

        def work(unit_of_work: UnitOfWork) -> None:
            user = users.lock_user_by_id(unit_of_work, me.user_id)
            self.check(unit_of_work.connection, me.user_id, code)
            if user is None or not factors.turn_off(unit_of_work, user, keeps_session=me.digest):
                raise NotFoundError("You have no second factor.")

        self._transactions.run(actor, work)

    def check(self, connection: Connection, user_id: int, code: str | None) -> None:
        """Use up a code of a user's second factor, once the transaction is committed; whoever has none needs none.

        Raises:
            SecondFactorRequiredError: if they have one and there is no code.
            WrongCodeError: if it is no code of it, or was used already.
        """
        factor = factors.lock(connection, user_id)
        if factor is None:
            return
        if code is None:
            raise SecondFactorRequiredError
        step = self._step(factor.nonce, code)
        if step is not None and step > factor.last_step:
            factors.use_step(connection, user_id, step)
        elif not factors.use_recovery_code(connection, user_id, _kept(code)):
            raise WrongCodeError

    def _step(self, nonce: str, code: str) -> int | None:
        """Return the time step whose code this is, or None."""
        totp = TOTP(self._shown_once.totp_secret(nonce))
        present, typed = int(self._now()) // totp.interval, _plain(code)
        # All of them, so that the time it takes does not tell which it was.
        matching = [step for step in range(present - DRIFT, present + DRIFT + 1) if strings_equal(totp.generate_otp(step), typed)]
        return max(matching, default=None)


def _plain(code: str) -> str:
    """Return a code as it was made, however its groups were typed."""
    return "".join(code.split()).replace("-", "").lower()


def _kept(code: str) -> str:
    """Return what is kept of a recovery code."""
    return digest(_plain(code))
