"""What every CalendarProvider must do with a series of ours: one real series in the calendar, whose occurrences can be
changed and left out one by one. CalendarContract inherits it."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from calsync_core.domain.appointments import Copy, Entry, Kind, Notes, Timed, When
from calsync_core.domain.errors import AppointmentGoneError, AppointmentRejectedError, VersionChangedError
from calsync_core.domain.ids import EntryId
from calsync_core.domain.recurrence import Pattern, Recurrence, Weekday, WeekIndex
from calsync_core.engine.fingerprint import pattern_of, repeats_of

from tests.contract.calendar_sides import ALL, MONDAY, WINDOW, ZONE, Side, at, copy, days, mark

DAILY = Recurrence(Pattern.DAILY, MONDAY.date(), ZONE, count=5)


def weekly(count: int | None = 4, **fields: object) -> Recurrence:
    pattern = Recurrence(Pattern.WEEKLY, MONDAY.date(), ZONE, days=(Weekday.MONDAY,), count=count)
    return replace(pattern, **fields)  # type: ignore[arg-type]


def series(recurrence: Recurrence, when: When | None = None, **fields: object) -> Copy:
    return replace(copy(when or at(0), recurrence=recurrence), **fields)  # type: ignore[arg-type]


class SeriesContract:
    has_transactions = True

    @pytest.fixture
    def side(self) -> Side:
        raise NotImplementedError

    def test_a_copy_that_repeats_is_one_series_with_its_occurrences(self, side: Side) -> None:
        master = _create(side, weekly(4), notes=Notes("Every week"))

        found = _occurrences(side, master.id)

        assert master.kind is Kind.MASTER
        assert master.mark == mark("ser_1")
        assert [one.when.interval(ZONE)[0] for one in found] == [_wall(7 * n) for n in range(4)]
        assert {(one.kind, one.series_id, one.title) for one in found} == {(Kind.OCCURRENCE, master.id, "Consultation")}
        assert [one.original_start_at for one in found] == [one.when.interval(ZONE)[0] for one in found]
        assert len({one.id for one in found}) == 4

    def test_creating_a_series_twice_under_one_transaction_makes_one(self, side: Side) -> None:
        if not self.has_transactions:
            pytest.skip("no transaction ids here: the mark is looked for before a create is repeated")
        first, second = _create(side, weekly()), _create(side, weekly())

        assert first.id == second.id
        assert [entry.id for entry in side.provider.find_mark(mark("ser_1"))] == [first.id]

    @pytest.mark.parametrize(
        ("recurrence", "expected"),
        [
            (DAILY, [0, 1, 2, 3, 4]),
            (replace(DAILY, interval=3, count=3), [0, 3, 6]),
            (replace(DAILY, count=None, end=MONDAY.date() + timedelta(days=2)), [0, 1, 2]),
            (weekly(None), [7 * n for n in range(8)]),
            (weekly(4, days=(Weekday.MONDAY, Weekday.THURSDAY)), [0, 3, 7, 10]),
            (weekly(3, interval=2), [0, 14, 28]),
        ],
    )
    def test_every_pattern_by_day_and_week_gives_its_days(
        self, side: Side, recurrence: Recurrence, expected: list[int]
    ) -> None:
        master = _create(side, recurrence)

        found = [one.when.interval(ZONE)[0] for one in _occurrences(side, master.id)]

        assert found[: len(expected)] == [_wall(n) for n in expected]
        assert recurrence.count is None or len(found) == len(expected)

    def test_patterns_by_month_and_year_begin_on_their_first_day(self, side: Side) -> None:
        day = MONDAY.date()
        index = list(WeekIndex)[min((day.day - 1) // 7, 3)] if day.day <= 28 else WeekIndex.LAST
        monday = (Weekday.MONDAY,)
        base = Recurrence(Pattern.DAILY, day, ZONE, count=3)
        for number, recurrence in enumerate(
            [
                replace(base, pattern=Pattern.ABSOLUTE_MONTHLY, day_of_month=day.day),
                replace(base, pattern=Pattern.RELATIVE_MONTHLY, days=monday, index=index),
                replace(base, pattern=Pattern.ABSOLUTE_YEARLY, day_of_month=day.day, month=day.month),
                replace(base, pattern=Pattern.RELATIVE_YEARLY, days=monday, index=index, month=day.month),
            ]
        ):
            of_this = mark(f"ser_{number}")
            master = side.provider.create(side.calendar, series(recurrence), of_this, f"t-{number}")

            assert _occurrences(side, master.id)[0].when == at(0), recurrence.pattern

    def test_all_day_series_are_dates(self, side: Side) -> None:
        master = _create(side, weekly(2), days(0))

        found = _occurrences(side, master.id)

        assert [one.when for one in found] == [days(0), days(7)]
        keys = [one.original_start_at for one in found]
        assert keys == [datetime.combine(_day(7 * n), time.min, UTC) for n in range(2)]

    def test_changing_one_occurrence_changes_one(self, side: Side) -> None:
        master = _create(side, weekly())
        second = _occurrences(side, master.id)[1]

        changed = side.provider.update(side.calendar, second.id, copy(at(8, 14), "Moved"), second.version)
        found = _occurrences(side, master.id)

        assert changed.when == at(8, 14)
        assert [one.title for one in found] == ["Consultation", "Moved", "Consultation", "Consultation"]
        assert found[1].kind is Kind.EXCEPTION
        assert found[1].original_start_at == second.original_start_at
        assert found[1].when == at(8, 14)
        assert found[2].when.interval(ZONE)[0] == _wall(14)

    def test_leaving_out_one_occurrence_leaves_the_others(self, side: Side) -> None:
        master = _create(side, weekly())
        found = _occurrences(side, master.id)

        side.provider.delete(side.calendar, found[2].id, found[2].version)
        left = _occurrences(side, master.id)

        assert [one.id for one in left] == [found[0].id, found[1].id, found[3].id]
        assert side.provider.entries(side.calendar, [found[2].id], ALL) == {found[2].id: None}
        with pytest.raises(AppointmentGoneError):
            side.provider.update(side.calendar, found[2].id, copy(at(15)), None)

    def test_an_occurrence_changed_under_our_feet_is_not_overwritten(self, side: Side) -> None:
        master = _create(side, weekly())
        second = _occurrences(side, master.id)[1]
        side.move_occurrence(master.id, second.when.interval(ZONE)[0], at(8, 15))

        with pytest.raises(VersionChangedError):
            side.provider.update(side.calendar, second.id, copy(at(9, 10)), second.version)

    def test_an_occurrence_does_not_come_to_the_day_of_its_neighbour(self, side: Side) -> None:
        master = _create(side, DAILY)
        second = _occurrences(side, master.id)[1]

        with pytest.raises(AppointmentRejectedError) as refused:
            side.provider.update(side.calendar, second.id, copy(at(2, 20)), second.version)

        assert refused.value.code == "occurrence_crossing"

    def test_the_text_of_a_series_changes_without_touching_its_exceptions(self, side: Side) -> None:
        master = _create(side, weekly())
        second = _occurrences(side, master.id)[1]
        side.provider.update(side.calendar, second.id, copy(at(8, 14), "Moved"), second.version)

        side.provider.update(side.calendar, master.id, series(weekly(), title="Renamed", keeps_times=True), None)
        found = _occurrences(side, master.id)

        assert [one.when.interval(ZONE)[0] for one in found] == [_wall(0), at(8, 14).start_at, _wall(14), _wall(21)]
        assert {one.title for one in found if one.kind is Kind.OCCURRENCE} == {"Renamed"}
        assert {found[0].id, found[2].id} <= {one.id for one in _occurrences(side, master.id)}

    def test_another_time_or_pattern_drops_exceptions_and_left_out_ones(self, side: Side) -> None:
        master = _create(side, weekly())
        found = _occurrences(side, master.id)
        side.provider.update(side.calendar, found[1].id, copy(at(8, 14), "Moved"), None)
        side.provider.delete(side.calendar, found[2].id, None)

        later = replace(weekly(), interval=2)
        side.provider.update(side.calendar, master.id, series(later, at(0, 11)), None)
        found = _occurrences(side, master.id)

        assert [one.when.interval(ZONE)[0] for one in found] == [_wall(14 * n, 2) for n in range(4)]
        assert {one.kind for one in found} == {Kind.OCCURRENCE}

    @pytest.mark.rule("R135")
    def test_a_series_tells_how_it_repeats(self, side: Side) -> None:
        master = _create(side, weekly(4))
        other = replace(weekly(None), interval=2, end=_day(60))

        assert _repeats(side, master) == pattern_of(weekly(4)) == repeats_of(master)
        changed = side.provider.update(side.calendar, master.id, series(other), master.version)
        assert _repeats(side, master) == pattern_of(other) == repeats_of(changed)
        assert {one.recurrence for one in _occurrences(side, master.id)} == {None}

    @pytest.mark.rule("R134")
    @pytest.mark.parametrize(
        "changes",
        [{"interval": 2}, {"days": (Weekday.MONDAY, Weekday.WEDNESDAY)}, {"count": 2}, {"count": 9}, {"count": None}],
    )
    def test_what_a_person_made_of_a_series_is_told(self, side: Side, changes: dict[str, object]) -> None:
        master = _create(side, weekly(4))

        side.change_pattern(master.id, replace(weekly(4), **changes))  # type: ignore[arg-type]

        assert _repeats(side, master) == pattern_of(replace(weekly(4), **changes))  # type: ignore[arg-type]
        assert _repeats(side, master) != repeats_of(master)

    @pytest.mark.rule("R134")
    def test_a_series_that_repeats_no_more_is_a_single_appointment_under_its_id_and_becomes_one_again(
        self, side: Side
    ) -> None:
        master = _create(side, weekly(4))

        side.change_pattern(master.id, None)
        alone = side.provider.entries(side.calendar, [master.id], ALL)[master.id]

        assert alone is not None
        assert (alone.kind, alone.when, alone.recurrence) == (Kind.SINGLE, at(0), None)
        assert alone.mark == master.mark
        assert _occurrences(side, master.id) == []
        again = side.provider.update(side.calendar, master.id, series(weekly(4)), alone.version)
        assert (again.id, again.kind, repeats_of(again)) == (master.id, Kind.MASTER, pattern_of(weekly(4)))
        assert len(_occurrences(side, master.id)) == 4

    def test_a_shorter_series_keeps_what_lies_inside(self, side: Side) -> None:
        master = _create(side, weekly(6))
        side.provider.update(side.calendar, _occurrences(side, master.id)[1].id, copy(at(8, 14)), None)

        until = replace(weekly(None), end=_day(14))
        side.provider.update(side.calendar, master.id, series(until), None)

        found = [one.when.interval(ZONE)[0] for one in _occurrences(side, master.id)]
        assert found == [_wall(0), at(8, 14).start_at, _wall(14)]

    def test_a_deleted_series_takes_its_occurrences_along(self, side: Side) -> None:
        master = _create(side, weekly())
        first = _occurrences(side, master.id)[0]

        side.provider.delete(side.calendar, master.id, None)

        assert set(side.provider.entries(side.calendar, [master.id, first.id], ALL).values()) == {None}
        with pytest.raises(AppointmentGoneError):
            _occurrences(side, master.id)
        assert side.mails() == []

    def test_the_wall_time_repeats_through_a_change_of_the_clocks(self, side: Side) -> None:
        """Complaint 10: nothing shifts by an hour."""
        start = datetime(2027, 3, 22, 9, tzinfo=ZoneInfo(ZONE))
        when = Timed(start.astimezone(UTC), (start + timedelta(hours=1)).astimezone(UTC))
        recurrence = Recurrence(Pattern.WEEKLY, start.date(), ZONE, days=(Weekday.MONDAY,), count=2)
        master = _create(side, recurrence, when)

        window = replace(WINDOW, start_at=when.start_at, end_at=when.end_at + timedelta(days=30))
        found = side.provider.occurrences(side.calendar, master.id, window, ALL)

        walls = [one.when.interval(ZONE)[0].astimezone(ZoneInfo(ZONE)) for one in found]
        assert [(wall.day, wall.hour) for wall in walls] == [(22, 9), (29, 9)]


def _create(side: Side, recurrence: Recurrence, when: When | None = None, **fields: object) -> Entry:
    wanted = series(recurrence, when, **fields)
    return side.provider.create(side.calendar, wanted, mark("ser_1"), "transaction-1")


def _repeats(side: Side, master: Entry) -> str:
    found = side.provider.entries(side.calendar, [master.id], ALL)[master.id]
    return repeats_of(found) if found is not None else "gone"


def _occurrences(side: Side, master: EntryId) -> list[Entry]:
    found = side.provider.occurrences(side.calendar, master, WINDOW, ALL)
    return sorted(found, key=lambda one: one.original_start_at or datetime.max.replace(tzinfo=UTC))


def _day(after: int) -> date:
    return MONDAY.date() + timedelta(days=after)


def _wall(after: int, later: int = 0) -> datetime:
    """The instant of the first occurrence's wall time so many days (and hours) on: DST may lie between."""
    first = MONDAY.astimezone(ZoneInfo(ZONE)) + timedelta(hours=later)
    return (first + timedelta(days=after)).astimezone(UTC)
