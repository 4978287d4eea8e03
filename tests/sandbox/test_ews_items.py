"""Calendar items of the sandbox's Exchange by exchangelib, unchanged; every message is held against the schema."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from exchangelib import CalendarItem, HTMLBody
from exchangelib.errors import (
    ErrorCalendarDurationIsTooLong,
    ErrorCalendarEndDateIsEarlierThanStartDate,
    ErrorCalendarViewRangeTooBig,
    ErrorIrresolvableConflict,
    ErrorItemNotFound,
)

from tests.sandbox.ews_calendar import ANNA, DAY, ROME, an_item, at, calendar_of, exchange_of, in_view
from tests.sandbox.ews_client import account
from tests.sandbox.small_microsoft import Microsoft


@pytest.fixture(autouse=True)
def on_exchange(microsoft: Microsoft) -> Iterator[None]:
    with exchange_of(microsoft):
        yield


def test_an_item_comes_back_as_it_was_written(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    an_item(
        calendar,
        body=HTMLBody("<p>hi</p>"),
        location="Room 1",
        categories=["calsync"],
        sensitivity="Private",
        legacy_free_busy_status="OOF",
        importance="High",
        reminder_is_set=True,
        reminder_minutes_before_start=30,
        mark="bk-1",
    ).save()

    (found,) = calendar.filter(mark="bk-1")
    assert (found.subject, found.start, found.end) == ("Massage", at(9), at(10))
    assert "<p>hi</p>" in found.body
    assert (found.location, found.categories, found.sensitivity) == ("Room 1", ["calsync"], "Private")
    assert (found.legacy_free_busy_status, found.importance) == ("OOF", "High")
    assert (found.reminder_is_set, found.reminder_minutes_before_start, found.mark) == (True, 30, "bk-1")
    assert (found.type, found.is_all_day, found.is_cancelled) == ("Single", False, False)
    assert found._start_timezone == ROME
    assert found.my_response_type == "Organizer"


def test_the_ordinary_way_through_root_works(microsoft: Microsoft) -> None:
    them = account(microsoft, ANNA, default_timezone=ROME)
    CalendarItem(account=them, folder=them.calendar, subject="A", start=at(9), end=at(10)).save()

    names = {folder.name: folder.total_count for folder in them.root.walk()}

    assert names["Calendar"] == 1
    assert "Family" in names
    assert them.calendar / "Family"


def test_update_fields_touch_only_what_they_name(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    item = an_item(calendar, location="Room 1", sensitivity="Private").save()
    (partial,) = calendar.filter(subject="Massage").only("subject")

    partial.subject = "Physio"
    partial.save(update_fields=["subject"])

    found = calendar.get(id=item.id)
    assert (found.subject, found.location, found.sensitivity) == ("Physio", "Room 1", "Private")


def test_saving_a_partly_read_item_without_update_fields_wipes_what_was_not_read(microsoft: Microsoft) -> None:
    """Trap 3: exchangelib gives unread fields a default and writes them all back."""
    calendar = calendar_of(microsoft)
    item = an_item(calendar, location="Room 1", sensitivity="Private").save()
    (partial,) = calendar.filter(subject="Massage").only("subject", "start", "end", "changekey")

    partial.save()

    found = calendar.get(id=item.id)
    assert (found.sensitivity, found.location) == ("Normal", None)


def test_bulk_operations_answer_in_order_and_fail_one_by_one(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    them = calendar.account
    wanted = [an_item(calendar, subject=f"B{n}", start=at(8, n), end=at(9, n)) for n in range(25)]

    ids = them.bulk_create(folder=calendar, items=wanted, chunk_size=10)
    them.bulk_delete([ids[3]])
    read = list(them.fetch(ids, folder=calendar))

    assert isinstance(read[3], ErrorItemNotFound)
    assert [item.subject for item in read if not isinstance(item, Exception)] == [f"B{n}" for n in range(25) if n != 3]
    read[0].subject = "new"
    (changed,) = them.bulk_update([(read[0], ["subject"])])
    assert changed[0] == ids[0].id
    assert changed[1] != ids[0].changekey


def test_a_moved_item_has_a_new_id_and_the_old_one_is_not_found(microsoft: Microsoft) -> None:
    """Trap 4."""
    them = account(microsoft, ANNA, default_timezone=ROME)
    item = CalendarItem(account=them, folder=them.calendar, subject="A", start=at(9), end=at(10), mark="m").save()
    before = item.id

    item.move(them.calendar / "Family")

    assert item.id != before
    assert isinstance(next(iter(them.fetch([(before, None)], folder=them.calendar))), ErrorItemNotFound)
    assert [found.mark for found in (them.calendar / "Family").all()] == ["m"]


def test_an_item_in_deleted_items_can_be_put_back(microsoft: Microsoft) -> None:
    """A person restores what was deleted: a new id, the same mark and UID."""
    them = account(microsoft, ANNA, default_timezone=ROME)
    item = CalendarItem(account=them, folder=them.calendar, subject="A", start=at(9), end=at(10), mark="m").save()
    uid = them.calendar.get(id=item.id).uid
    first = item.id

    item.move_to_trash()
    (trashed,) = them.trash.all()
    trashed.move(them.calendar)

    (back,) = them.calendar.all()
    assert (back.mark, back.uid, back.id == first) == ("m", uid, False)
    assert not them.trash.all().count()


def test_hard_delete_leaves_nothing(microsoft: Microsoft) -> None:
    them = account(microsoft, ANNA, default_timezone=ROME)
    item = CalendarItem(account=them, folder=them.calendar, subject="A", start=at(9), end=at(10)).save()

    item.delete()

    assert not them.trash.all().count()
    assert not them.calendar.all().count()


def test_a_view_touches_both_bounds_and_lists_by_start(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    for begin, end in ((7, 8), (8, 9), (10, 11), (11, 12), (13, 14)):
        an_item(calendar, subject=f"{begin}", start=at(begin), end=at(end)).save()

    seen = [item.subject for item in calendar.view(start=at(9), end=at(11))]

    assert seen == ["8", "10", "11"]


def test_a_view_over_two_years_is_refused(microsoft: Microsoft) -> None:
    with pytest.raises(ErrorCalendarViewRangeTooBig):
        list(calendar_of(microsoft).view(start=at(0), end=at(0) + timedelta(days=740)))


def test_times_that_do_not_fit_are_refused(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    with pytest.raises(ErrorCalendarDurationIsTooLong):
        an_item(calendar, end=at(9) + timedelta(days=6 * 366)).save()
    item = an_item(calendar).save()
    item.start = at(12)
    with pytest.raises(ErrorCalendarEndDateIsEarlierThanStartDate):
        item.save(update_fields=["start"])


def test_all_day_needs_the_flag_and_the_zones(microsoft: Microsoft) -> None:
    """Trap 11: without is_all_day the same item reads as midnight in UTC, a day early for zones east of it."""
    calendar = calendar_of(microsoft)
    an_item(calendar, is_all_day=True, start=DAY, end=DAY + timedelta(days=1), subject="Two days").save()

    (whole,) = calendar.filter(subject="Two days")
    (bare,) = calendar.filter(subject="Two days").only("start")

    assert (whole.start, whole.end) == (DAY, DAY + timedelta(days=1))
    assert bare.start == datetime.fromisoformat("2026-11-22T23:00:00+00:00")
    assert [item.subject for item in in_view(calendar)] == ["Two days"]


def test_a_changed_value_never_overwrites_somebody_elses(microsoft: Microsoft) -> None:
    """NeverOverwrite with a stale change key is refused; AutoResolve lays the named field over what is there."""
    calendar = calendar_of(microsoft)
    item = an_item(calendar).save()
    stale = calendar.get(id=item.id)
    other = calendar.get(id=item.id)
    other.location = "Room 2"
    other.save(update_fields=["location"])

    stale.subject = "mine"
    with pytest.raises(ErrorIrresolvableConflict):
        stale.save(update_fields=["subject"], conflict_resolution="NeverOverwrite")
    stale.save(update_fields=["subject"], conflict_resolution="AutoResolve")

    now = calendar.get(id=item.id)
    assert (now.subject, now.location) == ("mine", "Room 2")


def test_move_to_deleted_items_by_bulk(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    ids = calendar.account.bulk_create(folder=calendar, items=[an_item(calendar) for _ in range(3)])

    assert calendar.account.bulk_delete(ids, delete_type="MoveToDeletedItems") == [True, True, True]
    assert not in_view(calendar)
