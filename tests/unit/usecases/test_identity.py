"""Whose copy is it: marks with their own ids, pasted copies, restored tables, moved mailboxes, two installations on one
mailbox, bookings that change hands (issue 3, point 5)."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.domain.appointments import Booking, BookingStatus, Entry, Mark, Response
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.errors import AppointmentRejectedError
from calsync_core.domain.ids import AccountId, BookingId, MailboxId, ResourceId, RunId
from calsync_core.domain.links import Origin, booking_ref
from calsync_core.domain.resources import Progress, Status
from calsync_core.domain.settings import SyncSettings
from calsync_core.engine.marks import KnownMarks, mark_id_for
from calsync_core.ports.stores import Lease
from calsync_core.usecases.sync.find_elsewhere import elsewhere
from calsync_core.usecases.sync.keep_links import REVISIT
from calsync_core.usecases.sync.open_run import open_run

from tests.small_clinic import ACCOUNT, NOW, Clinic, a_clinic, at, no_fault

ANNA = ResourceId("anna")


def _clinic(*others: str, **settings: object) -> Clinic:
    clinic = a_clinic()
    for who in ("anna", *others):
        clinic.connect(who)
    if settings:
        clinic.settings(**settings)
    return clinic


def _copy_of(clinic: Clinic, who: str = "anna") -> Entry:
    (copy,) = clinic.copies(who)
    return copy


def _link(clinic: Clinic, booking: str, who: str = "anna"):
    ref = booking_ref(BookingId(booking))
    return clinic.stores.links.get(ACCOUNT, ResourceId(who), [ref])[ref]


def _written(clinic: Clinic, who: str = "anna") -> set[str]:
    return {write.entry_id for write in clinic.mailbox(who).writes if write.operation != "create"}


def _reconnect(clinic: Clinic, who: str = "anna") -> None:
    """The rows of the earlier connection are gone, as after leaving with the copies kept."""
    for link in list(clinic.stores.links.all(ACCOUNT, ResourceId(who))):
        clinic.stores.links.delete(ACCOUNT, link)
    clinic.stores.cursors.forget(ACCOUNT, ResourceId(who))
    clinic.system.blocks.clear()
    state = clinic.stores.resources.get(ACCOUNT, ResourceId(who))
    new = state.moved_to(Status.REAUTH_REQUIRED, clinic.clock.now()).moved_to(Status.IMPORTING, clinic.clock.now())
    clinic.stores.resources.save(replace(new, progress=Progress(), attempt=state.attempt + 1))


class Snapshot:
    """The table as it stood: links and cursors, restored as point-in-time recovery does."""

    def __init__(self, clinic: Clinic) -> None:
        self.kept = deepcopy(self._tables(clinic))

    @staticmethod
    def _tables(clinic: Clinic) -> dict[str, dict[str, object]]:
        stores = {"links": clinic.stores.links, "cursors": clinic.stores.cursors}
        return {
            name: {key: value for key, value in vars(store).items() if isinstance(value, dict)}
            for name, store in stores.items()
        }

    def restore(self, clinic: Clinic) -> None:
        for name, values in deepcopy(self.kept).items():
            vars(getattr(clinic.stores, name)).update(values)


# --- marks ---


def test_a_mark_has_an_id_of_its_own_for_each_copy_that_is_made() -> None:
    clinic = _clinic(edits__deleted_in_calendar="restore")
    clinic.system.book(["anna"], at(2, 9), "Visit")
    clinic.settle()
    first = _copy_of(clinic)
    clinic.mailbox().delete_entry(first.id)
    clinic.settle()
    second = _copy_of(clinic)
    assert (first.mark.generation, second.mark.generation) == (1, 2)
    assert first.mark.own != second.mark.own
    assert all(Mark.decode(one.mark.encode()) == one.mark for one in (first, second))
    assert first.mark.written_at == NOW


@pytest.mark.parametrize("own", ["", "1c2d3e4-AbC_9"])
def test_marks_with_and_without_an_own_id_are_read(own: str) -> None:
    mark = Mark("inst", AccountId("a"), ResourceId("r"), BookingId("b"), 3, own)
    assert Mark.decode(mark.encode()) == mark
    assert mark.encode().startswith("1|inst|")  # the filter that finds all our marks


@pytest.mark.parametrize("value", ["", "1|a|b", "2|i|a|r|b|1", "1|i|a|r|b|x", "1|i|a|r|b|²", "1|i|a|r|b|1|o|p", "\x00"])
def test_a_damaged_mark_is_no_mark(value: str) -> None:
    assert Mark.decode(value) is None


@pytest.mark.parametrize("own", ["zz-1", "-", "ffffffffffffffffffff-1", "-1-x"])
def test_a_strange_own_id_says_nothing_about_time(own: str) -> None:
    assert Mark("i", AccountId("a"), ResourceId("r"), BookingId("b"), 1, own).written_at in {
        None,
        NOW.fromtimestamp(-60, NOW.tzinfo),
        NOW.fromtimestamp(0, NOW.tzinfo),
    }


def test_a_try_that_was_cut_off_keeps_the_id_of_its_mark_for_an_hour() -> None:
    first = mark_id_for("", NOW, "a-bcdefghij")
    assert mark_id_for(first, NOW + timedelta(minutes=59), "other") == first
    assert mark_id_for(first, NOW + timedelta(hours=2), "other") != first


def test_among_entries_with_one_mark_the_oldest_is_the_copy() -> None:
    clinic = _clinic()
    clinic.system.book(["anna"], at(2, 9), "Visit")
    clinic.settle()
    copy = _copy_of(clinic)
    pasted = replace(copy, id="x", created_at=copy.created_at + timedelta(minutes=1))
    for entries in permutations([copy, pasted]):
        assert KnownMarks.of(entries).pasted == {"x"}
    late = replace(copy, id="y", created_at=copy.created_at + timedelta(days=3))
    assert KnownMarks.of([late]).pasted == {"y"}
    assert KnownMarks.of([replace(copy, created_at=None)]).pasted == frozenset()


# --- copy and paste ---


def _paste_then_delete(clinic: Clinic, copy: Entry) -> str:
    clone = clinic.mailbox().copy_entry(copy.id, at(4, 15))
    clinic.mailbox().delete_entry(copy.id)
    return clone


def _delete_then_paste(clinic: Clinic, copy: Entry) -> str:
    clinic.mailbox().delete_entry(copy.id)
    clinic.settle()
    return clinic.mailbox().copy_entry(copy.id, at(4, 15))


def _paste_seen_then_delete(clinic: Clinic, copy: Entry) -> str:
    clone = clinic.mailbox().copy_entry(copy.id, at(4, 15))
    clinic.settle()
    clinic.mailbox().delete_entry(copy.id)
    return clone


@pytest.mark.rule("R35")
@pytest.mark.bad_input(27)
@pytest.mark.parametrize("order", [_paste_then_delete, _delete_then_paste, _paste_seen_then_delete])
@pytest.mark.parametrize("wish", ["flag", "restore", "cancel_booking"])
@pytest.mark.parametrize("cause", ["sweep", "full"])
@pytest.mark.complaint(7)
def test_a_pasted_copy_is_the_persons_own_also_when_the_original_is_gone(
    order: Callable[[Clinic, Entry], str], wish: str, cause: str
) -> None:
    clinic = _clinic(edits__deleted_in_calendar=wish)
    booking = clinic.system.book(["anna"], at(2, 9), "Visit")
    clinic.settle()
    clone = order(clinic, _copy_of(clinic))
    clinic.run(cause=cause)
    clinic.settle()
    assert clinic.mailbox().entry(clone).when == at(4, 15)
    assert clone not in _written(clinic)
    (block,) = clinic.blocks()
    assert (block.when, block.title) == (at(4, 15), None)
    if wish == "restore":
        assert [one.when for one in clinic.copies() if one.id != clone] == [at(2, 9)]
    if wish == "flag":
        assert [one.kind for one in clinic.conflicts()] == [ConflictKind.COPY_DELETED]
        assert _link(clinic, booking).entry_id is None


@pytest.mark.rule("R122")
def test_a_copy_that_the_person_takes_back_out_of_the_bin_is_the_copy_again() -> None:
    clinic = _clinic()
    booking = clinic.system.book(["anna"], at(2, 9), "Visit")
    clinic.settle()
    copy, server = _copy_of(clinic), clinic.mailbox()
    server.delete_entry(copy.id)
    clinic.settle()
    server.items[copy.id].is_gone = False
    server.touch(copy.id)
    clinic.settle()
    assert _link(clinic, booking).entry_id == copy.id
    assert clinic.blocks() == clinic.conflicts() == []


@pytest.mark.rule("R35")
@pytest.mark.rule("R32")
@pytest.mark.complaint(17)
def test_after_reconnecting_the_copy_is_adopted_and_the_pasted_one_is_not() -> None:
    clinic = _clinic()
    clinic.system.book(["anna"], at(2, 9), "Visit")
    clinic.settle()
    copy = _copy_of(clinic)
    clinic.clock.advance(timedelta(minutes=30))
    clone = clinic.mailbox().copy_entry(copy.id, at(4, 15))
    _reconnect(clinic)
    clinic.settle()
    assert _link(clinic, copy.mark.booking).entry_id == copy.id
    assert [block.when for block in clinic.blocks()] == [at(4, 15)]
    assert clone not in _written(clinic)


@pytest.mark.rule("R35")
@pytest.mark.parametrize("cause", ["sweep", "full"])
def test_after_reconnecting_a_pasted_copy_alone_is_known_by_its_age(cause: str) -> None:
    clinic = _clinic()
    clinic.system.book(["anna"], at(12, 9), "Visit")
    clinic.settle()
    copy = _copy_of(clinic)
    clinic.clock.advance(timedelta(days=2))
    clone = clinic.mailbox().copy_entry(copy.id, at(14, 15))
    clinic.mailbox().delete_entry(copy.id)
    _reconnect(clinic)
    clinic.run(cause=cause)
    clinic.settle()
    assert clinic.mailbox().entry(clone).when == at(14, 15)
    assert [one.when for one in clinic.copies() if one.id != clone] == [at(12, 9)]
    assert [block.when for block in clinic.blocks()] == [at(14, 15)]


# --- the table is behind the mailbox ---


@pytest.mark.rule("R122")
@pytest.mark.parametrize("is_expired", [False, True])
def test_a_restored_table_doubles_nothing_and_finds_what_is_newer_than_itself(is_expired: bool) -> None:
    clinic = _clinic(edits__deleted_in_calendar="restore")
    clinic.mailbox().create_entry(at(1, 8))
    restored = clinic.system.book(["anna"], at(2, 9), "Visit")
    moved = clinic.system.book(["anna"], at(2, 12), "Visit")
    gone = clinic.system.book(["anna"], at(2, 16), "Visit")
    clinic.settle()
    snapshot = Snapshot(clinic)
    old = next(one for one in clinic.copies() if one.mark.booking == restored)
    clinic.mailbox().delete_entry(old.id)
    clinic.settle()  # written again: generation 2
    clinic.system.move_booking_by_clinic(moved, at(3, 12))
    clinic.system.cancel(gone)
    new = clinic.system.book(["anna"], at(5, 9), "Visit")
    late = clinic.mailbox().create_entry(at(6, 8))
    clinic.settle()
    present = {one.id for one in clinic.copies()}
    snapshot.restore(clinic)
    if is_expired:
        clinic.mailbox().expire_cursors()
        clinic.system.expire_cursors()
    clinic.settle()
    clinic.settle()
    assert {one.id for one in clinic.copies()} == present
    assert sorted(one.mark.booking for one in clinic.copies()) == sorted([restored, moved, new])
    assert sorted(block.when.start_at for block in clinic.blocks()) == [at(1, 8).start_at, at(6, 8).start_at]
    assert clinic.mailbox().entry(late) is not None
    assert _link(clinic, restored).generation == 2
    clinic.mailbox().delete_entry(next(one.id for one in clinic.copies() if one.mark.booking == restored))
    clinic.settle()
    assert [one.mark.generation for one in clinic.copies() if one.mark.booking == restored] == [3]


# --- the mailbox was moved ---


def _dates(clinic: Clinic) -> list:
    return sorted((one for one in clinic.mailbox().shown() if one.series_id), key=lambda one: one.original_start_at)


@pytest.mark.rule("R122")
@pytest.mark.bad_input(28)
@pytest.mark.complaint(25)
def test_after_a_move_of_the_mailbox_every_copy_is_found_and_nothing_is_doubled() -> None:
    clinic = _clinic()
    for day in range(1, 6):
        clinic.system.book(["anna"], at(day, 9), "Visit")
        clinic.mailbox().create_entry(at(day, 14))
    clinic.settle()
    writes = len(clinic.mailbox().writes)
    clinic.mailbox().move_mailbox()
    clinic.settle()
    clinic.settle()
    copies = clinic.copies()
    assert len(copies) == 5
    assert {_link(clinic, one.mark.booking).entry_id for one in copies} == {one.id for one in copies}
    assert len(clinic.mailbox().writes) == writes
    assert sorted(block.when.start_at for block in clinic.blocks()) == [at(day, 14).start_at for day in range(1, 6)]


@pytest.mark.rule("R122")
def test_a_moved_mailbox_cancels_no_booking_before_its_feed_was_read() -> None:
    """A row that waits for another look is looked up by its old id, which finds nothing: the mark is asked."""
    clinic = _clinic(edits__deleted_in_calendar="cancel_booking")
    booking = clinic.system.book(["anna"], at(2, 9), "Visit")
    clinic.settle()
    clinic.stores.links.set_leaving(ACCOUNT, ResourceId("anna"), REVISIT, [_link(clinic, booking).ref])
    clinic.mailbox().move_mailbox()
    clinic.settle()
    assert clinic.system.bookings[booking].status is BookingStatus.CONFIRMED
    assert [_link(clinic, booking).entry_id] == [one.id for one in clinic.copies()]


@pytest.mark.rule("R122")
@pytest.mark.parametrize("count", [2, 9])
def test_copies_that_no_id_finds_are_elsewhere_or_gone(count: int) -> None:
    """By their marks, few one by one, many with one question; the dates of a series are where it is."""
    clinic = _clinic()
    bookings = [clinic.system.book(["anna"], at(day, 9), "Visit") for day in range(1, count + 1)]
    clinic.system.book_series(["anna"], at(2, 14), "FREQ=WEEKLY;COUNT=3", "Course")
    clinic.settle()
    links = list(clinic.stores.links.all(ACCOUNT, ResourceId("anna")))
    clinic.mailbox().delete_entry(_link(clinic, bookings[0]).entry_id)
    clinic.mailbox().move_mailbox()
    state = clinic.stores.resources.get(ACCOUNT, ResourceId("anna"))
    assert state is not None
    run = open_run(clinic.ports, Lease(ACCOUNT, ResourceId("anna"), 0, 0), state, SyncSettings(), 0, RunId("look"))

    assert {link.ref for link in links} - elsewhere(run, links).keys() == {booking_ref(bookings[0])}


@pytest.mark.rule("R122")
def test_the_dates_of_a_series_keep_their_places_when_the_mailbox_is_moved() -> None:
    clinic = _clinic(edits__moved_in_calendar="flag")
    clinic.system.book_series(["anna"], at(2, 9), "FREQ=WEEKLY;COUNT=4", "Course")
    clinic.settle()
    first, *_ = _dates(clinic)
    clinic.mailbox().move_occurrence(first.series_id, first.original_start_at, at(3, 9))
    clinic.settle()
    writes = len(clinic.mailbox().writes)
    clinic.mailbox().move_mailbox()
    clinic.settle()
    shown = _dates(clinic)
    links = {link.entry_id for link in clinic.stores.links.all(ACCOUNT, ResourceId("anna"))}
    assert {one.id for one in shown} | {one.series_id for one in shown} == links
    assert min(one.when.start_at for one in shown) == at(3, 9).start_at
    assert len(clinic.mailbox().writes) == writes
    assert len(clinic.conflicts()) == 1


@pytest.mark.rule("R34")
@pytest.mark.rule("R122")
@pytest.mark.parametrize("first", ["anna", "north"])
def test_after_a_move_the_copies_of_a_shared_booking_block_for_none_of_its_resources(first: str) -> None:
    """Two resources of one person share the mailbox, and one of them looks before the other has found its copy."""
    clinic = a_clinic()
    clinic.connect("anna", "mbx")
    clinic.connect("north", "mbx")
    clinic.system.book(["anna", "north"], at(2, 9), "Visit")
    clinic.settle()
    clinic.mailbox().move_mailbox()
    clinic.run(first)
    clinic.settle()
    assert clinic.blocks("anna") == clinic.blocks("north") == []
    assert len(clinic.copies()) == 2


# --- two installations on one mailbox ---


def _second_installation(clinic: Clinic, who: str) -> Clinic:
    """Another business that uses the product, with a booking system and a table of its own, and the same person."""
    other = a_clinic()
    other.clock = clinic.clock
    other.connect(who)
    mailbox = MailboxId(f"mbx-{who}")
    other.servers[mailbox] = clinic.mailbox()
    other.providers[mailbox] = MemoryCalendarProvider(clinic.mailbox())
    other.ports = replace(other.ports, installation="another", clock=clinic.clock)
    return other


@pytest.mark.rule("R123")
@pytest.mark.parametrize("privacy", ["anonymous", "full"])
def test_two_installations_on_one_mailbox_see_each_others_copies_as_entries_and_never_loop(privacy: str) -> None:
    here = _clinic(from_calendar__privacy=privacy)
    there = _second_installation(here, "anna")
    there.settings(from_calendar__privacy=privacy)
    here.mailbox().create_entry(at(1, 8), "Dentist")
    mine, theirs = here.system.book(["anna"], at(2, 9), "Visit"), there.system.book(["anna"], at(3, 9), "Visit")
    for _ in range(4):
        here.settle()
        there.settle()
    assert sorted(one.mark.installation for one in here.copies()) == ["another", "test"]
    assert sorted(block.when.start_at for block in here.blocks()) == [at(1, 8).start_at, at(3, 9).start_at]
    assert sorted(block.when.start_at for block in there.blocks()) == [at(1, 8).start_at, at(2, 9).start_at]
    here.system.move_booking_by_clinic(mine, at(4, 9))
    there.system.move_booking_by_clinic(theirs, at(5, 9))
    for _ in range(3):
        here.settle()
        there.settle()
    before = len(here.mailbox().writes), dict(here.system.block_versions), dict(there.system.block_versions)
    for number in range(12):
        (here if number % 2 else there).run(cause="full" if number % 3 == 0 else "sweep")
    assert (len(here.mailbox().writes), dict(here.system.block_versions), dict(there.system.block_versions)) == before
    here.system.cancel(mine)
    here.settle()
    there.settle()
    assert at(4, 9) not in [block.when for block in there.blocks()]


# --- bookings change hands ---


@pytest.mark.rule("R15")
@pytest.mark.rule("R1")
@pytest.mark.parametrize("runs", [("anna", "bert"), ("bert", "anna")])
@pytest.mark.parametrize("mailboxes", [("mbx-a", "mbx-b"), ("mbx", "mbx")])
@pytest.mark.complaint(31)
def test_a_booking_that_changes_hands_has_one_copy_with_its_new_resource(
    runs: tuple[str, str], mailboxes: tuple[str, str]
) -> None:
    clinic = a_clinic()
    for who, mailbox in zip(("anna", "bert"), mailboxes, strict=True):
        clinic.connect(who, mailbox)
    booking = clinic.system.book(["anna"], at(2, 9), "Visit")
    clinic.settle()
    for owner in ("bert", "anna", "bert"):
        clinic.system.reassign(booking, [owner])
        for who in runs:
            clinic.run(who)
        clinic.settle()
        owners = {one.mark.resource for who in ("anna", "bert") for one in clinic.copies(who)}
        assert owners == {owner}
        assert sum(len(server.shown()) for server in clinic.servers.values()) == 1
        blocks = [block.resource_id for block in clinic.system.blocks.values()]
        assert blocks == ([] if mailboxes[0] != mailboxes[1] else ["anna" if owner == "bert" else "bert"])


class CrashError(BaseException):
    """The function is gone."""


@pytest.mark.prop("P6")
@pytest.mark.parametrize("runs", [("anna", "bert"), ("bert", "anna")])
@pytest.mark.parametrize("operation", ["create", "delete", "put_block", "delete_block"])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_crash_in_the_middle_of_a_change_of_hands_leaves_nothing_behind(
    runs: tuple[str, str], operation: str, phase: str
) -> None:
    clinic = a_clinic()
    clinic.connect("anna", "mbx")
    clinic.connect("bert", "mbx")
    booking = clinic.system.book(["anna"], at(2, 9), "Visit")
    clinic.settle()
    clinic.system.reassign(booking, ["bert"])
    hits: list[str] = []

    def fault(name: str, when: str) -> None:
        if name == operation and when == phase and not hits:
            hits.append(name)
            raise CrashError

    clinic.fault = fault
    for who in (*runs, *runs):
        try:
            clinic.run(who)
        except CrashError:
            clinic.clock.advance(clinic.ports.lease_for + timedelta(seconds=1))
    clinic.fault = no_fault
    for _ in range(3):
        clinic.settle()
    assert [one.mark.resource for one in clinic.mailbox().shown()] == ["bert"]
    assert [block.resource_id for block in clinic.system.blocks.values()] == ["anna"]


# --- one meeting, several calendars ---


@pytest.mark.complaint(18)
def test_the_same_meeting_in_the_organizers_and_the_attendees_calendars_blocks_once_for_each() -> None:
    clinic = _clinic("bert")
    answers = {"anna": Response.ORGANIZER, "bert": Response.ACCEPTED}
    for who, answer in answers.items():
        entry = clinic.mailbox(who).create_entry(at(2, 9), "Team", response=answer, has_attendees=True)
        clinic.mailbox(who).change_entry(entry, uid="uid-of-the-meeting")
    clinic.settle()
    assert {block.resource_id for block in clinic.system.blocks.values()} == {"anna", "bert"}
    assert clinic.conflicts() == []
    clinic.mailbox("bert").respond(clinic.mailbox("bert").shown()[0].id, Response.DECLINED)
    clinic.settle()
    assert [block.resource_id for block in clinic.system.blocks.values()] == ["anna"]
    assert all(server.outbox == [] for server in clinic.servers.values())


def test_a_meeting_with_our_copy_among_them_is_never_written_and_never_doubles() -> None:
    """A person invites the other resource to our copy: she gets an entry of the same iCalUId in her own calendar."""
    clinic = _clinic("bert")
    clinic.system.book(["anna"], at(2, 9), "Visit")
    clinic.settle()
    copy = _copy_of(clinic)
    clinic.mailbox().change_entry(copy.id, has_attendees=True)
    invited = clinic.mailbox("bert").create_entry(at(2, 9), "Visit", response=Response.NOT_RESPONDED)
    clinic.mailbox("bert").change_entry(invited, uid=copy.uid)
    clinic.settle()
    assert [block.resource_id for block in clinic.system.blocks.values()] == ["bert"]
    assert [link.origin for link in clinic.stores.links.all(ACCOUNT, ANNA)] == [Origin.HOST]
    assert clinic.mailbox().outbox == []


# --- another look ---


@pytest.mark.rule("R70")
@pytest.mark.rule("R120")
def test_a_decision_that_could_not_be_carried_out_yet_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    clinic = _clinic(edits__moved_in_calendar="flag")
    booking = clinic.system.book(["anna"], at(2, 9), "Visit")
    clinic.settle()
    clinic.mailbox().move_entry(_copy_of(clinic).id, at(4, 9))
    clinic.settle()
    decided = replace(_link(clinic, booking), decision=Origin.HOST)
    clinic.stores.links.put(ACCOUNT, decided)
    clinic.stores.links.set_leaving(ACCOUNT, ResourceId("anna"), REVISIT, [decided.ref])

    def unreadable(_booking: BookingId) -> Booking:
        raise AppointmentRejectedError("booking_unreadable")

    with monkeypatch.context() as patched:
        patched.setattr(clinic.host, "booking", unreadable)
        clinic.run()
    assert _copy_of(clinic).when == at(4, 9)
    clinic.run()

    assert _copy_of(clinic).when == at(2, 9)
    assert clinic.stores.links.leaving(ACCOUNT, ResourceId("anna"), REVISIT) == []
