"""The person's side of a calendar for the contract: the same acts in a mailbox in memory and in the sandbox."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote
from zoneinfo import ZoneInfo

from calsync_core.adapters.graph.recurrences import to_patterned
from calsync_core.adapters.graph.wire import MARK_EXPANSION
from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer
from calsync_core.adapters.memory.mailbox import MemoryMailboxServer
from calsync_core.domain.appointments import AllDay, Copy, Mark, Notes, Timed, When
from calsync_core.domain.ids import AccountId, BookingId, CalendarId, EntryId, ResourceId
from calsync_core.domain.recurrence import Recurrence
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarProvider, Content

from tests.contract.microsoft import Person

ZONE = "Europe/Berlin"
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
MONDAY = NOW.replace(hour=9) + timedelta(days=7 - NOW.weekday())
WINDOW = Window.around(NOW, 2, 8)
ALL = Content(title=True, notes=True, private=True)
OPEN = Content(title=True, notes=True)
TIME_ONLY = Content()


def at(days: int, hour: int = 9, minutes: int = 60) -> Timed:
    """So many days after next Monday."""
    start = MONDAY.replace(hour=hour) + timedelta(days=days)
    return Timed(start, start + timedelta(minutes=minutes))


def days(start: int, count: int = 1) -> AllDay:
    first: date = MONDAY.date() + timedelta(days=start)
    return AllDay(first, first + timedelta(days=count))


def mark(booking: str = "bkg_1", generation: int = 1, resource: str = "anna") -> Mark:
    return Mark("install-1", AccountId("main"), ResourceId(resource), BookingId(booking), generation)


def copy(when: When, title: str = "Consultation", **fields: Any) -> Copy:
    return Copy(when, ZONE, title, **fields)


class Side(Protocol):
    provider: CalendarProvider
    calendar: CalendarId
    second: CalendarId

    def create(self, when: When, title: str = "Lunch", *, is_private: bool = False, notes: str = "") -> EntryId: ...
    def create_series(self, when: Timed, count: int) -> EntryId: ...
    def move(self, entry_id: EntryId, when: When) -> None: ...
    def delete(self, entry_id: EntryId) -> None: ...
    def delete_occurrence(self, series_id: EntryId, original: datetime) -> None: ...
    def move_occurrence(self, series_id: EntryId, original: datetime, when: Timed) -> None: ...
    def change_pattern(self, series_id: EntryId, recurrence: Recurrence | None) -> None: ...
    def copy_and_paste(self, entry_id: EntryId, when: Timed) -> EntryId: ...
    def rotate_versions(self) -> None: ...
    def expire_cursors(self) -> None: ...
    def remove_second(self) -> None: ...
    def share_from_somebody(self) -> CalendarId: ...
    def mails(self) -> list[Any]: ...


@dataclass
class MemorySide:
    server: MemoryMailboxServer = field(default_factory=lambda: MemoryMailboxServer(lambda: NOW, ZONE, page_size=4))

    def __post_init__(self) -> None:
        self.provider = MemoryCalendarProvider(self.server)
        self.calendar = next(iter(self.server.calendars))
        self.second = self.server.add_calendar("Second")

    def create(self, when: When, title: str = "Lunch", *, is_private: bool = False, notes: str = "") -> EntryId:
        text = Notes(notes) if notes else None
        return self.server.create_entry(when, title, is_private=is_private, notes=text)

    def create_series(self, when: Timed, count: int) -> EntryId:
        return self.server.create_series(when, count)

    def move(self, entry_id: EntryId, when: When) -> None:
        self.server.move_entry(entry_id, when)

    def delete(self, entry_id: EntryId) -> None:
        self.server.delete_entry(entry_id)

    def delete_occurrence(self, series_id: EntryId, original: datetime) -> None:
        self.server.delete_occurrence(series_id, original)

    def move_occurrence(self, series_id: EntryId, original: datetime, when: Timed) -> None:
        self.server.move_occurrence(series_id, original, when)

    def change_pattern(self, series_id: EntryId, recurrence: Recurrence | None) -> None:
        self.server.change_pattern(series_id, recurrence)

    def copy_and_paste(self, entry_id: EntryId, when: Timed) -> EntryId:
        return self.server.copy_entry(entry_id, when)

    def rotate_versions(self) -> None:
        self.server.rotate_created()

    def expire_cursors(self) -> None:
        self.server.expire_cursors()

    def remove_second(self) -> None:
        self.server.remove_calendar(self.second)

    def share_from_somebody(self) -> CalendarId:
        return self.server.add_calendar("Shared", is_shared=True)

    def mails(self) -> list[Any]:
        return list(self.server.outbox)


class MemoryExchangeSide(MemorySide):
    """The same mailbox as an Exchange server shows it."""

    def __init__(self) -> None:
        super().__init__(MemoryExchangeMailboxServer(lambda: NOW, ZONE, page_size=4))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.provider = MemoryExchangeCalendarProvider(self.server)


class GraphSide:
    """The person acts by the ordinary Graph API, as Outlook would."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.microsoft = person.microsoft
        self.provider: CalendarProvider = person.provider()
        self.calendar = CalendarId(person.calendar())
        self.second = CalendarId(person.calendar("Second"))
        self._mails_before = self.microsoft.control("GET", "/outbox")["last_id"]

    def create(self, when: When, title: str = "Lunch", *, is_private: bool = False, notes: str = "") -> EntryId:
        event = {
            "subject": title,
            "sensitivity": "private" if is_private else "normal",
            "body": {"contentType": "html", "content": f"<p>{notes}</p>" if notes else ""},
            **_times(when),
        }
        return EntryId(self._events("POST", "", event)["id"])

    def create_series(self, when: Timed, count: int) -> EntryId:
        local = when.start_at.astimezone(ZoneInfo(ZONE))
        pattern = {"type": "weekly", "interval": 1, "daysOfWeek": [f"{local:%A}".lower()]}
        span = {"type": "numbered", "startDate": local.date().isoformat(), "numberOfOccurrences": count}
        event = {"subject": "Team", **_times(when), "recurrence": {"pattern": pattern, "range": span}}
        return EntryId(self._events("POST", "", event)["id"])

    def move(self, entry_id: EntryId, when: When) -> None:
        self._events("PATCH", entry_id, _times(when))

    def delete(self, entry_id: EntryId) -> None:
        self._events("DELETE", entry_id)

    def delete_occurrence(self, series_id: EntryId, original: datetime) -> None:
        self.delete(self._occurrence(series_id, original))

    def move_occurrence(self, series_id: EntryId, original: datetime, when: Timed) -> None:
        self.move(self._occurrence(series_id, original), when)

    def change_pattern(self, series_id: EntryId, recurrence: Recurrence | None) -> None:
        """From the day on which it stands; None: it repeats no more."""
        said = to_patterned(recurrence) if recurrence else None
        self._events("PATCH", series_id, {"recurrence": said})

    def copy_and_paste(self, entry_id: EntryId, when: Timed) -> EntryId:
        """Outlook carries extended properties over."""
        expand = quote(MARK_EXPANSION, safe="")
        old = self._events("GET", f"{quote(entry_id, safe='')}?$expand={expand}", is_path=True)
        properties = [
            {"id": one["id"], "value": one["value"]} for one in old.get("singleValueExtendedProperties") or []
        ]
        event = {"subject": old["subject"], "singleValueExtendedProperties": properties, **_times(when)}
        return EntryId(self._events("POST", "", event)["id"])

    def rotate_versions(self) -> None:
        self.microsoft.control("POST", "/clock", {"advance_seconds": 10})

    def expire_cursors(self) -> None:
        self.microsoft.fault(match={"path": "delta.*deltatoken"}, times=1, action={"shape": "sync_state"})

    def remove_second(self) -> None:
        self.person.rest("DELETE", f"/me/calendars/{quote(self.second, safe='')}")

    def share_from_somebody(self) -> CalendarId:
        owner = self.microsoft.add_person(display_name="Room owner")
        shown = self.microsoft.control(
            "POST", f"/people/{owner.email}/calendars/default/share", {"person": self.person.email, "role": "write"}
        )
        own = {self.calendar, self.second}
        return CalendarId(next(one["id"] for one in shown["calendars"] if one["id"] not in own))

    def mails(self) -> list[Any]:
        found: list[Any] = self.microsoft.control("GET", "/outbox", since=self._mails_before)["mails"]
        return found

    def _events(self, method: str, entry_id: str, body: Any = None, *, is_path: bool = False) -> Any:
        tail = entry_id if is_path else quote(entry_id, safe="")
        return self.person.rest(
            method, f"/me/calendars/{quote(self.calendar, safe='')}/events/{tail}".rstrip("/"), body
        )

    def _occurrence(self, series_id: EntryId, original: datetime) -> EntryId:
        span = f"startDateTime={WINDOW.start_at:%Y-%m-%dT%H:%M:%SZ}&endDateTime={WINDOW.end_at:%Y-%m-%dT%H:%M:%SZ}"
        path = f"{quote(series_id, safe='')}/instances?{span}&$top=100"
        wanted = f"{original:%Y-%m-%dT%H:%M:%S}"
        found = self._events("GET", path, is_path=True)["value"]
        return EntryId(next(one["id"] for one in found if one["originalStart"].startswith(wanted)))


def _times(when: When) -> dict[str, Any]:
    if isinstance(when, AllDay):
        return {
            "isAllDay": True,
            "start": {"dateTime": f"{when.start}T00:00:00", "timeZone": ZONE},
            "end": {"dateTime": f"{when.end}T00:00:00", "timeZone": ZONE},
        }
    zone = ZoneInfo(ZONE)
    return {
        "isAllDay": False,
        "start": {"dateTime": f"{when.start_at.astimezone(zone):%Y-%m-%dT%H:%M:%S}", "timeZone": ZONE},
        "end": {"dateTime": f"{when.end_at.astimezone(zone):%Y-%m-%dT%H:%M:%S}", "timeZone": ZONE},
    }
