"""A calendar provider, bound to one connected mailbox. Words: house-style section 1.

Cursor: an opaque text that says where the provider's change feed stands; it belongs to one calendar and one window.
Entry ids are the provider's immutable ones. All instants are aware UTC. Every method may raise
ProviderUnavailableError, ProviderThrottledError and the ConnectionBrokenError family; what else is named below.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from calsync_core.domain.appointments import Copy, Entry, Mark
from calsync_core.domain.connections import Calendar, MailboxIdentity
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.values import value
from calsync_core.domain.windows import Window


@value(frozen=True, slots=True)
class Content:
    """What may be read at all. The parser drops the rest before an object exists (privacy by construction).

    `private` False means that nothing of entries marked private is read but their time. `subject` and `categories` are
    read where a filter asks for them: to decide, never to show or to keep. `html` keeps the formatting of notes.
    """

    title: bool = False
    notes: bool = False
    private: bool = False
    subject: bool = False
    categories: bool = False
    html: bool = False


@value(frozen=True, slots=True)
class CalendarPage:
    """One page of the change feed.

    `entries` may repeat an id (the last wins), may be sparse and carry no marks; masters are among them.
    `removed` are hints, not deletions: the id may live outside the window (graph.md section 4).
    `next_cursor` continues; with `is_last` the round is complete and `next_cursor` starts the next one.
    """

    entries: tuple[Entry, ...]
    removed: tuple[EntryId, ...]
    next_cursor: str
    is_last: bool


@value(frozen=True, slots=True)
class Account:
    """Who signed in, as the provider says it."""

    identity: MailboxIdentity
    address: str
    display_name: str
    time_zone: str | None = None


@value(frozen=True, slots=True)
class Granted:
    """A subscription as the provider granted it. `heartbeat`: it says that it is there at least so often."""

    subscription_id: str
    expires_at: datetime
    heartbeat: timedelta | None = None


class CalendarProvider(Protocol):
    def hides_brief(self) -> bool:
        """Whether the feed says nothing of what came and went between two looks. Nothing is asked for it."""

    def account(self) -> Account:
        """Who this is. Raises MailboxUnusableError when the sign-in has no calendar to serve."""

    def calendars(self) -> list[Calendar]: ...

    def changes(self, calendar_id: CalendarId, cursor: str | None, window: Window, content: Content) -> CalendarPage:
        """One page. `cursor` None opens a full round over `window`; later pages take the window from the cursor.

        Raises CursorExpiredError, CalendarGoneError.
        """

    def entries(self, calendar_id: CalendarId, ids: Sequence[EntryId], content: Content) -> dict[EntryId, Entry | None]:
        """Look up by id, in batches, with marks; None = gone for certain. Never sparse. Masters are allowed, and only
        here is it certain that they tell how they repeat: a feed or a search may not (Exchange)."""

    def occurrences(self, calendar_id: CalendarId, series_id: EntryId, window: Window, content: Content) -> list[Entry]:
        """The authoritative set of one series' occurrences and exceptions in the window, never sparse; empty where it
        repeats no more.

        Raises AppointmentGoneError when the master is gone.
        """

    def marked(self, installation: str, resource: str | None = None) -> list[Entry]:
        """All entries of the mailbox that carry our installation's mark, asked for once by a filtered query."""

    def find_mark(self, mark: Mark) -> list[Entry]:
        """The entries that carry exactly this mark (any generation counts as another), oldest first."""

    def create(self, calendar_id: CalendarId, copy: Copy, mark: Mark, transaction_id: str) -> Entry:
        """Write a copy and give it back as it stands there. How a series repeats is among it only where that is how
        the calendar says what was written, and not what somebody made of it since; so it is with `update`.

        Raises AppointmentRejectedError, CalendarGoneError, PermissionMissingError. After a cut connection the write
        may have taken effect: look for the mark before trying again.
        """

    def update(self, calendar_id: CalendarId, entry_id: EntryId, copy: Copy, version: str | None) -> Entry:
        """Raises AppointmentGoneError, VersionChangedError (only with `version`), AppointmentRejectedError."""

    def delete(self, calendar_id: CalendarId, entry_id: EntryId, version: str | None) -> None:
        """Raises AppointmentGoneError, VersionChangedError (only with `version`)."""

    def subscribe(self, calendar_id: CalendarId, url: str, lifecycle_url: str, secret: str, until: datetime) -> Granted:
        """Raises PermissionMissingError where push is refused (shared calendars): then it is polled."""

    def renew(self, subscription_id: str, until: datetime) -> Granted:
        """Raises AppointmentGoneError when the provider has forgotten it: subscribe anew."""

    def unsubscribe(self, subscription_id: str) -> None:
        """Forgetting twice is no error."""
