"""One bad entry or booking hurts itself alone (R120). The numbers are the rows of the forty bad inputs; how each is
read stands in tests/unit/adapters/test_bad_input.py."""

from dataclasses import replace

import pytest
from calsync_core.adapters.memory.mailbox import MemoryMailboxServer
from calsync_core.domain.appointments import Block, BlockKind, Busy, Copy, Entry, Kind, Mark, Timed
from calsync_core.domain.errors import AppointmentRejectedError
from calsync_core.domain.ids import BookingId, CalendarId, MailboxId, ResourceId
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.ports.host import BookingPage, HostChanges, Unreadable
from calsync_core.usecases.sync.write_copies import USED_UP

from tests.small_clinic import ACCOUNT, NOW, Clinic, a_clinic, at

ANNA = ResourceId("anna")
NEVER = Timed(NOW.replace(year=1970), NOW.replace(year=1970))


def _clinic() -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    return clinic


def _lines(clinic: Clinic) -> list[LogEntry]:
    return [
        line for line in clinic.stores.log.of_resource(ACCOUNT, ANNA, 500) if line.reason is Reason.ENTRY_QUARANTINED
    ]


def _break(server: MemoryMailboxServer, entry_id: str) -> Entry:
    """From now on nobody can read it, as `to_readable` says it."""
    whole = server.items[entry_id].entry
    server.change_entry(entry_id, when=NEVER, problem="times_inverted")
    # the memory mailbox shows what lies inside the window; a broken entry is told wherever it lies
    server.is_inside = lambda when, window: when == NEVER or window.holds(when, server.zone)  # type: ignore[method-assign]
    return whole


@pytest.mark.rule("R120")
@pytest.mark.bad_input(30)
@pytest.mark.parametrize("cause", ["sweep", "full"])
def test_a_block_whose_entry_cannot_be_read_any_more_is_kept_and_the_others_go_on(cause: str) -> None:
    clinic = _clinic()
    bad, good = clinic.mailbox().create_entry(at(1, 9)), clinic.mailbox().create_entry(at(1, 11))
    clinic.settle()
    whole = _break(clinic.mailbox(), bad)
    clinic.mailbox().move_entry(good, at(2, 11))
    clinic.run(cause=cause)
    clinic.settle()
    assert sorted(block.when.start_at for block in clinic.blocks()) == [at(1, 9).start_at, at(2, 11).start_at]
    assert {(line.code, line.rule, line.is_problem) for line in _lines(clinic)} == {("times_inverted", "R120", True)}
    clinic.mailbox().change_entry(bad, when=whole.when, problem=None, busy=Busy.OOF)
    clinic.settle()
    assert {block.when: block.kind for block in clinic.blocks()}[at(1, 9)] is BlockKind.OOF


@pytest.mark.rule("R120")
@pytest.mark.bad_input(30)
@pytest.mark.parametrize("cause", ["sweep", "full"])
def test_a_new_entry_that_cannot_be_read_is_set_aside_and_blocks_once_it_can(cause: str) -> None:
    clinic = _clinic()
    clinic.settle()
    bad = clinic.mailbox().create_entry(at(1, 9))
    _break(clinic.mailbox(), bad)
    clinic.mailbox().create_entry(at(1, 11))
    clinic.run(cause=cause)
    assert [block.when for block in clinic.blocks()] == [at(1, 11)]
    assert [line.code for line in _lines(clinic)] == ["times_inverted"]
    clinic.mailbox().change_entry(bad, when=at(1, 9), problem=None)
    clinic.settle()
    assert len(clinic.blocks()) == 2


@pytest.mark.rule("R120")
def test_our_own_copy_that_cannot_be_read_is_left_alone_until_it_can() -> None:
    clinic = _clinic()
    clinic.system.book(["anna"], at(1, 9), "Visit")
    clinic.settle()
    (copy,) = clinic.copies()
    _break(clinic.mailbox(), copy.id)
    writes = len(clinic.mailbox().writes)
    clinic.run(cause="full")
    assert len(clinic.mailbox().writes) == writes
    assert clinic.conflicts() == []
    clinic.mailbox().change_entry(copy.id, when=at(1, 9), problem=None)
    clinic.settle()
    assert len(clinic.copies()) == 1
    assert clinic.conflicts() == []


@pytest.mark.rule("R120")
@pytest.mark.bad_input(29)
@pytest.mark.parametrize("cause", ["sweep", "full"])
def test_one_bad_occurrence_keeps_its_block_and_its_series_goes_on(cause: str) -> None:
    clinic = _clinic()
    server = clinic.mailbox()
    series = server.create_series(at(1, 9), 4)
    clinic.settle()
    original = at(8, 9).start_at
    one = next(entry for entry in server.shown() if entry.original_start_at == original)
    server.items[series].exceptions[original] = replace(one, kind=Kind.EXCEPTION, when=NEVER, problem="times_inverted")
    server.is_inside = lambda when, window: when == NEVER or window.holds(when, server.zone)  # type: ignore[method-assign]
    server.move_occurrence(series, at(15, 9).start_at, at(15, 12))
    clinic.run(cause=cause)
    clinic.settle()
    assert sorted(block.when.start_at for block in clinic.blocks()) == [
        one.start_at for one in (at(1, 9), at(8, 9), at(15, 12), at(22, 9))
    ]
    assert _lines(clinic)


@pytest.mark.rule("R21")
@pytest.mark.bad_input(30)
@pytest.mark.parametrize("cause", ["sweep", "full"])
def test_an_entry_without_a_length_takes_no_time_and_the_log_says_so(cause: str) -> None:
    """Booking systems refuse a block without a length: the old one stayed at a time that nothing takes any more."""
    clinic = _clinic()
    entry, good = clinic.mailbox().create_entry(at(1, 9)), clinic.mailbox().create_entry(at(1, 11))
    clinic.settle()
    clinic.mailbox().move_entry(entry, at(1, 9, 0))
    clinic.mailbox().create_entry(at(1, 15, 0))
    clinic.mailbox().move_entry(good, at(2, 11))
    clinic.run(cause=cause)
    clinic.settle()
    assert [block.when for block in clinic.blocks()] == [at(2, 11)]
    lines = clinic.stores.log.of_resource(ACCOUNT, ANNA, 500)
    told = {(line.reason, line.rule, line.is_problem) for line in lines if line.code == "no_length"}
    assert {(Reason.ENTRY_SKIPPED, "R21", False), (Reason.BLOCK_DELETED, "R27", False)} == told
    assert _lines(clinic) == []
    clinic.mailbox().move_entry(entry, at(1, 9, 0.5))
    clinic.settle()
    assert {block.when for block in clinic.blocks()} == {at(1, 9, 0.5), at(2, 11)}


@pytest.mark.rule("R141")
@pytest.mark.bad_input(31)
@pytest.mark.parametrize("count", [1, 12], ids=["one by one", "many at once"])
def test_words_that_the_booking_system_refuses_do_not_cost_the_time(count: int) -> None:
    clinic = _clinic()
    clinic.settings(from_calendar__privacy="full")
    put, refused = clinic.host.put_block, "Lunch \U0001f921"

    def picky(block: Block) -> str:
        if block.title == refused:
            raise AppointmentRejectedError("host_rejected")
        return put(block)

    clinic.host.put_block = picky  # type: ignore[method-assign]
    entries = [clinic.mailbox().create_entry(at(day, 9), refused if day % 2 else "Team") for day in range(1, count + 1)]
    clinic.settle()
    said = {block.when: block.title for block in clinic.blocks()}
    assert said == {at(day, 9): None if day % 2 else "Team" for day in range(1, count + 1)}
    lines = clinic.stores.log.of_resource(ACCOUNT, ANNA, 500)
    told = [line for line in lines if line.code == "block_text_refused"]
    assert len(told) == (count + 1) // 2
    assert {(line.rule, line.is_problem, dict(line.detail)["cause"]) for line in told} == {
        ("R141", True, "host_rejected")
    }
    before = dict(clinic.system.block_versions)
    clinic.run(cause="full")
    assert dict(clinic.system.block_versions) == before
    clinic.mailbox().move_entry(entries[0], at(40, 9))
    clinic.settle()
    assert at(40, 9) in {block.when for block in clinic.blocks()}


# --- the booking system ---


def _with_bad_bookings(clinic: Clinic, *bad: Unreadable) -> None:
    """The booking system answers as ever, and beside it with bookings that do not fit the contract."""
    names, host = {one.id for one in bad}, clinic.host
    changes, bookings, whole = host.changes, host.bookings, host.booking

    def page(found: BookingPage) -> BookingPage:
        return replace(found, bookings=tuple(one for one in found.bookings if one.id not in names), unreadable=bad)

    def feed(found: HostChanges) -> HostChanges:
        return replace(found, bookings=tuple(one for one in found.bookings if one.id not in names), unreadable=bad)

    host.changes = lambda resource, cursor: feed(changes(resource, cursor))  # type: ignore[method-assign]
    host.bookings = lambda *asked: page(bookings(*asked))  # type: ignore[method-assign]
    host.booking = whole  # type: ignore[method-assign]


@pytest.mark.rule("R120")
@pytest.mark.bad_input(30)
@pytest.mark.parametrize("cause", ["sweep", "full"])
def test_a_booking_that_cannot_be_read_keeps_its_copy_and_the_others_go_on(cause: str) -> None:
    clinic = _clinic()
    bad, good = clinic.system.book(["anna"], at(1, 9), "Visit"), clinic.system.book(["anna"], at(1, 11), "Visit")
    clinic.settle()
    kept = clinic.host.changes, clinic.host.bookings
    nameless = Unreadable(None, "booking_unreadable", "id")
    _with_bad_bookings(clinic, Unreadable(BookingId(bad), "booking_unreadable", "end"), nameless)
    clinic.system.move_booking_by_clinic(good, at(2, 11))
    clinic.system.move_booking_by_clinic(bad, at(3, 9))
    clinic.run(cause=cause)
    assert sorted(one.when.start_at for one in clinic.copies()) == [at(1, 9).start_at, at(2, 11).start_at]
    assert {(line.code, line.detail) for line in _lines(clinic)} == {
        ("booking_unreadable", (("field", "end"),)),
        ("booking_unreadable", (("field", "id"),)),
    }
    clinic.host.changes, clinic.host.bookings = kept  # type: ignore[method-assign]
    clinic.run(cause="full")
    assert sorted(one.when.start_at for one in clinic.copies()) == [at(2, 11).start_at, at(3, 9).start_at]


@pytest.mark.rule("R52")
@pytest.mark.prop("P12")
def test_a_mailbox_that_calls_every_transaction_used_is_not_asked_for_ever() -> None:
    """Named breaks found it: with one transaction for all generations the next try was made without an end."""
    clinic = _clinic()
    create, asked = clinic.providers[MailboxId("mbx-anna")].create, list[str]()
    good = clinic.system.book(["anna"], at(1, 9))
    bad = clinic.system.book(["anna"], at(1, 11))

    def refuse(calendar: CalendarId, copy: Copy, mark: Mark, transaction_id: str) -> Entry:
        if mark.booking != bad:
            return create(calendar, copy, mark, transaction_id)
        asked.append(transaction_id)
        raise AppointmentRejectedError("transaction_used")

    clinic.providers[MailboxId("mbx-anna")].create = refuse  # type: ignore[method-assign]
    clinic.settle()

    assert {entry.mark.booking for entry in clinic.copies()} == {good}
    assert len(asked) == len(set(asked)) == USED_UP + 1
    assert {(line.code, line.rule) for line in _lines(clinic)} == {("transaction_used", "R52")}
