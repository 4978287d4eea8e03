"""A link with both sides as agreed, and the parts to change: what the tables of the engine are tested with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from calsync_core.domain.appointments import Booking, BookingStatus, Copy, Entry, Kind, Mark, Timed
from calsync_core.domain.ids import AccountId, BookingId, CalendarId, EntryId, LinkRef, ResourceId
from calsync_core.domain.links import Agreed, Link, Origin, booking_ref, entry_ref
from calsync_core.domain.recurrence import Pattern, Recurrence
from calsync_core.domain.resources import Owner, Resource, ResourceKind
from calsync_core.domain.settings import effective
from calsync_core.domain.windows import Window
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import Action
from calsync_core.engine.observe import Missing, Read, Scope, observe
from calsync_core.engine.plan import plan
from calsync_core.engine.project import project_booking, project_entry

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ANNA, CALENDAR = ResourceId("anna"), CalendarId("calendar-1")
RESOURCE = Resource(
    ANNA, "Anna", "anna@clinic.example", ResourceKind.STAFF, "Europe/Berlin", "en",
    Owner("p-anna", "Anna", "anna@clinic.example"),
)  # fmt: skip
NINE, TEN, NOON = (Timed(NOW.replace(hour=hour), NOW.replace(hour=hour + 1)) for hour in (9, 10, 12))
FAR = Timed(NOW + timedelta(days=900), NOW + timedelta(days=900, hours=1))
MARK = Mark("test", AccountId("main"), ANNA, BookingId("b1"), 1)
BOOKING = Booking(
    BookingId("b1"), "1", BookingStatus.CONFIRMED, (ANNA,), NINE, "Europe/Berlin", "Visit", service_name="Massage"
)
_COPY = project_booking(BOOKING, effective({}, {}), RESOURCE)
COPY_ENTRY = Entry(
    EntryId("e1"), CALENDAR, "v1", NINE, title=_COPY.title, mark=MARK, is_mark_known=True, is_private=_COPY.is_private
)
ENTRY = Entry(EntryId("e2"), CALENDAR, "v1", NINE, title="Dentist", is_mark_known=True)
BLOCK_REF = entry_ref(ANNA, CALENDAR, ENTRY.id)
_BLOCK = project_entry(ENTRY, effective({}, {}), RESOURCE, BLOCK_REF)
COPY_LINK = Link(
    booking_ref(BOOKING.id), ANNA, Origin.HOST, CALENDAR, NINE, NINE.start_at, NINE.end_at, booking_id=BOOKING.id,
    entry_id=COPY_ENTRY.id, settings_version=1, row=1,
    host=Agreed("1", fingerprint.time_of(NINE), fingerprint.asked_of_copy(_COPY)),
    calendar=Agreed("v1", fingerprint.time_of(NINE), fingerprint.rest_of_entry(COPY_ENTRY)),
)  # fmt: skip
BLOCK_LINK = Link(
    BLOCK_REF, ANNA, Origin.CALENDAR, CALENDAR, NINE, NINE.start_at, NINE.end_at, entry_id=ENTRY.id, settings_version=1,
    host=Agreed("1", fingerprint.time_of(NINE), fingerprint.rest_of_block(_BLOCK)),  # type: ignore[arg-type]
    calendar=Agreed("v1", fingerprint.time_of(NINE), fingerprint.rest_of_block(_BLOCK)), row=1,  # type: ignore[arg-type]
)  # fmt: skip

DAILY = Recurrence(Pattern.DAILY, NINE.start_at.date(), "Europe/Berlin", count=5)
SERIES_MASTER = replace(BOOKING, id=BookingId("b9"), series_id="b9", is_series_master=True, recurrence=DAILY)
SERIES_COPY = project_booking(SERIES_MASTER, effective({}, {}), RESOURCE)
SERIES_ENTRY = replace(
    COPY_ENTRY, id=EntryId("m1"), kind=Kind.MASTER, uid="uid-m1", mark=replace(MARK, booking=SERIES_MASTER.id)
)
SERIES_LINK = replace(
    COPY_LINK, ref=booking_ref(SERIES_MASTER.id), booking_id=SERIES_MASTER.id, entry_id=SERIES_ENTRY.id,
    pattern=fingerprint.pattern_of(DAILY), end_at=NINE.start_at,
)  # fmt: skip


def scope(reproject_below: int = 0, **settings: object) -> Scope:
    """`edits__moved_in_calendar="flag"` sets `edits.moved_in_calendar`."""
    values = effective({key.replace("__", "."): value for key, value in settings.items()}, {})
    return Scope(
        AccountId("main"), "test", RESOURCE, values, 1, Window.around(NOW, 2, 52), CALENDAR, reproject_below,
        removes_closed=reproject_below > 0,
    )  # fmt: skip


def decide(read: Read, within: Scope | None = None, *, is_final: bool = True) -> Action | None:
    """What the plan says about one read."""
    within = within or scope()
    actions = plan(observe([read], within), within, is_final=is_final)
    assert len(actions) <= 1
    return actions[0] if actions else None


def rule(action: Action | None) -> str | None:
    return action.rule if action is not None else None


def copy_of(booking: Booking, **settings: object) -> Copy:
    """How it must look in the calendar, under these settings."""
    return project_booking(booking, scope(**settings).settings, RESOURCE)  # type: ignore[arg-type]


def copy_read(
    host: Any = BOOKING, calendar: Any = COPY_ENTRY, link: Link | None = COPY_LINK, *, whole: bool = True
) -> Read:
    return Read(LinkRef(booking_ref(BOOKING.id)), link, host, calendar, entry_is_whole=whole)


def block_read(
    calendar: Any = ENTRY, host: Any = Missing.NOT_READ, link: Link | None = BLOCK_LINK, **more: Any
) -> Read:
    return Read(BLOCK_REF, link, host, calendar, **more)


def moved(entry: Entry, when: Timed, version: str = "v2") -> Entry:
    return replace(entry, when=when, version=version)


def rebooked(**fields: Any) -> Booking:
    return replace(BOOKING, version="2", **fields)
