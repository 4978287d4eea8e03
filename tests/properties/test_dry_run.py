"""What a dry run says is what the change then does: random clinics and changes, both sides counted before and after.

Also here: a dry run leaves no trace on either side or in any store.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from calsync_core.domain.appointments import AllDay, Busy, Customer, Notes, Response
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import Status
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


def a_full_clinic(entries: list, bookings: list, first: dict[str, Any]) -> Clinic:
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
    clinic.settle()
    clinic.settle()
    return clinic


def copies(clinic: Clinic) -> dict[str, str]:
    return {entry.id: entry.version for entry in clinic.copies()}


def blocks(clinic: Clinic) -> dict[str, int]:
    return dict(clinic.system.block_versions)


def changed(before: dict, after: dict) -> tuple[int, int, int]:
    """Added, rewritten, removed."""
    both = before.keys() & after.keys()
    return len(after.keys() - both), sum(before[key] != after[key] for key in both), len(before.keys() - both)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    entries=ENTRIES, bookings=BOOKINGS, first=changes(), values=changes(), scope=st.sampled_from(["future", "window"])
)
def test_the_numbers_of_a_dry_run_are_those_of_the_change(
    entries: list, bookings: list, first: dict, values: dict, scope: str
) -> None:
    clinic = a_full_clinic(entries, bookings, first)
    before = copies(clinic), {ref: version for ref, version in blocks(clinic).items() if ref in clinic.system.blocks}

    said = dry_run(clinic, Change(values, scope=scope)).counts  # type: ignore[arg-type]
    save(clinic, Change(values, scope=scope))  # type: ignore[arg-type]

    after = copies(clinic), {ref: version for ref, version in blocks(clinic).items() if ref in clinic.system.blocks}
    assert changed(before[0], after[0]) == (said.copy_added, said.copy_rewritten, said.copy_removed)
    assert changed(before[1], after[1]) == (said.block_added, said.block_rewritten, said.block_removed)
    assert said.booking_asked == 0


@settings(max_examples=25, deadline=None)
@given(entries=ENTRIES, bookings=BOOKINGS, values=changes(), scope=st.sampled_from(["future", "window"]))
def test_a_dry_run_writes_nothing(entries: list, bookings: list, values: dict, scope: str) -> None:
    clinic = a_full_clinic(entries, bookings, {})
    state = clinic.stores.resources.get(ACCOUNT, ResourceId("anna"))
    links = {link.ref: link for link in clinic.stores.links.all(ACCOUNT, ResourceId("anna"))}
    before = copies(clinic), blocks(clinic), len(clinic.mailbox().writes)

    def no_write(operation: str, _phase: str) -> None:
        assert operation not in {"create", "update", "delete", "put_block", "delete_block", "move_booking"}

    clinic.fault = no_write
    said = dry_run(clinic, Change(values, scope=scope))  # type: ignore[arg-type]

    assert said.unread == 0
    assert (copies(clinic), blocks(clinic), len(clinic.mailbox().writes)) == before
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
