"""What a dry run says is what the change then does: random clinics and changes, both sides counted before and after.

Also here: a dry run leaves no trace on either side or in any store.
"""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from calsync_core.domain.appointments import AllDay, Busy, Customer, Notes, Response
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import EntryId, ResourceId
from calsync_core.domain.resources import Status
from calsync_core.domain.settings import effective
from calsync_core.domain.windows import Window
from calsync_core.usecases.change_settings import Change
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.settings_clinic import dry_run, save
from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

HOME = "calendar-2"
DAYS = st.integers(min_value=-3, max_value=40)
BUFFERS = (timedelta(0), timedelta(minutes=10))
ENTRIES = st.lists(
    st.tuples(
        DAYS, st.sampled_from([8.0, 11.5, 15.0]), st.sampled_from(list(Busy)), st.booleans(),
        st.sampled_from([Response.NONE, Response.DECLINED, Response.NOT_RESPONDED]),
        st.sampled_from([(), ("Holiday",), ("Red", "Family")]), st.sampled_from(["Lunch", "Dentist", "Team"]),
        st.booleans(), st.sampled_from(["calendar-1", HOME]),
    ),
    max_size=8,
)  # fmt: skip
BOOKINGS = st.lists(
    st.tuples(DAYS, st.sampled_from([9.0, 12.0, 16.5]), st.booleans(), st.sampled_from(BUFFERS), st.booleans()),
    max_size=6,
)
RULES = ("FREQ=WEEKLY;COUNT=4", "FREQ=DAILY;COUNT=5", "FREQ=WEEKLY", "FREQ=WEEKLY;BYMONTH=11,12;COUNT=3")
COURSES = st.lists(
    st.tuples(
        st.integers(min_value=-3, max_value=20), st.sampled_from([10.0, 13.5]),
        st.sampled_from(RULES),
        st.booleans(), st.booleans(),
    ),
    max_size=2,
)  # fmt: skip
"""Series of bookings: one date of them moved, one cancelled. Calendars cannot say the last rule."""
VALUES = {
    "direction": ["two_way", "to_calendar", "from_calendar"],
    "to_calendar.privacy": ["full", "anonymous"],
    "to_calendar.fields": [["service"], ["service", "customer", "phone"], ["customer", "custom:insurer"], []],
    "to_calendar.title": ["{service} - {customer} - {resource}", "{customer} ({service})", "Booked"],
    "to_calendar.show_as": ["busy", "tentative", "free"],
    "to_calendar.sensitivity": ["normal", "private"],
    "to_calendar.alarm": [True, False],
    "to_calendar.time_zone": ["resource", "America/New_York"],
    "to_calendar.buffers": ["include", "only_service"],
    "notes_format": ["text", "html"],
    "from_calendar.privacy": ["anonymous", "full"],
    "from_calendar.title": [True, False],
    "from_calendar.private": ["block_time", "skip", "full"],
    "from_calendar.tentative": ["block", "ignore"],
    "from_calendar.free": ["block", "ignore"],
    "from_calendar.all_day": ["block", "ignore", "busy_only"],
    "from_calendar.declined": ["block", "ignore"],
    "from_calendar.not_responded": ["block", "ignore"],
    "from_calendar.exclude": [
        {"categories": ["holiday"], "subjects": []},
        {"categories": [], "subjects": ["unch"]},
        {"categories": [], "subjects": []},
    ],
    "window.weeks_ahead": [2, 4, 8],
    "window.weeks_back": [0, 2],
    "edits.tell_customer": ["yes"],
}


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3, unique=True))
    return {key: draw(st.sampled_from(VALUES[key])) for key in keys}


def a_full_clinic(entries: list, bookings: list, first: dict[str, Any], courses: tuple | list = ()) -> Clinic:
    """Connected, with a second calendar that is checked, imported and at rest under the settings `first`."""
    clinic = a_clinic()
    clinic.connect("anna")
    clinic.mailbox().add_calendar("Home", may_write=False)
    state = clinic.stores.resources.get(ACCOUNT, ResourceId("anna"))
    assert state is not None
    clinic.stores.resources.save(replace(state, conflict_calendars=((state.mailbox, HOME),)))
    clinic.settings(**{key.replace(".", "__"): value for key, value in {"window.weeks_ahead": 4, **first}.items()})
    for day, hour, busy, is_private, response, categories, title, is_all_day, calendar in entries:
        first_day = date(2026, 11, 23) + timedelta(days=day)
        when = AllDay(first_day, first_day + timedelta(days=1)) if is_all_day else at(day, hour)
        clinic.mailbox().create_entry(
            when, title, calendar_id=calendar, busy=busy, is_private=is_private, response=response,
            categories=categories, notes=Notes("<b>bring</b> it", is_html=True), location="Main St",
        )  # fmt: skip
    for day, hour, has_customer, buffer, has_html in bookings:
        clinic.system.book(
            ["anna"], at(day, hour), service_name="Massage",
            customer=Customer("Jo", None, "+1") if has_customer else None,
            notes=Notes("<p>hello <i>you</i></p>", is_html=True) if has_html else Notes("hello"),
            buffer_before=buffer, buffer_after=buffer, custom_fields=(("insurer", "ACME"),),
        )  # fmt: skip
    for day, hour, rule, is_moved, is_cancelled in courses:
        series = clinic.system.book_series(["anna"], at(day, hour), rule, "Course", service_name="Course")
        dates = clinic.system.occurrences(series)
        if is_moved:
            clinic.system.move_booking_by_clinic(dates[1].id, at(day + 1, hour + 2))
        if is_cancelled:
            clinic.system.cancel(dates[2].id)
    clinic.settle()
    clinic.settle()
    return clinic


def copies(clinic: Clinic, window: Window) -> dict[str, object]:
    """What the person sees of bookings: single entries, and the dates of series. Dates all have their series' version,
    so what is seen of them, or a write to one alone, tells whether they were rewritten; what lies beyond the window is
    not looked at."""
    singles: dict[str, object] = {entry.id: entry.version for entry in clinic.copies() if entry.series_id is None}
    items = clinic.mailbox().items.values()
    ours = [item for item in items if item.plan and not item.is_gone and item.entry.mark is not None]
    dates = [one for item in ours for one in item.occurrences() if window.holds(one.when, "Europe/Berlin")]
    writes = Counter(write.entry_id for write in clinic.mailbox().writes)
    seen = {one.id: (replace(one, id=EntryId(""), version=""), writes[one.id]) for one in dates}
    return singles | {f"{one.series_id} {one.original_start_at}": seen[one.id] for one in dates}


def window_after(clinic: Clinic, values: dict[str, Any]) -> Window:
    own = effective({**clinic.stores.settings.account(ACCOUNT).values, **values}, {}).window
    return Window.around(clinic.clock.now(), own.weeks_back, own.weeks_ahead)


def blocks(clinic: Clinic) -> dict[str, int]:
    return dict(clinic.system.block_versions)


def changed(before: dict, after: dict) -> tuple[int, int, int]:
    """Added, rewritten, removed."""
    both = before.keys() & after.keys()
    return len(after.keys() - both), sum(before[key] != after[key] for key in both), len(before.keys() - both)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    entries=ENTRIES, bookings=BOOKINGS, courses=COURSES, first=changes(), values=changes(),
    scope=st.sampled_from(["future", "window"]),
)  # fmt: skip
def test_the_numbers_of_a_dry_run_are_those_of_the_change(
    entries: list, bookings: list, courses: list, first: dict, values: dict, scope: str
) -> None:
    clinic = a_full_clinic(entries, bookings, first, courses)
    window = window_after(clinic, values)
    before = (
        copies(clinic, window),
        {ref: version for ref, version in blocks(clinic).items() if ref in clinic.system.blocks},
    )

    said = dry_run(clinic, Change(values, scope=scope)).counts  # type: ignore[arg-type]
    save(clinic, Change(values, scope=scope))  # type: ignore[arg-type]

    after = (
        copies(clinic, window),
        {ref: version for ref, version in blocks(clinic).items() if ref in clinic.system.blocks},
    )
    assert changed(before[0], after[0]) == (said.copy_added, said.copy_rewritten, said.copy_removed)
    assert changed(before[1], after[1]) == (said.block_added, said.block_rewritten, said.block_removed)
    assert said.booking_asked == 0


@settings(max_examples=25, deadline=None)
@given(
    entries=ENTRIES, bookings=BOOKINGS, courses=COURSES, values=changes(), scope=st.sampled_from(["future", "window"])
)
def test_a_dry_run_writes_nothing(entries: list, bookings: list, courses: list, values: dict, scope: str) -> None:
    clinic = a_full_clinic(entries, bookings, {}, courses)
    state = clinic.stores.resources.get(ACCOUNT, ResourceId("anna"))
    links = {link.ref: link for link in clinic.stores.links.all(ACCOUNT, ResourceId("anna"))}
    window = window_after(clinic, values)
    before = copies(clinic, window), blocks(clinic), len(clinic.mailbox().writes)

    def no_write(operation: str, _phase: str) -> None:
        assert operation not in {"create", "update", "delete", "put_block", "delete_block", "move_booking"}

    clinic.fault = no_write
    said = dry_run(clinic, Change(values, scope=scope))  # type: ignore[arg-type]

    assert said.unread == 0
    assert (copies(clinic, window), blocks(clinic), len(clinic.mailbox().writes)) == before
    assert clinic.stores.resources.get(ACCOUNT, ResourceId("anna")) == state
    assert {link.ref: link for link in clinic.stores.links.all(ACCOUNT, ResourceId("anna"))} == links
    assert clinic.queue.take_all() == []
    assert clinic.stores.settings.account(ACCOUNT).version <= 1


def test_examples_show_titles_of_bookings_and_of_entries_only_what_the_clinic_sees_already() -> None:
    entries = [(1, 8.0, Busy.TENTATIVE, False, Response.NONE, (), "Dentist", False, "calendar-1")]
    bookings = [(2, 9.0, True, BUFFERS[0], False)]
    clinic = a_full_clinic(entries, bookings, {"from_calendar.tentative": "ignore"})
    is_open = {"from_calendar.privacy": "full"}
    open_clinic = a_full_clinic(entries, bookings, {"from_calendar.tentative": "ignore", **is_open})
    blocked = {"from_calendar.tentative": "block"}

    (rewritten,) = dry_run(clinic, Change({"to_calendar.privacy": "anonymous"})).examples
    (added,) = dry_run(clinic, Change(blocked, scope="window")).examples
    (known,) = dry_run(open_clinic, Change(blocked, scope="window")).examples
    opening = dry_run(clinic, Change({**blocked, **is_open, "window.weeks_ahead": 8}, scope="window"))

    assert (rewritten.before, rewritten.after, rewritten.changed) == ("Massage - Jo", "Busy", ("title", "notes"))
    assert (added.done.value, added.before, added.after) == ("block_added", None, None)
    assert known.after == "Dentist"
    assert opening.counts.block_added == 1
    assert "Dentist" not in repr(opening), "it would be shown only after the person was told"


def test_a_calendar_that_does_not_answer_is_said_to_be_unread() -> None:
    clinic = a_full_clinic([], [(2, 9.0, True, BUFFERS[0], False)], {})

    def fault(operation: str, _phase: str) -> None:
        if operation == "changes":
            raise ProviderUnavailableError("timed_out")

    clinic.fault = fault
    said = dry_run(clinic, Change({"to_calendar.show_as": "free"}, scope="window"))

    assert (said.unread, said.counts.writes, said.estimate.copies) == (1, 0, 1)


@pytest.mark.rule("R105")
def test_a_paused_resource_follows_later_and_is_said_to_wait() -> None:
    clinic = a_full_clinic([], [(2, 9.0, True, BUFFERS[0], False)], {})
    state = clinic.stores.resources.get(ACCOUNT, ResourceId("anna"))
    assert state is not None
    clinic.stores.resources.save(state.moved_to(Status.PAUSED, clinic.clock.now()))

    said = dry_run(clinic, Change({"to_calendar.show_as": "free"}, scope="window"))

    assert (said.waiting, said.counts.writes) == (1, 0)


@pytest.mark.parametrize(
    ("rule", "values", "numbers"),
    [
        ("FREQ=WEEKLY;COUNT=4", {"to_calendar.privacy": "anonymous"}, (0, 3, 0)),
        ("FREQ=WEEKLY;COUNT=4", {"direction": "from_calendar"}, (0, 0, 3)),
        ("FREQ=WEEKLY;BYMONTH=11,12;COUNT=4", {"direction": "from_calendar"}, (0, 0, 3)),
    ],
)
def test_a_series_counts_by_its_dates(rule: str, values: dict, numbers: tuple[int, int, int]) -> None:
    """Four dates, one of them moved, one cancelled: three stand in the calendar, as one series or as single entries."""
    clinic = a_full_clinic([], [], {}, [(2, 10.0, rule, True, True)])

    said = dry_run(clinic, Change(values, scope="window"))

    counts = said.counts
    assert (counts.copy_added, counts.copy_rewritten, counts.copy_removed, counts.untouched) == (*numbers, 0)
    assert dry_run(clinic, Change({"window.weeks_ahead": 8})).counts.untouched == 3


def test_dates_that_come_into_the_window_with_their_series_are_there_already() -> None:
    clinic = a_full_clinic([], [], {"window.weeks_ahead": 2}, [(2, 10.0, "FREQ=WEEKLY", False, False)])

    said = dry_run(clinic, Change({"window.weeks_ahead": 8})).counts

    assert (said.writes, said.untouched) == (0, 3)
