"""The window at work: its edges, its weekly renewal, and what lies beyond it (issue 3, point 6)."""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from calsync_core.domain.appointments import BlockKind, Busy, Timed
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.links import Origin
from calsync_core.domain.windows import Window

from tests.small_clinic import ACCOUNT, NOW, Clinic, a_clinic, at

ANNA = ResourceId("anna")
BACK, AHEAD = 2, 3
FAR = 400


def _clinic(page_size: int = 50) -> Clinic:
    clinic = a_clinic(page_size)
    clinic.connect()
    clinic.mailbox().page_size = page_size
    clinic.settings(window__weeks_back=BACK, window__weeks_ahead=AHEAD)
    return clinic


def _writes(clinic: Clinic) -> tuple[int, int]:
    return len(clinic.mailbox().writes), sum(clinic.system.block_versions.values())


def _links(clinic: Clinic) -> list:
    return list(clinic.stores.links.all(ACCOUNT, ANNA))


@pytest.mark.rule("R121")
@pytest.mark.prop("P14")
def test_an_entry_changed_beyond_the_window_changes_its_block_with_the_next_full_check() -> None:
    """Found by simulation seed 507490: the renewal opened a new feed, and the new one knew nothing of it."""
    clinic = _clinic()
    entry = clinic.mailbox().create_entry(at(4, 9))
    clinic.settle()
    clinic.mailbox().move_entry(entry, at(FAR, 9))
    clinic.settle()
    clinic.mailbox().set_busy(entry, Busy.OOF)
    clinic.run(cause="full")
    (block,) = clinic.blocks()
    assert (block.when, block.kind) == (at(FAR, 9), BlockKind.OOF)


@pytest.mark.rule("R121")
def test_an_entry_deleted_beyond_the_window_frees_its_time_with_the_next_full_check() -> None:
    clinic = _clinic()
    entry = clinic.mailbox().create_entry(at(4, 9))
    clinic.settle()
    clinic.mailbox().move_entry(entry, at(FAR, 9))
    clinic.settle()
    clinic.mailbox().delete_entry(entry)
    clinic.mailbox().expire_cursors()
    clinic.run()
    assert clinic.blocks() == []


@pytest.mark.rule("R121")
def test_an_occurrence_moved_beyond_the_window_and_changed_there_is_followed_at_once() -> None:
    clinic = _clinic()
    series = clinic.mailbox().create_series(at(2, 9), 3)
    clinic.settle()
    first = at(2, 9).start_at
    clinic.mailbox().move_occurrence(series, first, at(FAR, 9))
    clinic.settle()
    clinic.mailbox().move_occurrence(series, first, at(FAR, 11))
    clinic.settle()
    assert max(block.when.start_at for block in clinic.blocks()) == at(FAR, 11).start_at
    assert len(clinic.blocks()) == 3


@pytest.mark.rule("R121")
@pytest.mark.prop("P14")
@pytest.mark.parametrize("page_size", [1, 50])
def test_a_booking_beyond_the_window_is_followed_although_the_feed_lost_its_place(page_size: int) -> None:
    """Found by simulation seed 240005967: the full check listed the window, which was smaller by then."""
    clinic = _clinic(page_size)
    moved, cancelled, kept, _ = (clinic.system.book(["anna"], at(4, hour), "Visit") for hour in (9, 11, 13, 15))
    clinic.settle()
    for number, booking in enumerate((moved, cancelled, kept)):
        clinic.system.move_booking_by_clinic(booking, at(FAR, 9 + 2 * number))
    clinic.settle()
    clinic.settle()  # the calendar tells of our own writes, and is silent from then on
    clinic.system.move_booking_by_clinic(moved, at(FAR + 1, 9))
    clinic.system.cancel(cancelled)
    clinic.system.expire_cursors()
    clinic.settle()
    assert sorted(copy.when.start_at for copy in clinic.copies()) == [
        at(4, 15).start_at, at(FAR, 13).start_at, at(FAR + 1, 9).start_at,
    ]  # fmt: skip
    before = _writes(clinic)
    clinic.run(cause="full")
    assert _writes(clinic) == before


@pytest.mark.rule("R121")
def test_what_a_smaller_window_leaves_beyond_it_is_listed_and_not_asked_for_one_by_one() -> None:
    clinic = _clinic()
    bookings = [clinic.system.book(["anna"], at(day, hour), "Visit") for day in range(3, 27) for hour in (9, 11)]
    clinic.settle()
    clinic.settings(window__weeks_ahead=1)
    changed, away = bookings[-4], bookings[-5]
    clinic.system.move_booking_by_clinic(changed, at(25, 14))
    clinic.system.move_booking_by_clinic(away, at(FAR, 9))
    clinic.system.expire_cursors()
    clinic.host.calls.clear()
    clinic.settle()
    assert {copy.when for copy in clinic.copies()} == {one.when for one in clinic.system.bookings.values()}
    assert clinic.host.calls["booking"] == 1


@pytest.mark.rule("R124")
@pytest.mark.prop("P14")
def test_what_changed_and_then_left_the_window_before_anybody_looked_is_not_lost() -> None:
    """Nothing ran for a month: the renewed window no longer holds the entry, and only the old feed knows its change."""
    clinic = _clinic()
    entry = clinic.mailbox().create_entry(at(9, 9))
    gone = clinic.mailbox().create_entry(at(9, 14))
    booking = clinic.system.book(["anna"], at(9, 11), "Visit")
    clinic.settle()
    clinic.mailbox().move_entry(entry, at(7, 9))
    clinic.mailbox().delete_entry(gone)
    clinic.system.move_booking_by_clinic(booking, at(7, 11))
    clinic.clock.advance(timedelta(days=30))
    clinic.settle()
    assert [block.when for block in clinic.blocks()] == [at(7, 9)]
    assert [copy.when for copy in clinic.copies()] == [at(7, 11)]


@pytest.mark.rule("R42")
def test_what_leaves_the_window_by_time_is_kept_on_both_sides() -> None:
    clinic = _clinic()
    clinic.mailbox().create_entry(at(1, 9))
    clinic.system.book(["anna"], at(1, 11), "Visit")
    clinic.settle()
    before = _writes(clinic)
    for _ in range(6):
        clinic.clock.advance(timedelta(days=9))
        clinic.settle()
    assert len(clinic.blocks()) == len(clinic.copies()) == 1
    assert _writes(clinic) == before


@pytest.mark.rule("R42")
def test_what_comes_into_the_window_by_time_is_linked_once() -> None:
    clinic = _clinic()
    clinic.mailbox().create_entry(at(7 * (AHEAD + 1) + 4, 9))
    clinic.system.book(["anna"], at(7 * (AHEAD + 1) + 4, 11), "Visit")
    clinic.settle()
    assert clinic.blocks() == clinic.copies() == []
    for _ in range(3):
        clinic.clock.advance(timedelta(days=9))
        clinic.settle()
    assert len(clinic.blocks()) == len(clinic.copies()) == 1


@pytest.mark.rule("R42")
def test_the_window_stays_as_it_was_fixed_until_it_is_renewed() -> None:
    """Five days after the renewal it still reaches back to where it began; what is written down late is linked too."""
    clinic = _clinic()
    clinic.settle()
    begin = Window.around(NOW, BACK, AHEAD).start_at
    clinic.clock.advance(timedelta(days=5))
    late = Timed(begin + timedelta(days=1), begin + timedelta(days=1, hours=1))
    clinic.mailbox().create_entry(late)
    clinic.system.book(["anna"], late, "Visit")
    clinic.settle()
    assert [block.when for block in clinic.blocks()] == [copy.when for copy in clinic.copies()] == [late]
    clinic.clock.advance(timedelta(days=5))
    clinic.settle()
    later = Timed(late.start_at + timedelta(hours=2), late.end_at + timedelta(hours=2))
    clinic.mailbox().create_entry(later)
    clinic.system.book(["anna"], later, "Visit")
    clinic.settle()
    assert len(clinic.blocks()) == len(clinic.copies()) == 1


@pytest.mark.bad_input(8)
@pytest.mark.parametrize("page_size", [1, 7, 50])
@pytest.mark.complaint(23)
def test_an_expired_cursor_of_either_side_costs_no_write(page_size: int) -> None:
    """A full check compares; it never deletes and reloads (complaint 3)."""
    clinic = _clinic(page_size)
    for day in range(1, 9):
        clinic.mailbox().create_entry(at(day, 9))
        clinic.system.book(["anna"], at(day, 11), "Visit")
    clinic.mailbox().create_series(at(1, 14), 3)
    clinic.settle()
    before, links = _writes(clinic), {(link.ref, link.row) for link in _links(clinic)}
    clinic.mailbox().expire_cursors()
    clinic.system.expire_cursors()
    clinic.settle()
    assert _writes(clinic) == before
    assert {(link.ref, link.row) for link in _links(clinic)} == links


@pytest.mark.rule("R42")
@pytest.mark.complaint(5)
@pytest.mark.parametrize("seed", range(25))
@pytest.mark.complaint(5)
def test_at_the_edges_everything_is_linked_exactly_once_whatever_side_it_comes_from(seed: int) -> None:
    """One half-open test for both sides: spans that end at an edge, begin there, cross it or have no length, through
    several renewals with full rounds and incremental ones between them."""
    random = Random(seed)
    clinic = _clinic(random.choice((1, 3, 50)))
    first = Window.around(NOW, BACK, AHEAD)
    edges = [first.start_at, first.end_at, *(first.end_at + timedelta(weeks=number) for number in (1, 2))]
    spans = [Timed(edge + begin, edge + begin + length) for edge in edges for begin, length in _around()]
    sides = {span: random.choice(("calendar", "host", "both")) for span in random.sample(spans, 14)}
    for span, side in sides.items():
        if side != "host":
            clinic.mailbox().create_entry(span)
        if side != "calendar":
            clinic.system.book(["anna"], span, "Visit")
    linked: set = set()
    for _ in range(4):
        clinic.settle()
        window = Window.around(clinic.clock.now(), BACK, AHEAD)
        linked |= {
            (origin, span)
            for span, side in sides.items()
            for origin in Origin
            if side in ("both", origin.value)
            and window.holds(span, "Europe/Berlin")
            and (origin is Origin.HOST or span.start_at < span.end_at)  # R21: such an entry takes no time
        }
        assert Counter((link.origin, link.when) for link in _links(clinic)) == Counter(linked)
        assert Counter(block.when for block in clinic.blocks()) == Counter(
            span for origin, span in linked if origin is Origin.CALENDAR
        )
        assert Counter(copy.when for copy in clinic.copies()) == Counter(
            span for origin, span in linked if origin is Origin.HOST
        )
        before = _writes(clinic)
        clinic.run(cause="full")
        assert _writes(clinic) == before
        clinic.clock.advance(timedelta(days=9))


def _around() -> list[tuple[timedelta, timedelta]]:
    hour, none = timedelta(hours=1), timedelta(0)
    return [(-hour, hour), (none, hour), (-hour, 2 * hour), (none, none), (-hour / 60, hour / 60), (hour * 30, hour)]
