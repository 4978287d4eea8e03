"""python-dateutil against our RRULE -> Recurrence -> occurrences, over random rules, zones and clock changes."""

# ruff: noqa: DTZ001 - rules repeat wall times

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.adapters.memory.mailbox import DEFAULT, MemoryMailboxServer
from calsync_core.domain.appointments import Copy, Mark, Timed
from calsync_core.domain.errors import AppointmentRejectedError
from calsync_core.domain.ids import AccountId, BookingId, ResourceId
from calsync_core.domain.recurrence import Inexpressible, Recurrence
from calsync_core.domain.rrules import parse_rule
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import Content
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from tests.properties.rules_at_random import appointment, first_start, oracle, rules, walls, zones

MARK = Mark("install", AccountId("main"), ResourceId("anna"), BookingId("ser_1"), 1)
SPAN = timedelta(days=500)


def shown(recurrence: Recurrence, when: Timed) -> list[datetime]:
    """What a calendar shows of it: the provider in memory expands it."""
    provider = MemoryCalendarProvider(MemoryMailboxServer(lambda: when.start_at))
    copy = Copy(when, recurrence.zone, "Therapy", recurrence=recurrence)
    master = provider.create(DEFAULT, copy, MARK, "t")
    window = Window(when.start_at - timedelta(days=2), when.start_at + SPAN)
    found = provider.occurrences(DEFAULT, master.id, window, Content())
    return sorted(one.original_start_at for one in found if one.original_start_at is not None)


@pytest.mark.rule("R80")
@pytest.mark.complaint(8)
@settings(max_examples=200, deadline=None)
@given(rule=rules(), wall=walls, zone=zones)
@example(rule="FREQ=DAILY;COUNT=10", wall=datetime(2027, 3, 26, 2, 30), zone="Europe/Berlin")
@example(rule="FREQ=DAILY;COUNT=10", wall=datetime(2026, 10, 23, 2, 30), zone="Europe/Berlin")
@example(rule="FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=10", wall=datetime(2028, 1, 31, 9), zone="UTC")
@example(rule="FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU;COUNT=9", wall=datetime(2026, 11, 22, 9), zone="UTC")
@pytest.mark.complaint(10)
def test_a_rule_that_can_be_said_means_the_same_to_the_calendar(rule: str, wall: datetime, zone: str) -> None:
    start = first_start(rule, wall)
    assume(start is not None and start.year < 2030)  # UNTIL lies behind it
    assert start is not None
    when = appointment(start, zone)

    said = parse_rule(rule, when, zone)

    event(type(said).__name__)
    if isinstance(said, Inexpressible):
        return
    # the wall time of the first occurrence may not exist (spring gap): the series' clock is the one that it shows
    real = when.start_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    wanted = oracle(rule, real, zone, most=10_000, within=SPAN)
    assert shown(said, when) == [start_at for start_at in wanted if start_at < when.start_at + SPAN]


@settings(max_examples=200, deadline=None)
@given(rule=rules(), wall=walls, zone=zones)
def test_most_of_what_people_book_can_be_said(rule: str, wall: datetime, zone: str) -> None:
    """Only these reasons may keep a rule that begins on its first date from being one series."""
    start = first_start(rule, wall)
    assume(start is not None and start.year < 2030)  # UNTIL lies behind it
    assert start is not None

    said = parse_rule(rule, appointment(start, zone), zone)

    if isinstance(said, Inexpressible):
        is_late_in_month = start.day > 28
        assert said.reason in {"bymonthday", "bysetpos", "bymonth", "start_off_pattern"}, (rule, said)
        assert is_late_in_month or "BY" in rule, (rule, said)


@settings(max_examples=200, deadline=None)
@given(text=st.one_of(st.text(max_size=80), st.text("FREQ=WKLYMONDAI;,0123456789UTZ+-", max_size=60)))
@example(text="FREQ=WEEKLY;INTERVAL=0")
@example(text="FREQ=WEEKLY;COUNT=0")
@example(text="FREQ=WEEKLY;COUNT=5;UNTIL=20301231")
@example(text="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
@example(text="FREQ=DAILY;UNTIL=99999999")
@example(text="FREQ=DAILY;COUNT=99999999999999999999")
@example(text="FREQ=WEEKLY;BYDAY=")
@example(text="RRULE:RRULE:FREQ=DAILY")
@example(text="FREQ=MINUTELY")
def test_any_text_is_a_series_single_entries_or_a_clear_refusal(text: str) -> None:
    when = Timed(datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 10, tzinfo=UTC))

    try:
        said: object = parse_rule(text, when, "Europe/Berlin")
    except AppointmentRejectedError as refused:
        said = refused.code
    assert said == "rrule_invalid" or isinstance(said, Recurrence | Inexpressible)
