"""What can go wrong, each with the stable code of docs/hosts/connector-v1.md section 1.

HostError
+-- RefusalError          a rule says no; nothing was changed
+-- InvalidInputError     the request itself is wrong
+-- NotFoundError
+-- CursorExpiredError
+-- BusyError             too many changes of one calendar at once; try again
"""

from collections.abc import Sequence
from typing import ClassVar


class HostError(Exception):
    """An answer with a stable code. `message` is for people and holds no content of other bookings."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class RefusalError(HostError):
    """A rule of the booking system says no. `conflicting_ids` are bookings or refs of blocks in the way."""

    MESSAGES: ClassVar[dict[str, str]] = {
        "slot_taken": "The time is already taken.",
        "outside_hours": "The time is outside the working hours.",
        "granularity": "The time is not on the booking grid.",
        "locked": "The booking is cancelled and cannot be changed any more.",
        "forbidden": "The resource does not take bookings.",
        "already_exists": "The id is already in use.",
        "version_mismatch": "It was changed in the meantime.",
    }

    def __init__(self, code: str, conflicting_ids: Sequence[str] = (), message: str = "") -> None:
        status = 412 if code == "version_mismatch" else 409
        super().__init__(status, code, message or self.MESSAGES[code])
        self.conflicting_ids = list(conflicting_ids)


class InvalidInputError(HostError):
    """The request does not fit the contract; `errors` says which field and why."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__(422, "invalid", "; ".join(f"{field}: {message}" for field, message in errors))
        self.errors = [{"field": field, "message": message} for field, message in errors]


class NotFoundError(HostError):
    """The thing named in the address or the body does not exist."""

    def __init__(self, what: str) -> None:
        super().__init__(404, "not_found", f"There is no such {what}.")


class CursorExpiredError(HostError):
    """The change cursor cannot be continued; the caller reads the window again."""

    def __init__(self) -> None:
        super().__init__(410, "cursor_expired", "The cursor is too old. Read the window again.")


class BusyError(HostError):
    """The change lost every race for its calendar; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(503, "busy", "Many changes at once. Please try again.")
