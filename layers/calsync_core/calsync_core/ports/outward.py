"""What goes out, and what comes from the machine: mail, queue, state machine, time, ids, sealing."""

from datetime import datetime
from typing import Protocol

from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.values import value


@value(frozen=True, slots=True)
class Mail:
    """One mail, ready to go: no template engine behind this point. `to` is one address."""

    to: str
    subject: str
    text: str
    html: str
    kind: str
    locale: str = "en"
    may_unsubscribe: bool = False


class Mailer(Protocol):
    def send(self, mail: Mail) -> str:
        """Gives the message id. Raises ProviderUnavailableError, AppointmentRejectedError("mail_refused")."""


@value(frozen=True, slots=True)
class Wish:
    """A wish for a run. `cause`: notification, host, button, sweep, import, full, lifecycle.

    `subject` belongs to lifecycle: `mailbox/path hash` of the subscription that must be renewed at once.
    """

    account: AccountId
    resource: ResourceId
    cause: str
    subject: str = ""


class Queue(Protocol):
    def wish(self, wish: Wish) -> None:
        """Raises ProviderUnavailableError: the caller must then answer 5xx so that the sender tries again."""


class Importer(Protocol):
    """Starts the state machine `sync_resource`."""

    def start(self, wish: Wish, run: str) -> None:
        """EXPRESS for a change, STANDARD for import and full; already started is no error."""


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""


class Ids(Protocol):
    def token(self) -> str:
        """256 random bits, url-safe."""

    def short(self) -> str:
        """128 random bits, url-safe, for ids that are no secrets."""


class Sealer(Protocol):
    """Envelope encryption under the account's KMS data key; `context` goes into the associated data."""

    def seal(self, account: AccountId, plain: bytes, context: str) -> bytes: ...

    def unseal(self, account: AccountId, sealed: bytes, context: str) -> bytes:
        """Raises InstallationError("unsealing_failed")."""
