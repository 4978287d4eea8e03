"""The person's side of a mailbox at an Exchange server for the contract.

The sandbox has one mailbox store behind two interfaces: the person acts through Graph, as Outlook would, and calsync
comes through EWS, which spells the ordinary (not the immutable) ids of REST in its own way.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from calsync_core.adapters.exchange.access import ExchangeAccess
from calsync_core.adapters.exchange.addresses import AddressGuard
from calsync_core.adapters.exchange.calendar import ExchangeCalendarProvider
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.domain.appointments import Timed, When
from calsync_core.domain.ids import AccountId, CalendarId, EntryId
from calsync_core.domain.recurrence import Recurrence
from calsync_core.ports.exchange import ExchangeLogin, ExchangeServer

from tests.contract.calendar_sides import ZONE, GraphSide
from tests.contract.exchange_answers import answer, failure
from tests.contract.microsoft import PASSWORD, Microsoft, Person

LOOPBACK = ("127.0.0.0/8:{port}", "[::1]:{port}")


def guard_of(microsoft: Microsoft) -> AddressGuard:
    port = microsoft.addresses["ews"].rpartition(":")[2].partition("/")[0]
    return AddressGuard(line.format(port=port) for line in LOOPBACK)


def server_of(microsoft: Microsoft, **fields: Any) -> ExchangeServer:
    ca = Path(microsoft.ca_file).read_text()
    wanted = {"api_version": "Exchange2016", "auth": "ntlm", "ca_pem": ca, "time_zone": ZONE, **fields}
    return ExchangeServer(microsoft.addresses["ews"], **wanted)


def login_of(person: Person, **fields: Any) -> ExchangeLogin:
    return replace(ExchangeLogin(server_of(person.microsoft), person.email, person.email, PASSWORD), **fields)


def open_mailbox(person: Person, login: ExchangeLogin | None = None) -> ExchangeCalendarProvider:
    access = ExchangeAccess(memory_stores().credentials, guard_of(person.microsoft))
    return access.of_grant(AccountId("main"), (login or login_of(person)).encode())


class ExchangeSide(GraphSide):
    """`auth` and `is_2007` choose how calsync comes; the person's acts are the same."""

    def __init__(self, person: Person, **server: Any) -> None:
        super().__init__(person)
        self.login = login_of(person, server=server_of(person.microsoft, **server))
        self.provider = open_mailbox(person, self.login)
        self._graph_calendar = self.calendar
        self.second = CalendarId(self.to_exchange(self.second))
        self.calendar = CalendarId(self.to_exchange(self.calendar))

    def to_exchange(self, rest_id: str) -> str:
        """Both are base64 of the same; REST has the alphabet for URLs."""
        return rest_id.replace("-", "+").replace("_", "/")

    def to_graph(self, exchange_id: str) -> str:
        return exchange_id.replace("+", "-").replace("/", "_")

    def move(self, entry_id: EntryId, when: When) -> None:
        super().move(EntryId(self.to_graph(entry_id)), when)

    def delete(self, entry_id: EntryId) -> None:
        super().delete(EntryId(self.to_graph(entry_id)))

    def create(self, when: When, title: str = "Lunch", *, is_private: bool = False, notes: str = "") -> EntryId:
        return EntryId(self.to_exchange(super().create(when, title, is_private=is_private, notes=notes)))

    def create_series(self, when: Timed, count: int) -> EntryId:
        return EntryId(self.to_exchange(super().create_series(when, count)))

    def delete_occurrence(self, series_id: EntryId, original: datetime) -> None:
        self._events("DELETE", self._part(series_id, original))

    def move_occurrence(self, series_id: EntryId, original: datetime, when: Timed) -> None:
        super().move(EntryId(self._part(series_id, original)), when)

    def change_pattern(self, series_id: EntryId, recurrence: Recurrence | None) -> None:
        super().change_pattern(EntryId(self.to_graph(series_id)), recurrence)

    def copy_and_paste(self, entry_id: EntryId, when: Timed) -> EntryId:
        self.microsoft.control("POST", "/clock", {"advance_seconds": 2})  # Exchange tells whole seconds
        return EntryId(self.to_exchange(super().copy_and_paste(EntryId(self.to_graph(entry_id)), when)))

    def expire_cursors(self) -> None:
        body = answer(failure("SyncFolderItems", "ErrorInvalidSyncStateData"), operation="SyncFolderItems").decode()
        action = {"status": 200, "body": body, "headers": {"content-type": "text/xml; charset=utf-8"}}
        match = {"path": "Exchange.asmx", "body": "<m:SyncState>", "mailbox": self.person.email}
        self.microsoft.fault(match=match, times=1, action=action)

    def remove_second(self) -> None:
        self.person.rest("DELETE", f"/me/calendars/{self.to_graph(self.second)}", Prefer="")

    def share_from_somebody(self) -> CalendarId:
        """Another mailbox is opened as its delegate: from then on the provider is that of the shared calendar."""
        owner = self.microsoft.add_person(display_name="Room owner", exchange={})
        self.microsoft.control(
            "POST", f"/people/{owner.email}/calendars/default/share", {"person": self.person.email, "role": "write"}
        )
        self.provider = open_mailbox(self.person, replace(self.login, access="delegate", mailbox=owner.email))
        return self.provider.calendars()[0].id

    def _part(self, series_id: EntryId, original: datetime) -> str:
        return self._occurrence(EntryId(self.to_graph(series_id)), original)

    def _events(self, method: str, entry_id: str, body: Any = None, *, is_path: bool = False) -> Any:
        """Ordinary ids, which Exchange has under another spelling; the immutable ones it does not know."""
        tail = f"/{entry_id}" if entry_id else ""
        return self.person.rest(method, f"/me/calendars/{self._graph_calendar}/events{tail}", body, Prefer="")
