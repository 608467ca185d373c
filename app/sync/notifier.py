"""Tells somebody of failed effects who has no Prometheus: by a webhook, by e-mail, or both.

Each kind of failure (an effect, and a class of error) is told once an hour on each machine, whichever of its processes meets it:
a file's time says when it was, as Valkey may be what has failed. No effect waits for a message, or fails with it.
"""

import fcntl
import json
import os
import re
import smtplib
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog
from sqlalchemy.exc import OperationalError

from app.cache.manager import CacheUnavailableError
from app.sync.edge import EdgeUnavailableError
from app.sync.publisher import PublishError

log = structlog.get_logger()

# Seconds between two messages of a kind, and after one that could not be sent.
EVERY = 3600.0
AGAIN = 60.0
# Seconds that a server may take for one step.
PATIENCE = 5.0
_REMEDIES: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    (
        (CacheUnavailableError, PublishError),
        "Valkey does not answer. Bring it back; what is owed is then made good.",
        "cachedown",
    ),
    (
        (EdgeUnavailableError,),
        "An HTTP cache in front does not confirm purges, and every write waits for it. Bring it back, or take it out of"
        " LOCKSTEP_EDGE.",
        "outboxstuck",
    ),
    ((OperationalError,), "PostgreSQL does not answer. Bring it back; what is owed is then made good.", "databasedown"),
    (
        (BaseException,),
        "It is tried again, and becomes a dead letter in the end. See `flask sync status` and the panel's page Sync; mend what"
        " the error names, then `flask sync replay`.",
        "deadletters",
    ),
)


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told: that an effect failed, with which class of error and which message, and where."""

    operation: str
    error_type: str
    error: str
    remedy: str
    runbook: str
    host: str

    @property
    def subject(self) -> str:
        """One line."""
        return f"Lockstep on {self.host}: {self.operation} fails ({self.error_type})"

    @property
    def text(self) -> str:
        """All of it."""
        return (
            f"{self.subject}\n\n{self.error}\n\nWhat to do: {self.remedy}\nRunbook: docs/runbooks.md#{self.runbook}\n\n"
            "You hear of this kind of failure once an hour at most, as long as it happens."
        )


Send = Callable[[Notice], None]


class Notifier:
    """Tells of failures, in a thread of its own.

    Args:
        directory: of files that all processes of a machine share.
        senders: how to tell, each for itself.
    """

    def __init__(self, directory: Path, senders: list[Send]) -> None:
        self._directory = directory
        self._senders = senders
        self._told: dict[str, float] = {}

    def failed(self, operation: str, error: BaseException) -> None:
        """Tell that an effect failed, unless that was told lately. Returns at once."""
        if not self._senders:
            return
        kind = re.sub(r"\W", "_", f"{operation}-{type(error).__name__}")
        if self._claim(kind):
            threading.Thread(target=self._tell, args=(kind, _notice(operation, error)), daemon=True).start()

    def _tell(self, kind: str, notice: Notice) -> None:
        for send in self._senders:
            try:
                send(notice)
            except Exception as error:  # noqa: BLE001 — whatever a server does to us is told in the log alone
                log.error("an alert could not be sent", operation=notice.operation, error=repr(error)[:200])
                self._note(kind, time.time() - EVERY + AGAIN)

    def _claim(self, kind: str) -> bool:
        """Whether this process is the one to tell."""
        if time.time() < self._told.get(kind, float("-inf")) + AGAIN:
            return False
        self._told[kind] = time.time()
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with (self._directory / kind).open("a+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                is_new = file.tell() == 0
                if not is_new and abs(time.time() - os.fstat(file.fileno()).st_mtime) < EVERY:
                    return False
                file.write("told\n")
        except OSError:  # no room; then this process remembers
            return True
        return True

    def _note(self, kind: str, at: float) -> None:
        try:
            os.utime(self._directory / kind, (at, at))
        except OSError as error:
            log.warning("not noted that an alert was not sent", error=str(error))


def _notice(operation: str, error: BaseException) -> Notice:
    remedy, runbook = next((what, where) for kinds, what, where in _REMEDIES if isinstance(error, kinds))
    # A statement's values come in later lines, and belong to nobody's mailbox.
    first = (str(error).splitlines() or [""])[0][:300]
    return Notice(operation, type(error).__name__, first, remedy, runbook, socket.gethostname())


def senders(webhook: str, email: str, smtp_url: str) -> list[Send]:
    """Return how to tell, by the settings: none, one or two ways."""
    found: list[Send] = []
    if webhook:
        found.append(lambda notice: _post(webhook, notice))
    if email:
        found.append(lambda notice: _mail(email, smtp_url, notice))
    return found


def _post(url: str, notice: Notice) -> None:
    """Send a notice as JSON, with the `text` that chats show."""
    body = {"text": notice.text, "operation": notice.operation, "error_type": notice.error_type, "host": notice.host}
    # The settings allow no other scheme.
    asked = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=PATIENCE):  # noqa: S310 — likewise
        pass


def _mail(recipient: str, smtp_url: str, notice: Notice) -> None:
    """Send a notice by e-mail.

    Raises:
        smtplib.SMTPNotSupportedError: if there is a password and no way to send it in secret.
    """
    server = urlsplit(smtp_url)
    user, password = unquote(server.username or ""), unquote(server.password or "")
    message = EmailMessage()
    message["Subject"], message["To"], message["From"] = notice.subject, recipient, user if "@" in user else recipient
    message.set_content(notice.text)
    context = ssl.create_default_context()
    connection: smtplib.SMTP
    if server.scheme == "smtps":
        connection = smtplib.SMTP_SSL(server.hostname or "", server.port or 465, timeout=PATIENCE, context=context)
    else:
        connection = smtplib.SMTP(server.hostname or "", server.port or 587, timeout=PATIENCE)
    with connection:
        connection.ehlo()
        if server.scheme == "smtp" and connection.has_extn("starttls"):
            connection.starttls(context=context)
        elif user and server.scheme == "smtp":
            raise smtplib.SMTPNotSupportedError("this server offers no STARTTLS, and the password is not sent without")
        if user:
            connection.login(user, password)
        connection.send_message(message)
