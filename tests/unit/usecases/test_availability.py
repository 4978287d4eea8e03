"""Free, busy, or not known: from the links with their age, and asked live."""

from dataclasses import replace
from datetime import date, timedelta
from threading import Event
from typing import Any

import pytest
from calsync_core.domain.appointments import AllDay, Busy, Entry, Kind, Timed, When
from calsync_core.domain.availability import Interval, Occupied
from calsync_core.domain.errors import ConsentRevokedError, ProviderUnavailableError
from calsync_core.domain.ids import CalendarId, EntryId, LinkRef, MailboxId, ResourceId
from calsync_core.domain.links import Link, Origin
from calsync_core.domain.resources import Status
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarPage, Content
from calsync_core.ports.stores import CursorRow
from calsync_core.usecases.check_resource import CheckPorts, check_resource
from calsync_core.usecases.look_up_availability import AvailabilityPorts, look_up_availability

from tests.console_world import MAIN, NOW, World

ANNA = ResourceId("anna")
HOUR = timedelta(hours=1)
SPAN = (NOW, NOW + 4 * HOUR)


def _world(**fields: object) -> World:
    world = World()
    world.add_resource()
    world.connect(**fields)
    return world


def _read(world: World, feed: str = "cal", **fields: Any) -> None:
    """As after a finished round, a minute ago."""
    lease = world.stores.leases.take(MAIN, ANNA, NOW, NOW + HOUR)
    assert lease is not None
    window = Window(NOW - timedelta(days=14), NOW + timedelta(days=371))
    row = CursorRow(feed, "cursor", window, is_round_open=False, is_full=False, opened_at=NOW - timedelta(minutes=1))
    world.stores.cursors.store(lease, replace(row, **fields))
    world.stores.leases.give_back(lease)


def _link(world: World, start: float, end: float, ref: str = "e-1") -> None:
    when = Timed(NOW + start * HOUR, NOW + end * HOUR)
    world.stores.links.put(
        MAIN,
        Link(LinkRef(ref), ANNA, Origin.CALENDAR, CalendarId("cal"), when, when.start_at, when.end_at,
             entry_id=EntryId(ref)),
    )  # fmt: skip


def _look_up(world: World) -> Any:
    stores = world.stores
    ports = AvailabilityPorts(stores.resources, stores.cursors, stores.links, stores.settings, world.clock)
    return look_up_availability(ports, MAIN, ANNA, *SPAN)


def test_links_are_busy_and_the_rest_is_free() -> None:
    world = _world()
    _read(world)
    _link(world, 1, 2)
    _link(world, -1, 0.5, "e-2")

    found = _look_up(world)

    assert found.is_known
    assert found.intervals == (
        Interval(NOW, NOW + 0.5 * HOUR, Occupied.BUSY),
        Interval(NOW + HOUR, NOW + 2 * HOUR, Occupied.BUSY),
    )
    assert found.sources[0].as_of == NOW


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": Status.IMPORTING}, "importing"),
        ({"status": Status.REAUTH_REQUIRED}, "reauth_required"),
        ({"status": Status.PAUSED}, "paused"),
        ({"mailbox": None, "primary": None}, "not_connected"),
        ({"last_sync_at": NOW - timedelta(hours=3)}, "stale"),
    ],
)
@pytest.mark.complaint(1)
def test_what_is_not_read_lately_is_unknown_never_free(fields: dict[str, object], reason: str) -> None:
    world = _world(**fields)
    _read(world, opened_at=NOW - timedelta(hours=3))

    found = _look_up(world)

    assert not found.is_known
    assert found.sources[0].reason == reason
    assert found.intervals == (Interval(*SPAN, Occupied.UNKNOWN),)


def test_a_calendar_that_was_never_read_makes_all_unknown() -> None:
    world = _world(conflict_calendars=((MailboxId("mbx-anna"), CalendarId("family")),))
    _read(world)

    found = _look_up(world)

    assert [source.reason for source in found.sources] == [None, "unread"]
    assert found.intervals == (Interval(*SPAN, Occupied.UNKNOWN),)


def test_outside_the_window_nothing_is_known() -> None:
    world = _world()
    _read(world, window=Window(NOW - HOUR, NOW + 3 * HOUR))
    _link(world, 1, 2)

    assert _look_up(world).intervals == (
        Interval(NOW + HOUR, NOW + 2 * HOUR, Occupied.BUSY),
        Interval(NOW + 3 * HOUR, NOW + 4 * HOUR, Occupied.UNKNOWN),
    )


def test_as_known_answers_by_what_was_known_and_still_says_so() -> None:
    world = _world(last_sync_at=NOW - timedelta(hours=3))
    _read(world, opened_at=NOW - timedelta(hours=3))
    _link(world, 1, 2)
    stored = world.stores.settings.account(MAIN)
    world.stores.settings.save_account(MAIN, replace(stored, values={"availability.when_unknown": "as_known"}))

    found = _look_up(world)

    assert found.intervals == (Interval(NOW + HOUR, NOW + 2 * HOUR, Occupied.BUSY),)
    assert not found.is_known


# --- asked live ------------------------------------------------------------------------------------------------------


class _Provider:
    """A calendar that gives these entries, on pages of one, the sparse ones whole only by look-up."""

    def __init__(self, entries: list[Entry], whole: dict[str, Entry | None] | None = None) -> None:
        self.entries_given = entries
        self.whole = whole or {}
        self.error: Exception | None = None
        self.wait: Event | None = None
        self.asked: list[Window] = []

    def changes(self, calendar_id: str, cursor: str | None, window: Window, content: Any) -> CalendarPage:
        assert content == Content(), "no text is read"
        if self.wait is not None:
            self.wait.wait(5)
        if self.error is not None:
            raise self.error
        self.asked.append(window)
        number = int(cursor or 0)
        page = tuple(self.entries_given[number : number + 1])
        return CalendarPage(page, (), str(number + 1), is_last=number + 1 >= len(self.entries_given))

    def entries(self, calendar_id: str, ids: list[str], content: Any) -> dict[str, Entry | None]:
        return {one: self.whole[one] for one in ids}


def _entry(name: str, when: When, **fields: Any) -> Entry:
    return Entry(EntryId(name), CalendarId("cal"), "1", when, **fields)


def _check(world: World, *providers: _Provider, limit: timedelta = timedelta(seconds=2)) -> Any:
    for number, provider in enumerate(providers):
        world.calendars.providers["mbx-anna" if number == 0 else f"mbx-{number}"] = provider  # type: ignore[assignment]
    stores = world.stores
    ports = CheckPorts(stores.resources, stores.links, stores.settings, world.calendars, world.clock)
    return check_resource(ports, MAIN, ANNA, *SPAN, limit=limit)


def test_entries_are_judged_by_the_settings() -> None:
    provider = _Provider(
        [
            _entry("busy", Timed(NOW, NOW + HOUR)),
            _entry("free", Timed(NOW + HOUR, NOW + 2 * HOUR), busy=Busy.FREE),
            _entry("away", Timed(NOW + 2 * HOUR, NOW + 3 * HOUR), busy=Busy.OOF),
            _entry("cancelled", Timed(NOW + 3 * HOUR, NOW + 4 * HOUR), is_cancelled=True),
            _entry("elsewhere", Timed(NOW + 9 * HOUR, NOW + 10 * HOUR)),
        ]
    )

    found = _check(_world(), provider)

    assert found.is_known
    assert found.intervals == (
        Interval(NOW, NOW + HOUR, Occupied.BUSY),
        Interval(NOW + 2 * HOUR, NOW + 3 * HOUR, Occupied.OOF),
    )


def test_whole_days_count_in_the_zone_of_the_resource() -> None:
    today = AllDay(date(2026, 11, 23), date(2026, 11, 24))

    assert _check(_world(), _Provider([_entry("day", today)])).intervals == (Interval(*SPAN, Occupied.BUSY),)


def test_sparse_occurrences_are_looked_up_and_masters_do_not_count() -> None:
    when = Timed(NOW, NOW + HOUR)
    sparse = _entry("o1", when, kind=Kind.OCCURRENCE, is_sparse=True)
    gone = _entry("o2", Timed(NOW + HOUR, NOW + 2 * HOUR), kind=Kind.OCCURRENCE, is_sparse=True)
    master = _entry("m", Timed(NOW, NOW + 4 * HOUR), kind=Kind.MASTER)
    provider = _Provider([master, sparse, gone], {"o1": _entry("o1", when, busy=Busy.TENTATIVE), "o2": None})

    assert _check(_world(), provider).intervals == (Interval(NOW, NOW + HOUR, Occupied.TENTATIVE),)


def test_copies_of_our_own_bookings_do_not_count() -> None:
    world = _world()
    when = Timed(NOW, NOW + HOUR)
    world.stores.links.put(
        MAIN,
        Link(LinkRef("b-1"), ANNA, Origin.HOST, CalendarId("cal"), when, when.start_at, when.end_at,
             entry_id=EntryId("copy")),
    )  # fmt: skip

    assert _check(world, _Provider([_entry("copy", when)])).intervals == ()


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ProviderUnavailableError(), "provider_unavailable"), (ConsentRevokedError(), "auth_expired")],
)
@pytest.mark.complaint(1)
def test_a_calendar_that_fails_is_unknown_and_the_others_still_count(error: Exception, reason: str) -> None:
    world = _world(conflict_calendars=((MailboxId("mbx-1"), CalendarId("family")),))
    broken = _Provider([])
    broken.error = error

    found = _check(world, broken, _Provider([_entry("busy", Timed(NOW, NOW + HOUR))]))

    assert [source.reason for source in found.sources] == [reason, None]
    assert found.intervals == (Interval(*SPAN, Occupied.UNKNOWN),)


def test_a_calendar_that_is_too_slow_is_unknown() -> None:
    slow = _Provider([])
    slow.wait = Event()

    found = _check(_world(), slow, limit=timedelta(milliseconds=20))
    slow.wait.set()

    assert found.sources[0].reason == "too_slow"
    assert found.intervals == (Interval(*SPAN, Occupied.UNKNOWN),)


def test_a_bug_is_not_hidden_as_unknown() -> None:
    broken = _Provider([])
    broken.error = KeyError("bug")

    with pytest.raises(KeyError):
        _check(_world(), broken)


@pytest.mark.parametrize("status", [Status.PAUSED, Status.REAUTH_REQUIRED, Status.DISCONNECTED])
def test_nobody_is_asked_while_nothing_is_connected(status: Status) -> None:
    provider = _Provider([_entry("busy", Timed(NOW, NOW + HOUR))])

    found = _check(_world(status=status), provider)

    assert found.intervals == (Interval(*SPAN, Occupied.UNKNOWN),)
    assert provider.asked == []
