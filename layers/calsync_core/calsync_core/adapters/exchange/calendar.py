"""CalendarProvider over EWS for one mailbox at one Exchange server. Reading stands in feed.py, views.py and lookups.py,
writing in writing.py (the only part that loads exchangelib), push in subscriptions.py; here they come together.

Entry ids change when an entry is moved to another folder: that is a removal here and a new entry there, and the mark
says that it is ours. Versions are change keys.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from calsync_core.adapters.exchange import subscriptions
from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.errors import EwsRefusedError
from calsync_core.adapters.exchange.feed import Feed
from calsync_core.adapters.exchange.folders import Calendars
from calsync_core.adapters.exchange.items import EVERYTHING, slim_shape
from calsync_core.adapters.exchange.lookups import Lookups
from calsync_core.adapters.exchange.people import mailbox_zone, resolve_name
from calsync_core.adapters.exchange.soap import T
from calsync_core.adapters.exchange.views import Views
from calsync_core.domain.appointments import Copy, Entry, Mark
from calsync_core.domain.connections import Calendar, MailboxIdentity, ProviderKind
from calsync_core.domain.errors import (
    AppointmentGoneError,
    CalendarGoneError,
    ProviderUnavailableError,
    VersionChangedError,
)
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.windows import Window
from calsync_core.domain.zones import iana_name
from calsync_core.ports.calendar import Account, CalendarPage, Content, Granted

if TYPE_CHECKING:
    from calsync_core.adapters.exchange.writing import Writer, Written

_FRESH_SECONDS = 60.0
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class ExchangeCalendarProvider:
    """Safe to share between threads. `close` gives the connection back; the next call opens another."""

    def __init__(self, client: EwsClient) -> None:
        self._client = client
        zone = iana_name(client.login.server.time_zone or "") or "UTC"
        self._folders = Calendars(client)
        self._lookups = Lookups(client, self._folders, zone)
        self._views = Views(client, self._lookups, zone)
        self._feed = Feed(client, self._lookups, self._views, zone)
        self._writer: Writer | None = None
        self._calendars: tuple[float, list[Calendar]] | None = None

    def close(self) -> None:
        self._client.close()

    # -- who and where ------------------------------------------------------------------------------------------

    def hides_brief(self) -> bool:
        return True

    def account(self) -> Account:
        """The mailbox that answered. Its zone is what Outlook on the web uses, else the server's setting."""
        self._folders.default()
        login = self._client.login
        found = resolve_name(self._client, login.target)
        zone = mailbox_zone(self._client, self._folders.owner) or iana_name(login.server.time_zone or "")
        return Account(self._identity(found.address), found.address, found.display_name, zone)

    def calendars(self) -> list[Calendar]:
        found = self._folders.all()
        self._calendars = time.monotonic(), found
        return list(found)

    # -- reading ------------------------------------------------------------------------------------------------

    def changes(self, calendar_id: CalendarId, cursor: str | None, window: Window, content: Content) -> CalendarPage:
        if cursor is None:
            self._check_trash(calendar_id)
        return self._feed.page(calendar_id, cursor, window, content)

    def entries(self, calendar_id: CalendarId, ids: Sequence[EntryId], content: Content) -> dict[EntryId, Entry | None]:
        return self._lookups.by_id(calendar_id, ids, content)

    def occurrences(self, calendar_id: CalendarId, series_id: EntryId, window: Window, content: Content) -> list[Entry]:
        return self._views.of_series(calendar_id, series_id, window, content)

    def count(self, calendar_id: CalendarId, window: Window) -> int:
        """How many entries a span holds, for the connection test: their ids alone are read."""
        return self._views.count(calendar_id, window)

    def marked(self, installation: str, resource: str | None = None) -> list[Entry]:
        return [
            entry
            for entry in self._views.marked(self._writable(), installation)
            if entry.mark and entry.mark.installation == installation and resource in {None, entry.mark.resource}
        ]

    def find_mark(self, mark: Mark) -> list[Entry]:
        found = [one for one in self._views.with_mark(self._writable(), mark) if one.mark == mark]
        return sorted(found, key=lambda one: (one.created_at or _EARLIEST, one.id))

    # -- writing ------------------------------------------------------------------------------------------------

    def create(self, calendar_id: CalendarId, copy: Copy, mark: Mark, transaction_id: str) -> Entry:  # noqa: ARG002
        """There are no transaction ids here: after an unclear answer the caller looks for the mark, which is written
        together with the entry."""
        try:
            written = self._writing.create(calendar_id, copy, mark)
        except EwsRefusedError as refused:
            error = refused.error
            if isinstance(error, AppointmentGoneError):
                raise CalendarGoneError(**error.detail) from None
            raise error from None
        return self._as_it_stands(calendar_id, written)

    def update(self, calendar_id: CalendarId, entry_id: EntryId, copy: Copy, version: str | None) -> Entry:
        try:
            written = self._writing.update(entry_id, copy, version)
        except EwsRefusedError as refused:
            raise refused.error from None
        return self._as_it_stands(calendar_id, written)

    def delete(self, calendar_id: CalendarId, entry_id: EntryId, version: str | None) -> None:  # noqa: ARG002
        """DeleteItem looks at no version, so it is read right before."""
        if version is not None:
            item = self._lookups.items([entry_id], slim_shape())[entry_id]
            if item is None:
                raise AppointmentGoneError
            identity = item.find(f"{T}ItemId")
            if identity is None or identity.get("ChangeKey") != version:
                raise VersionChangedError
        try:
            self._writing.delete(entry_id)
        except EwsRefusedError as refused:
            raise refused.error from None

    # -- push ---------------------------------------------------------------------------------------------------

    def subscribe(
        self,
        calendar_id: CalendarId,
        url: str,
        lifecycle_url: str,  # noqa: ARG002 - Exchange has nothing of that kind
        secret: str,  # noqa: ARG002
        until: datetime,
    ) -> Granted:
        """A push has no place for a secret: `url` alone must be unguessable."""
        return subscriptions.subscribe(self._client, calendar_id, url, until)

    def renew(self, subscription_id: str, until: datetime) -> Granted:  # noqa: ARG002
        """There is no such call: the caller subscribes anew, and reads once more."""
        raise AppointmentGoneError("subscription_gone")

    def unsubscribe(self, subscription_id: str) -> None:
        """Nothing to call: the next post for it is answered with Unsubscribe."""

    # -- inside -------------------------------------------------------------------------------------------------

    @property
    def _writing(self) -> "Writer":
        if self._writer is None:
            from calsync_core.adapters.exchange.writing import Writer

            self._writer = Writer(self._client)
        return self._writer

    def _as_it_stands(self, calendar_id: CalendarId, written: "Written") -> Entry:
        """Read back by a call of its own. How a series repeats is told only where nobody has written since: it is how
        the server says our own rule."""
        entry = self._lookups.by_id(calendar_id, [written.entry_id], EVERYTHING)[written.entry_id]
        if entry is None:  # written, and gone at once: the caller looks again
            raise ProviderUnavailableError("entry_busy")
        return entry if entry.version == written.version else replace(entry, recurrence=None)

    def _writable(self) -> list[CalendarId]:
        return [calendar.id for calendar in self._fresh_calendars() or self.calendars() if calendar.may_write]

    def _fresh_calendars(self) -> list[Calendar]:
        """The list of some moments ago; providers outlive runs, and people make calendars."""
        if self._calendars is None or time.monotonic() - self._calendars[0] > _FRESH_SECONDS:
            return []
        return self._calendars[1]

    def _check_trash(self, calendar_id: CalendarId) -> None:
        """A calendar among the deleted items still answers. A full round has listed the calendars for the marks, so
        this costs nothing where all is well. Raises CalendarGoneError."""
        known = self._fresh_calendars()
        if known and calendar_id not in {one.id for one in known}:
            self._lookups.check_calendar(calendar_id)

    def _identity(self, address: str) -> MailboxIdentity:
        host = (urlsplit(self._client.login.server.url).hostname or "").lower()
        return MailboxIdentity(ProviderKind.EXCHANGE, host, address.lower())
