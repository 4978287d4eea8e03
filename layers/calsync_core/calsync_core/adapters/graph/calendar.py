"""CalendarProvider over Graph for one connected mailbox. Reading stands in feed.py and lookups.py, push in
subscriptions.py; here they come together, with the three writes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from calsync_core.adapters.graph.client import GraphClient, GraphRefusedError
from calsync_core.adapters.graph.errors import DuplicateTransactionError
from calsync_core.adapters.graph.feed import Feed
from calsync_core.adapters.graph.lookups import Lookups, entry_path, equals, of_installation, oldest_first
from calsync_core.adapters.graph.mapping import EVERYTHING, to_entry, to_event, to_new_event
from calsync_core.adapters.graph.subscriptions import Subscriptions
from calsync_core.domain.appointments import Copy, Entry, Mark
from calsync_core.domain.connections import Calendar, MailboxIdentity
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalendarGoneError,
    CalsyncError,
    MailboxUnusableError,
    PermissionMissingError,
    ProviderUnavailableError,
    VersionChangedError,
)
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.windows import Window
from calsync_core.domain.zones import iana_name
from calsync_core.ports.calendar import Account, CalendarPage, Content, Granted

_CALENDAR_FIELDS = "id,name,isDefaultCalendar,canEdit,owner"


class GraphCalendarProvider:
    """`identity` tells who signed in, without network. Safe to share between threads."""

    def __init__(self, client: GraphClient, identity: Callable[[], MailboxIdentity]) -> None:
        self._client = client
        self._identity = identity
        self._feed = Feed(client, self._mailbox_zone)
        self._lookups = Lookups(client, self._mailbox_zone)
        self._subscriptions = Subscriptions(client)
        self._zone: str | None = None
        self._calendars: list[Calendar] | None = None

    # -- who and where ------------------------------------------------------------------------------------------

    def hides_brief(self) -> bool:
        return False

    def account(self) -> Account:
        me = self._asked("/me", {"$select": "id,displayName,mail,userPrincipalName"})
        zone = self._settings_zone()
        address = str(me.get("mail") or me.get("userPrincipalName") or "")
        return Account(self._identity(), address, str(me.get("displayName") or address), zone)

    def calendars(self) -> list[Calendar]:
        found: list[Calendar] = []
        own: str | None = None
        try:
            for answer in self._client.pages("/me/calendars", {"$select": _CALENDAR_FIELDS, "$top": "200"}):
                own = self._own_address(answer) if own is None else own
                found += [_to_calendar(one, own) for one in answer.get("value") or () if one.get("id")]
        except GraphRefusedError as refused:
            raise refused.error from None
        self._calendars = found
        return list(found)

    # -- reading ------------------------------------------------------------------------------------------------

    def changes(self, calendar_id: CalendarId, cursor: str | None, window: Window, content: Content) -> CalendarPage:
        return self._feed.page(calendar_id, cursor, window, content)

    def entries(self, calendar_id: CalendarId, ids: Sequence[EntryId], content: Content) -> dict[EntryId, Entry | None]:
        return self._lookups.by_id(calendar_id, ids, content)

    def occurrences(self, calendar_id: CalendarId, series_id: EntryId, window: Window, content: Content) -> list[Entry]:
        return self._lookups.of_series(calendar_id, series_id, window, content)

    def marked(self, installation: str, resource: str | None = None) -> list[Entry]:
        found = self._lookups.by_mark(self._writable(), of_installation(installation))
        return [
            entry
            for entry in found  # the service compares without regard to case, marks differ by it
            if entry.mark and entry.mark.installation == installation and resource in {None, entry.mark.resource}
        ]

    def find_mark(self, mark: Mark) -> list[Entry]:
        found = self._lookups.by_mark(self._writable(), equals(mark))
        return oldest_first([entry for entry in found if entry.mark == mark])

    # -- writing ------------------------------------------------------------------------------------------------

    def create(self, calendar_id: CalendarId, copy: Copy, mark: Mark, transaction_id: str) -> Entry:
        path = f"/me/calendars/{quote(calendar_id, safe='')}/events"
        try:
            event = self._client.post(path, to_new_event(copy, mark, transaction_id))
        except GraphRefusedError as refused:
            return self._create_refused(refused.error, calendar_id, mark)
        return self._written(event, calendar_id, mark)

    def update(self, calendar_id: CalendarId, entry_id: EntryId, copy: Copy, version: str | None) -> Entry:
        body = to_event(copy)
        try:
            event = self._client.patch(entry_path(calendar_id, entry_id), body, version)
        except GraphRefusedError as refused:
            if version is not None or not isinstance(refused.error, VersionChangedError):
                raise refused.error from None
            event = self._once_more(calendar_id, entry_id, body)
        return self._written(event, calendar_id, None)

    def delete(self, calendar_id: CalendarId, entry_id: EntryId, version: str | None) -> None:
        try:
            self._client.delete(entry_path(calendar_id, entry_id), version)
        except GraphRefusedError as refused:
            raise refused.error from None

    # -- push ---------------------------------------------------------------------------------------------------

    def subscribe(self, calendar_id: CalendarId, url: str, lifecycle_url: str, secret: str, until: datetime) -> Granted:
        return self._subscriptions.create(calendar_id, url, lifecycle_url, secret, until)

    def renew(self, subscription_id: str, until: datetime) -> Granted:
        return self._subscriptions.renew(subscription_id, until)

    def unsubscribe(self, subscription_id: str) -> None:
        self._subscriptions.delete(subscription_id)

    # -- inside -------------------------------------------------------------------------------------------------

    def _once_more(self, calendar_id: CalendarId, entry_id: EntryId, body: dict[str, Any]) -> dict[str, Any]:
        """412 comes at times without If-Match, when the server itself touches the item (graph.md 3.4)."""
        try:
            return self._client.patch(entry_path(calendar_id, entry_id), body)
        except GraphRefusedError as refused:
            error = refused.error
            if isinstance(error, VersionChangedError):
                raise ProviderUnavailableError("entry_busy", **error.detail) from None
            raise error from None

    def _create_refused(self, error: CalsyncError, calendar_id: CalendarId, mark: Mark) -> Entry:
        if isinstance(error, DuplicateTransactionError):
            earlier = [entry for entry in self.find_mark(mark) if entry.calendar_id == calendar_id]
            if earlier:
                return earlier[0]
            raise AppointmentRejectedError("transaction_used", **error.detail)
        if isinstance(error, AppointmentGoneError):
            raise CalendarGoneError(**error.detail)
        raise error

    def _written(self, event: dict[str, Any], calendar_id: CalendarId, mark: Mark | None) -> Entry:
        """The answer of a write does not carry the mark; of a create we know it, of an update it stays unknown."""
        try:
            entry = to_entry(event, calendar_id, self._mailbox_zone, EVERYTHING)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise ProviderUnavailableError("answer_unreadable", kind="event") from None
        return entry if mark is None else replace(entry, mark=mark, is_mark_known=True)

    def _writable(self) -> list[CalendarId]:
        """Where a copy can be; the primary calendar may be any that the person may write."""
        known = self._calendars if self._calendars is not None else self.calendars()
        return [calendar.id for calendar in known if calendar.may_write]

    def _asked(self, url: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        """About the mailbox as a whole: "not found" is the mailbox."""
        try:
            return self._client.get(url, query)
        except GraphRefusedError as refused:
            error = refused.error
            if isinstance(error, AppointmentGoneError):
                raise MailboxUnusableError("mailbox_missing", **error.detail) from None
            if isinstance(error, AppointmentRejectedError):
                raise ProviderUnavailableError("request_refused", **error.detail) from None
            raise error from None

    def _own_address(self, calendars: dict[str, Any]) -> str:
        """The owner of the default calendar is the account; what others own is shared with it."""
        for one in calendars.get("value") or ():
            if one.get("isDefaultCalendar"):
                return _owner(one)[1].lower()
        return ""

    def _settings_zone(self) -> str | None:
        """None where the mailbox does not say, or says what nobody knows."""
        try:
            answer = self._asked("/me/mailboxSettings", {"$select": "timeZone"})
        except PermissionMissingError:
            return None
        return iana_name(str(answer.get("timeZone") or "")) if answer.get("timeZone") else None

    def _mailbox_zone(self) -> str:
        if self._zone is None:
            self._zone = self._settings_zone() or "UTC"
        return self._zone


def _owner(calendar: dict[str, Any]) -> tuple[str, str]:
    owner = calendar.get("owner") or {}
    return str(owner.get("name") or ""), str(owner.get("address") or "")


def _to_calendar(calendar: dict[str, Any], own: str) -> Calendar:
    name, address = _owner(calendar)
    return Calendar(
        CalendarId(calendar["id"]),
        str(calendar.get("name") or ""),
        bool(calendar.get("isDefaultCalendar")),
        bool(calendar.get("canEdit")),
        bool(own and address and address.lower() != own),
        name,
        address,
    )
