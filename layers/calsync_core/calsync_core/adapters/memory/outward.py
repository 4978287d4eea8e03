"""The outward ports in memory: what would have been sent or started is kept in lists, time and ids are given.

Does not belong here: behaviour that the real adapters do not have.
"""

import base64
import random
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from functools import lru_cache

from calsync_core.domain.errors import AppointmentRejectedError, InstallationError
from calsync_core.domain.ids import AccountId
from calsync_core.ports.outward import Mail, Wish


class MemoryMailer:
    """Keeps what was sent, in order."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []

    def send(self, mail: Mail) -> str:
        if not _is_one_address(mail.to) or not mail.subject or not mail.subject.isprintable():
            raise AppointmentRejectedError("mail_refused", kind=mail.kind)
        self.sent.append(mail)
        return f"message-{len(self.sent)}"


class MemoryQueue:
    """Keeps the wishes; `take_all` gives them once, as the consumer would get them."""

    def __init__(self) -> None:
        self.wishes: list[Wish] = []

    def wish(self, wish: Wish) -> None:
        self.wishes.append(wish)

    def take_all(self) -> list[Wish]:
        taken, self.wishes = self.wishes, []
        return taken


class MemoryImporter:
    """Keeps what was started; an import or full check with a run that is known already is started once."""

    def __init__(self) -> None:
        self.started: list[tuple[Wish, str]] = []

    def start(self, wish: Wish, run: str) -> None:
        if wish.cause in {"import", "full"} and (wish, run) in self.started:
            return
        self.started.append((wish, run))


class FixedClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by

    def move_to(self, now: datetime) -> None:
        self._now = now


class SeededIds:
    """The same ids for the same seed, in the shape of the real ones. Never for production: they can be guessed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable is the point

    def token(self) -> str:
        return self._draw(32)

    def short(self) -> str:
        return self._draw(16)

    def _draw(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._random.randbytes(size)).rstrip(b"=").decode()


class PlainSealer:
    """Hides nothing, but refuses what was sealed for another account or context, as the real one does."""

    def seal(self, account: AccountId, plain: bytes, context: str) -> bytes:
        return _label(account, context) + plain

    def unseal(self, account: AccountId, sealed: bytes, context: str) -> bytes:
        label = _label(account, context)
        if not sealed.startswith(label):
            raise InstallationError("unsealing_failed", account=account)
        return sealed[len(label) :]


@lru_cache(maxsize=256)
def _is_one_address(text: str) -> bool:
    try:
        return bool(Address(addr_spec=text).domain) and text.isprintable()
    except (ValueError, IndexError):
        return False


def _label(account: AccountId, context: str) -> bytes:
    return f"plain|{account}|{context}|".encode()
