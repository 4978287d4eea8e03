"""Oracle: what python-dateutil says of a series in somebody's calendar is what ends up as blocks, over random rules,
zones and clock changes, and after what people do to series (issue 3, point 1, the way in)."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer
from calsync_core.adapters.memory.items import shifted
from calsync_core.domain.appointments import AllDay, Busy, Timed, When
from calsync_core.domain.ids import MailboxId, ResourceId
from calsync_core.domain.windows import Window
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.properties.rules_at_random import appointment, first_start, oracle, rules, zones
from tests.small_clinic import ACCOUNT, NOW, Clinic, a_clinic, at

ANNA = ResourceId("anna")
MAILBOX = MailboxId("mbx-anna")
HOUR = timedelta(hours=1)
walls = st.builds(
    lambda day, minutes: datetime.combine(date(2026, 9, 1), time.min) + timedelta(days=day, minutes=minutes),
    st.integers(0, 150),
    st.integers(0, 95).map(lambda number: number * 15),
)


class Calendar:
    """A series in a person's calendar, and what it must look like: the same edits in both. Half of them are at an
    Exchange server."""

    def __init__(self, rule: str, wall: datetime, zone: str, *, page_size: int = 7, is_told: bool = True) -> None:
        self.clinic = _clinic(zone, page_size, at_exchange=Random(f"{rule} {wall}").random() < 0.5)
        self.server = self.clinic.mailbox()
        self.server.zone = zone
        self.server.announces_removed_occurrences = is_told
        when = appointment(wall, zone)
        self.series = self.server.create_series(when, 1)
        self.follow(
            [
                appointment(one.astimezone(ZoneInfo(zone)).replace(tzinfo=None), zone)
                for one in _starts(rule, wall, zone)
            ]
        )

    def follow(self, spans: list[Timed]) -> None:
        """The person changes the pattern: exceptions are forgotten (graph.md 3.10)."""
        item = self.server.items[self.series]
        item.pattern += 1
        item.exceptions.clear()
        item.removed.clear()
        item.plan = {span.start_at: span for span in spans}
        self.wanted: dict[datetime, tuple[When, Busy]] = {span.start_at: (span, Busy.BUSY) for span in spans}
        self.server.put(item, item.entry)

    def edit(self, random: Random) -> None:
        if not self.wanted:
            return
        original = random.choice(sorted(self.wanted))
        span = self.wanted[original][0]
        match random.choice(("delete", "move", "move", "far", "free", "oof")):
            case "delete":
                del self.wanted[original]
                self.server.delete_occurrence(self.series, original)
            case "move":
                self._change(original, shifted(span, timedelta(hours=random.randint(-30, 30)), "UTC"))
            case "far":
                self._change(original, shifted(span, timedelta(days=random.choice((-60, 20, 400))), "UTC"))
            case "free":
                self._change(original, span, Busy.FREE)
            case "oof":
                self._change(original, span, Busy.OOF)

    def _change(self, original: datetime, when: When, busy: Busy = Busy.BUSY) -> None:
        self.wanted[original] = when, busy
        self.server.change_occurrence(self.series, original, when=when, busy=busy)

    def expected(self, was_linked: set[datetime]) -> Counter[tuple[When, str]]:
        """What blocks: in the window, or linked before and followed ahead of it."""
        return Counter(
            (when, "oof" if busy is Busy.OOF else "busy")
            for original, (when, busy) in self.wanted.items()
            if busy is not Busy.FREE
            and not self._is_behind(when)
            and (self._window.holds(when, self.server.zone) or original in was_linked)
        )

    @property
    def _window(self) -> Window:
        return self.clinic.stores.cursors.load(ACCOUNT, ANNA)["calendar-1"].window

    def _is_behind(self, when: When) -> bool:
        """What lies behind the window is over, and kept as it was."""
        start, end = when.interval(self.server.zone)
        return start < self._window.start_at and not self._window.holds(when, self.server.zone) and end < NOW

    def blocks(self) -> Counter[tuple[When, str]]:
        return Counter(
            (block.when, block.kind.value) for block in self.clinic.blocks() if not self._is_behind(block.when)
        )

    def linked(self) -> set[datetime]:
        links = self.clinic.stores.links.all(ACCOUNT, ANNA)
        return {link.original_start_at for link in links if link.original_start_at and not self._is_behind(link.when)}


def _clinic(zone: str, page_size: int, *, at_exchange: bool = False) -> Clinic:
    clinic = a_clinic(page_size)
    clinic.connect()
    if at_exchange:
        server = MemoryExchangeMailboxServer(clinic.clock.now)
        clinic.servers[MAILBOX], clinic.providers[MAILBOX] = server, MemoryExchangeCalendarProvider(server)
    resource = clinic.system.resources[ANNA]
    clinic.system.resources[ANNA] = replace(resource, time_zone=zone)
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    clinic.stores.resources.save(replace(state, resource=replace(state.resource, time_zone=zone)))
    clinic.mailbox().page_size = page_size
    clinic.settings(window__weeks_back=2, window__weeks_ahead=8)
    return clinic


def _starts(rule: str, wall: datetime, zone: str) -> list[datetime]:
    """Of an endless rule only what a window can reach. Two wall times of a spring gap may be one instant."""
    return sorted(set(oracle(rule, wall, zone, most=400, within=timedelta(days=300))))


def _check(calendar: Calendar, was_linked: set[datetime]) -> None:
    assert calendar.blocks() == calendar.expected(was_linked)


@settings(max_examples=150, deadline=None)
@given(rule=rules(), wall=walls, zone=zones, seed=st.integers(0, 2**32), is_told=st.booleans())
@pytest.mark.bad_input(29)
@pytest.mark.complaint(8)
@pytest.mark.rule("R20")
def test_blocks_are_what_the_rule_says_whatever_people_do_to_its_occurrences(
    rule: str, wall: datetime, zone: str, seed: int, is_told: bool
) -> None:
    start = first_start(rule, wall)
    assume(start is not None and start < wall + timedelta(days=200))
    assert start is not None
    random = Random(seed)
    calendar = Calendar(rule, start, zone, page_size=random.choice((1, 7, 50)), is_told=is_told)
    calendar.clinic.settle()
    _check(calendar, set())
    for _ in range(6):
        was_linked = calendar.linked()
        for _ in range(random.randint(1, 3)):
            calendar.edit(random)
        if random.random() < 0.3:
            calendar.server.expire_cursors()
        # a deleted occurrence may be told by nobody: then only a full check finds it
        calendar.clinic.run(cause="full" if not is_told or random.random() < 0.3 else "sweep")
        _check(calendar, was_linked)
    before = dict(calendar.clinic.system.block_versions)
    calendar.clinic.run(cause="full")
    calendar.clinic.run()
    assert calendar.clinic.system.block_versions == before


@settings(max_examples=60, deadline=None)
@given(rule=rules(), other=rules(), wall=walls, zone=zones, seed=st.integers(0, 2**32))
@pytest.mark.bad_input(29)
def test_a_changed_pattern_and_this_and_following_leave_exactly_the_new_occurrences(
    rule: str, other: str, wall: datetime, zone: str, seed: int
) -> None:
    start, later = first_start(rule, wall), first_start(other, wall + timedelta(days=30))
    assume(start is not None and later is not None and max(start, later) < wall + timedelta(days=200))
    assert start is not None
    assert later is not None
    random, calendar = Random(seed), Calendar(rule, start, zone)
    calendar.clinic.settle()
    calendar.edit(random)
    calendar.clinic.settle()
    spans = [
        appointment(one.astimezone(ZoneInfo(zone)).replace(tzinfo=None), zone) for one in _starts(other, later, zone)
    ]
    calendar.follow(spans)  # a new pattern
    calendar.clinic.run(cause=random.choice(("sweep", "full")))
    _check(calendar, set())
    half = len(spans) // 2
    calendar.follow(spans[:half])  # shortened, and a new series goes on with it
    tail = [shifted(span, HOUR, "UTC") for span in spans[half:]]
    if tail:
        new = calendar.server.create_series(tail[0], 1)
        item = calendar.server.items[new]
        item.repeat({span.interval(zone)[0]: span for span in tail})
        calendar.server.put(item, item.entry)
    calendar.clinic.run(cause=random.choice(("sweep", "full")))
    calendar.wanted |= {span.interval(zone)[0]: (span, Busy.BUSY) for span in tail}
    _check(calendar, set())
    calendar.server.delete_entry(calendar.series)
    calendar.clinic.settle()
    calendar.wanted = {span.interval(zone)[0]: (span, Busy.BUSY) for span in tail}
    _check(calendar, set())


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kolkata"])
def test_a_whole_day_series_blocks_whole_days_of_the_resources_zone_through_clock_changes(zone: str) -> None:
    clinic = _clinic(zone, 50)
    clinic.mailbox().zone = zone
    first = AllDay(date(2026, 10, 20), date(2026, 10, 21))
    clinic.settings(window__weeks_back=6, window__weeks_ahead=20)
    clinic.mailbox().create_series(first, 150, every_days=1)
    clinic.settle()
    days = sorted(block.when.start for block in clinic.blocks())
    assert all(isinstance(block.when, AllDay) for block in clinic.blocks())
    assert days == [first.start + timedelta(days=number) for number in range(len(days))]
    assert len(days) == 150


@pytest.mark.bad_input(29)
@pytest.mark.parametrize("cause", ["sweep", "full"])
def test_a_series_longer_than_the_window_fills_it_as_it_moves(cause: str) -> None:
    clinic = _clinic("Europe/Berlin", 50)
    clinic.mailbox().create_series(Timed(*(NOW - timedelta(days=365) + HOUR * number for number in (0, 1))), 900, 1)
    for _ in range(4):
        clinic.run(cause=cause)
        window = clinic.stores.cursors.load(ACCOUNT, ANNA)["calendar-1"].window
        inside = [one for one in clinic.mailbox().shown() if window.holds(one.when, "Europe/Berlin")]
        blocks = {block.when for block in clinic.blocks()}
        assert {one.when for one in inside} <= blocks
        assert all(when.end_at <= window.end_at + HOUR for when in blocks)
        clinic.clock.advance(timedelta(days=9))


def test_after_a_bell_without_news_a_deleted_occurrence_is_found_in_the_next_days() -> None:
    """A feed that says nothing of a deleted occurrence rang for it all the same (graph.md section 4)."""
    clinic = _clinic("Europe/Berlin", 50)
    clinic.mailbox().announces_removed_occurrences = False
    series = clinic.mailbox().create_series(at(1, 9), 4)
    clinic.settle()
    clinic.mailbox().delete_occurrence(series, at(1, 9).start_at)
    for number in range(3):
        clinic.work(cause="notification", round_=number)
    assert at(1, 9) not in [block.when for block in clinic.blocks()]
    assert len(clinic.blocks()) == 3
    assert all(block.when.start_at.tzinfo is UTC for block in clinic.blocks())
