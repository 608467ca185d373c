"""What can go wrong in the shop's own terms. Each has a stable code and data; `app.api.errors` maps them to HTTP in one place.

A class's docstring is its message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class LockstepError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"
    # If it kept a bulk from being made: the bulk's rows that could not be, this error's among them.
    rows: Sequence[dict[str, Any]] = ()

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or (type(self).__doc__ or "").strip())

    @property
    def detail(self) -> str:
        """A sentence for the person who runs into the error."""
        return str(self.args[0])


class BusyError(LockstepError):
    """Too many ask for this at once. Try again in a moment."""

    code = "busy"


class NotFoundError(LockstepError):
    """There is nothing here."""

    code = "not_found"


class NotKeptYetError(NotFoundError):
    """The snapshot of this version is still being written. Ask again in a moment."""

    code = "not_kept_yet"


class ConcurrencyError(LockstepError):
    """Concurrent modification detected"""

    # `entity` is what someone else changed: content, stock or price. `current` is its present state.
    code = "concurrent_modification"

    def __init__(self, entity: str, current: dict[str, Any]) -> None:
        super().__init__()
        self.entity = entity
        self.current = current


class InsufficientStockError(LockstepError):
    """The stock does not suffice for this change."""

    code = "insufficient_stock"

    def __init__(self, detail: str, current: dict[str, Any]) -> None:
        super().__init__(detail)
        self.current = current


class InvalidFieldError(LockstepError):
    """A field does not fit."""

    code = "validation_failed"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Holder:
    """The part that holds a unique value."""

    part_id: int
    archived: bool

    def __str__(self) -> str:
        return f"the archived part {self.part_id}" if self.archived else f"part {self.part_id}"

    def remedy(self, otherwise: str = "choose another one") -> str:
        """Return what can be done about it."""
        return (
            f"restore that part (POST /api/v1/admin/parts/{self.part_id}/restore), or {otherwise}" if self.archived else otherwise
        )


class DuplicateError(LockstepError):
    """Another record has this value already."""

    code = "duplicate"

    def __init__(self, field: str, value: str, remedy: str = "choose another one", holder: Holder | None = None) -> None:
        by = f" by {holder}" if holder else ""
        super().__init__(f"{field} {value!r} is taken{by}; {holder.remedy(remedy) if holder else remedy}")
        self.field = field
        self.holder = holder


class CategoryNotEmptyError(LockstepError):
    """This category is not empty."""

    code = "category_not_empty"

    def __init__(self, parts: int, archived: int, subcategories: int) -> None:
        super().__init__(
            f"This category holds {parts} parts ({archived} of them archived) and {subcategories} subcategories. Name the"
            " category that takes them over as `target`, or move them first."
        )


class ArchivedError(LockstepError):
    """This part is archived; restore it before you change it."""

    code = "part_archived"


class ImportOverError(LockstepError):
    """This import has ended already; nothing of it can be cancelled."""

    code = "import_over"


class ImportNotUndoableError(LockstepError):
    """Only an import that has ended can be undone, and no dry run or undo."""

    code = "import_not_undoable"


class LastAdministratorError(LockstepError):
    """Nobody else can log in as an administrator. Give somebody else that role first."""

    code = "last_administrator"


class SystemUserError(LockstepError):
    """The system user, to whom automatic changes are attributed, cannot be changed."""

    code = "system_user"


class KeyInUseError(LockstepError):
    """The first call with this Idempotency-Key is still under way. Send this one again in a moment."""

    code = "idempotency_in_progress"


class KeyReusedError(LockstepError):
    """This Idempotency-Key belongs to another call: same caller, but another address, query, If-Match or body. Use a new key."""

    code = "idempotency_key_reused"


class DatabaseConsistencyError(LockstepError):
    """The database cannot confirm this now. Read the present state, then try again."""

    code = "database_unavailable"


class StorageUnavailableError(LockstepError):
    """The storage of files does not answer. Nothing was changed; try again in a moment."""

    code = "storage_unavailable"


class UnauthenticatedError(LockstepError):
    """Log in, or send an API key."""

    code = "unauthenticated"


class SecondFactorRequiredError(LockstepError):
    """Send a code of your authenticator app, or a recovery code, as `code`."""

    code = "second_factor_required"


class WrongCodeError(UnauthenticatedError):
    """This code is wrong, or was used already. Send your authenticator app's next one, or a recovery code."""

    code = "wrong_code"


class WrongPasskeyError(UnauthenticatedError):
    """This passkey is not known here, or its answer came too late. Try again, or log in with your password."""

    code = "wrong_passkey"


class TooManyPasskeysError(LockstepError):
    """You have 20 passkeys already; remove one first."""

    code = "too_many_passkeys"


class SecondFactorOnError(LockstepError):
    """You have a second factor already; turn it off first."""

    code = "second_factor_on"


class ForbiddenError(LockstepError):
    """Your role does not allow this."""

    code = "forbidden"


class StepUpRequiredError(ForbiddenError):
    """Prove who you are once more: POST /api/v1/auth/step-up. Then send this again."""

    code = "step_up_required"


class TooManyRequestsError(LockstepError):
    """Too many requests."""

    code = "too_many_requests"

    def __init__(self, detail: str, seconds: int) -> None:
        super().__init__(detail)
        self.seconds = seconds


class TooManyAttemptsError(TooManyRequestsError):
    """Too many attempts to log in."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts to log in. Try again in {seconds} s.", seconds)


class TooManyCallsError(TooManyRequestsError):
    """Too many calls at once."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many calls at once. Try again in {seconds} s.", seconds)
