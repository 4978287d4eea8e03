"""What every CalendarProvider must do, whichever interface stands behind it. test_calendar_*.py subclass it."""

from datetime import timedelta

import pytest
from calsync_core.domain.appointments import Busy, Entry, Kind, Notes, Timed
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalendarGoneError,
    CursorExpiredError,
    PermissionMissingError,
    VersionChangedError,
)
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarPage, Content

from tests.contract.calendar_sides import ALL, NOW, OPEN, TIME_ONLY, WINDOW, Side, at, copy, days, mark
from tests.contract.series_contract import SeriesContract


def read_round(side: Side, cursor: str | None = None, content: Content = OPEN) -> tuple[list[CalendarPage], str]:
    pages = [side.provider.changes(side.calendar, cursor, WINDOW, content)]
    while not pages[-1].is_last:
        pages.append(side.provider.changes(side.calendar, pages[-1].next_cursor, WINDOW, content))
        assert len(pages) < 50
    return pages, pages[-1].next_cursor


def entries_of(pages: list[CalendarPage]) -> dict[EntryId, Entry]:
    return {entry.id: entry for page in pages for entry in page.entries}


def removed_of(pages: list[CalendarPage]) -> set[EntryId]:
    return {entry_id for page in pages for entry_id in page.removed}


class CalendarContract(SeriesContract):
    has_transactions = True
    """Whether a create that is repeated under the same id makes no second entry. Where not, the caller looks first."""

    @pytest.fixture
    def side(self) -> Side:
        raise NotImplementedError

    # -- who and where ------------------------------------------------------------------------------------------

    def test_names_the_account_and_its_calendars(self, side: Side) -> None:
        account = side.provider.account()
        found = {one.id: one for one in side.provider.calendars()}

        assert account.identity.subject
        assert account.identity.directory
        assert "@" in account.address
        assert account.time_zone == "Europe/Berlin"
        assert found[side.calendar].is_default
        assert found[side.calendar].may_write
        assert not found[side.second].is_default
        assert not found[side.second].is_shared

    # -- the feed -----------------------------------------------------------------------------------------------

    def test_a_full_round_gives_what_is_in_the_window_and_nothing_else(self, side: Side) -> None:
        inside = {side.create(at(day), f"No {day}") for day in range(12)}
        outside = side.create(at(400))
        touching = side.create(Timed(WINDOW.start_at - timedelta(hours=1), WINDOW.start_at))

        pages, _ = read_round(side)

        assert set(entries_of(pages)) >= inside
        assert outside not in entries_of(pages)
        assert (
            touching not in entries_of(pages) or entries_of(pages)[touching].when.interval("UTC")[0] < WINDOW.start_at
        )

    def test_after_a_round_a_quiet_calendar_has_nothing_to_tell(self, side: Side) -> None:
        side.create(at(1))
        _, cursor = read_round(side)

        pages, cursor = read_round(side, cursor)
        assert entries_of(pages) == {}
        assert removed_of(pages) == set()

        pages, _ = read_round(side, cursor)
        assert entries_of(pages) == {}

    def test_a_change_comes_with_a_new_version_and_the_cursor_can_be_used_again(self, side: Side) -> None:
        entry_id = side.create(at(1))
        first, cursor = read_round(side)
        side.move(entry_id, at(2))

        for _ in range(2):
            pages, _ = read_round(side, cursor)
            moved = entries_of(pages)[entry_id]
            assert moved.when == at(2)
            assert moved.version != entries_of(first)[entry_id].version

    @pytest.mark.bad_input(6)
    def test_a_deleted_entry_is_a_hint_that_the_look_up_confirms(self, side: Side) -> None:
        kept, entry_id = side.create(at(1)), side.create(at(2))
        _, cursor = read_round(side)
        side.delete(entry_id)

        pages, _ = read_round(side, cursor)
        found = side.provider.entries(side.calendar, [kept, entry_id], OPEN)

        assert entry_id in removed_of(pages)
        assert found[entry_id] is None
        assert found[kept] is not None

    @pytest.mark.complaint(24)
    def test_an_entry_moved_out_of_the_window_is_called_removed_too_and_is_still_there(self, side: Side) -> None:
        entry_id = side.create(at(1))
        _, cursor = read_round(side)
        side.move(entry_id, at(300))

        pages, _ = read_round(side, cursor)
        found = side.provider.entries(side.calendar, [entry_id], OPEN)[entry_id]

        assert entry_id in removed_of(pages)
        assert entry_id not in entries_of(pages)
        assert found is not None
        assert found.when == at(300)

    def test_a_new_entry_outside_the_window_never_comes_as_an_entry(self, side: Side) -> None:
        _, cursor = read_round(side)
        entry_id = side.create(at(300))
        pages, _ = read_round(side, cursor)
        assert entry_id not in entries_of(pages)

    def test_the_window_is_that_of_the_cursor(self, side: Side) -> None:
        _, cursor = read_round(side)
        entry_id = side.create(at(300))
        later = Window(at(290).start_at, at(310).start_at)
        page = side.provider.changes(side.calendar, cursor, later, OPEN)
        assert entry_id not in {entry.id for entry in page.entries}

    def test_an_expired_cursor_says_so_and_a_new_round_works(self, side: Side) -> None:
        entry_id = side.create(at(1))
        _, cursor = read_round(side)
        side.expire_cursors()

        with pytest.raises(CursorExpiredError):
            side.provider.changes(side.calendar, cursor, WINDOW, OPEN)
        pages, _ = read_round(side)
        assert entry_id in entries_of(pages)

    @pytest.mark.parametrize("cursor", ["", "nonsense", "delta|1000|0||https://elsewhere.example/v1.0/me/calendarView"])
    def test_a_cursor_that_is_none_of_ours_is_an_expired_one(self, side: Side, cursor: str) -> None:
        with pytest.raises(CursorExpiredError):
            side.provider.changes(side.calendar, cursor, WINDOW, OPEN)

    def test_all_day_entries_are_dates(self, side: Side) -> None:
        one, three = side.create(days(1)), side.create(days(4, 3))
        pages, _ = read_round(side)
        looked_up = side.provider.entries(side.calendar, [one], OPEN)[one]

        assert entries_of(pages)[one].when == days(1)
        assert entries_of(pages)[three].when == days(4, 3)
        assert looked_up is not None
        assert looked_up.when == days(1)

    # -- privacy ------------------------------------------------------------------------------------------------

    def test_of_private_entries_only_the_time_is_read(self, side: Side) -> None:
        entry_id = side.create(at(1), "Oncologist", is_private=True, notes="results")
        pages, _ = read_round(side)
        looked_up = side.provider.entries(side.calendar, [entry_id], OPEN)[entry_id]
        allowed = side.provider.entries(side.calendar, [entry_id], ALL)[entry_id]

        for entry in (entries_of(pages)[entry_id], looked_up):
            assert entry is not None
            assert entry.is_private
            assert (entry.title, entry.notes, entry.location) == (None, None, None)
            assert "Oncologist" not in repr(entry)
        assert allowed is not None
        assert allowed.title == "Oncologist"
        assert allowed.notes == Notes("results")

    def test_without_leave_neither_title_nor_notes_are_read(self, side: Side) -> None:
        entry_id = side.create(at(1), "Lunch with Max", notes="secret")
        pages, _ = read_round(side, content=TIME_ONLY)
        looked_up = side.provider.entries(side.calendar, [entry_id], TIME_ONLY)[entry_id]

        for entry in (entries_of(pages)[entry_id], looked_up):
            assert entry is not None
            assert (entry.title, entry.notes, entry.location) == (None, None, None)
            assert entry.when == at(1)
            assert entry.busy is Busy.BUSY

    # -- writing ------------------------------------------------------------------------------------------------

    def test_a_copy_stands_there_as_it_was_written(self, side: Side) -> None:
        wanted = copy(at(1), " Consultation ", notes=Notes("line 1\nline 2"), location="Room 4", busy=Busy.OOF)
        written = side.provider.create(side.calendar, wanted, mark(), "tx-1")
        found = side.provider.entries(side.calendar, [written.id], ALL)[written.id]

        assert written.mark == mark()
        assert written.is_mark_known
        assert found is not None
        assert found.mark == mark()
        assert found.is_mark_known
        for entry in (written, found):
            assert entry.when == at(1)
            assert entry.title == "Consultation"
            assert entry.notes == Notes("line 1\nline 2")
            assert entry.location == "Room 4"
            assert entry.busy is Busy.OOF
            assert entry.reminder is None
            assert not entry.is_private
            assert not entry.has_attendees
        assert side.mails() == []

    def test_the_feed_shows_a_copy_with_its_mark_or_says_that_it_does_not_know_it(self, side: Side) -> None:
        _, cursor = read_round(side)
        written = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
        entry = entries_of(read_round(side, cursor)[0])[written.id]
        assert (entry.mark, entry.is_mark_known) in {(None, False), (mark(), True)}

    def test_an_all_day_private_copy_with_an_alarm(self, side: Side) -> None:
        wanted = copy(days(2, 2), "Holiday", is_private=True, reminder=timedelta(minutes=30))
        written = side.provider.create(side.calendar, wanted, mark(), "tx-1")
        found = side.provider.entries(side.calendar, [written.id], ALL)[written.id]

        assert found is not None
        for entry in (written, found):
            assert entry.when == days(2, 2)
            assert entry.is_private
            assert entry.reminder == timedelta(minutes=30)

    def test_a_repeated_create_makes_no_second_entry(self, side: Side) -> None:
        if not self.has_transactions:
            pytest.skip("no transaction ids here: the mark is looked for before a create is repeated")
        first = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
        again = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
        assert again.id == first.id
        assert [one.id for one in side.provider.find_mark(mark())] == [first.id]

    def test_a_transaction_id_is_used_up_when_its_entry_was_deleted(self, side: Side) -> None:
        if not self.has_transactions:
            pytest.skip("no transaction ids here: what was deleted is created anew")
        first = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
        side.delete(first.id)
        with pytest.raises(AppointmentRejectedError, match="transaction_used"):
            side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
        anew = side.provider.create(side.calendar, copy(at(1)), mark(generation=2), "tx-2")
        assert anew.id != first.id

    def test_an_update_changes_our_fields_and_the_version(self, side: Side) -> None:
        first = side.provider.create(side.calendar, copy(at(1), notes=Notes("old")), mark(), "tx-1")
        changed = side.provider.update(side.calendar, first.id, copy(days(3), "Moved", is_private=True), None)
        found = side.provider.entries(side.calendar, [first.id], ALL)[first.id]

        assert found is not None
        assert (changed.when, changed.title, changed.notes, changed.is_private) == (days(3), "Moved", None, True)
        assert (found.when, found.title, found.notes, found.is_private) == (days(3), "Moved", None, True)
        assert changed.version != first.version
        assert found.mark == mark()
        assert side.mails() == []

    @pytest.mark.bad_input(18)
    def test_an_old_version_is_refused_and_nothing_is_changed(self, side: Side) -> None:
        first = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
        second = side.provider.update(side.calendar, first.id, copy(at(2)), first.version)

        with pytest.raises(VersionChangedError):
            side.provider.update(side.calendar, first.id, copy(at(3)), first.version)
        with pytest.raises(VersionChangedError):
            side.provider.delete(side.calendar, first.id, first.version)
        found = side.provider.entries(side.calendar, [first.id], ALL)[first.id]
        assert found is not None
        assert found.when == at(2)
        side.provider.delete(side.calendar, first.id, second.version)
        assert side.provider.entries(side.calendar, [first.id], ALL)[first.id] is None

    def test_the_server_changes_the_version_of_a_new_copy_without_changing_it(self, side: Side) -> None:
        written = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
        side.rotate_versions()

        with pytest.raises(VersionChangedError):
            side.provider.update(side.calendar, written.id, copy(at(2)), written.version)
        found = side.provider.entries(side.calendar, [written.id], ALL)[written.id]
        assert found is not None
        assert found.version != written.version
        assert (found.when, found.title) == (written.when, written.title)
        assert side.provider.update(side.calendar, written.id, copy(at(2)), found.version).when == at(2)

    def test_what_is_gone_cannot_be_written(self, side: Side) -> None:
        written = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
        side.provider.delete(side.calendar, written.id, None)
        with pytest.raises(AppointmentGoneError):
            side.provider.delete(side.calendar, written.id, None)
        with pytest.raises(AppointmentGoneError):
            side.provider.update(side.calendar, written.id, copy(at(2)), None)

    # -- marks --------------------------------------------------------------------------------------------------

    def test_marks_are_found_in_every_calendar_and_told_apart(self, side: Side) -> None:
        one = side.provider.create(side.calendar, copy(at(1)), mark("bkg_1"), "tx-1")
        other = side.provider.create(side.second, copy(at(2)), mark("bkg_2"), "tx-2")
        room = side.provider.create(side.calendar, copy(at(3)), mark("bkg_3", resource="Anna"), "tx-3")
        side.create(at(4))

        assert {entry.id for entry in side.provider.marked("install-1")} == {one.id, other.id, room.id}
        assert {entry.id for entry in side.provider.marked("install-1", "anna")} == {one.id, other.id}
        assert side.provider.marked("install-2") == []
        assert {entry.calendar_id for entry in side.provider.marked("install-1", "anna")} == {
            side.calendar,
            side.second,
        }
        assert [entry.id for entry in side.provider.find_mark(mark("bkg_2"))] == [other.id]
        assert side.provider.find_mark(mark("bkg_1", generation=2)) == []

    def test_copy_and_paste_carries_the_mark_and_the_older_one_comes_first(self, side: Side) -> None:
        first = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
        clone = side.copy_and_paste(first.id, at(5))
        assert [entry.id for entry in side.provider.find_mark(mark())] == [first.id, clone]

    def test_a_title_longer_than_the_calendar_takes_is_cut(self, side: Side) -> None:
        written = side.provider.create(side.calendar, copy(at(1), "x" * 400), mark(), "tx-1")
        assert written.title == "x" * 255

    # -- series -------------------------------------------------------------------------------------------------

    def test_a_series_comes_as_master_and_sparse_occurrences(self, side: Side) -> None:
        series_id = side.create_series(at(0), 4)
        found = list(entries_of(read_round(side)[0]).values())
        occurrences = [entry for entry in found if entry.series_id == series_id]

        assert [entry.kind for entry in found if entry.id == series_id] == [Kind.MASTER]
        assert len(occurrences) == 4
        assert all(entry.is_sparse and entry.title is None for entry in occurrences)
        assert {entry.original_start_at for entry in occurrences} == {
            entry.when.interval("UTC")[0] for entry in occurrences
        }

    def test_the_occurrences_of_a_series_are_whole_and_authoritative(self, side: Side) -> None:
        series_id = side.create_series(at(0), 4)
        side.delete_occurrence(series_id, at(7).start_at)
        side.move_occurrence(series_id, at(14).start_at, at(15, hour=14))

        found = {
            entry.original_start_at: entry
            for entry in side.provider.occurrences(side.calendar, series_id, WINDOW, OPEN)
        }

        assert set(found) == {at(0).start_at, at(14).start_at, at(21).start_at}
        assert found[at(14).start_at].kind is Kind.EXCEPTION
        assert found[at(14).start_at].when == at(15, hour=14)
        assert found[at(0).start_at].kind is Kind.OCCURRENCE
        assert not any(entry.is_sparse for entry in found.values())
        assert {entry.title for entry in found.values()} == {"Team"}
        assert {entry.series_id for entry in found.values()} == {series_id}

    def test_an_occurrence_can_be_looked_up_by_its_own_id(self, side: Side) -> None:
        series_id = side.create_series(at(0), 3)
        occurrence = side.provider.occurrences(side.calendar, series_id, WINDOW, OPEN)[0]
        side.delete_occurrence(series_id, at(7).start_at)
        found = side.provider.entries(side.calendar, [occurrence.id, series_id], OPEN)
        assert found[occurrence.id] is not None
        assert found[series_id] is not None
        assert found[series_id].kind is Kind.MASTER  # type: ignore[union-attr]

    def test_a_deleted_series_is_gone_with_its_occurrences(self, side: Side) -> None:
        series_id = side.create_series(at(0), 3)
        occurrence = side.provider.occurrences(side.calendar, series_id, WINDOW, OPEN)[0]
        _, cursor = read_round(side)
        side.delete(series_id)

        with pytest.raises(AppointmentGoneError):
            side.provider.occurrences(side.calendar, series_id, WINDOW, OPEN)
        assert side.provider.entries(side.calendar, [occurrence.id], OPEN)[occurrence.id] is None
        assert series_id in removed_of(read_round(side, cursor)[0]) | {
            EntryId(one.rpartition(".")[0]) for one in removed_of(read_round(side, cursor)[0])
        }

    # -- calendars that go --------------------------------------------------------------------------------------

    def test_a_removed_calendar_is_not_an_empty_one(self, side: Side) -> None:
        written = side.provider.create(side.second, copy(at(1)), mark(), "tx-1")
        page = side.provider.changes(side.second, None, WINDOW, OPEN)
        side.remove_second()

        with pytest.raises(CalendarGoneError):
            side.provider.changes(side.second, page.next_cursor, WINDOW, OPEN)
        with pytest.raises(CalendarGoneError):
            side.provider.changes(side.second, None, WINDOW, OPEN)
        with pytest.raises(CalendarGoneError):
            side.provider.entries(side.second, [written.id], OPEN)
        with pytest.raises(CalendarGoneError):
            side.provider.create(side.second, copy(at(2)), mark("bkg_2"), "tx-2")

    def test_nothing_of_another_calendar_is_looked_up_here(self, side: Side) -> None:
        written = side.provider.create(side.second, copy(at(1)), mark(), "tx-1")
        assert side.provider.entries(side.calendar, [written.id], OPEN)[written.id] is None

    # -- push ---------------------------------------------------------------------------------------------------

    def test_a_subscription_is_granted_renewed_and_forgotten(self, side: Side, webhook: str) -> None:
        until = NOW + timedelta(days=3)
        granted = side.provider.subscribe(side.calendar, f"{webhook}/a", f"{webhook}/a/lifecycle", "s" * 40, until)
        renewed = side.provider.renew(granted.subscription_id, until + timedelta(days=2))

        assert granted.expires_at == until
        assert renewed.expires_at == until + timedelta(days=2)
        assert renewed.subscription_id == granted.subscription_id
        side.provider.unsubscribe(granted.subscription_id)
        side.provider.unsubscribe(granted.subscription_id)
        with pytest.raises(AppointmentGoneError):
            side.provider.renew(granted.subscription_id, until)

    def test_push_of_a_shared_calendar_is_refused_as_a_missing_permission(self, side: Side, webhook: str) -> None:
        shared = CalendarId(side.share_from_somebody())
        known = {one.id: one for one in side.provider.calendars()}
        assert known[shared].is_shared
        with pytest.raises(PermissionMissingError):
            side.provider.subscribe(shared, f"{webhook}/b", f"{webhook}/b/l", "s" * 40, NOW + timedelta(days=3))
