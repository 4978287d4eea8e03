"""SyncFolderItems of the sandbox's Exchange: rounds, pages, masters only, states that are not good any more."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from exchangelib.errors import ErrorInvalidSyncStateData
from exchangelib.folders import Calendar
from exchangelib.recurrence import Recurrence, WeeklyPattern
from exchangelib.services import SyncFolderItems

from tests.sandbox.ews_calendar import ANNA, DAY, an_item, at, calendar_of, exchange_of, in_view
from tests.sandbox.ews_client import call, code_of
from tests.sandbox.small_microsoft import Microsoft


@pytest.fixture(autouse=True)
def on_exchange(microsoft: Microsoft) -> Iterator[None]:
    with exchange_of(microsoft):
        yield


Page = tuple[list[tuple[str, Any]], str, bool]


def page(calendar: Calendar, state: str | None = None, most: int = 512, ignore: Any = None) -> Page:
    """Exactly one page: changes, state, whether it says that it is the last."""
    service = SyncFolderItems(account=calendar.account)
    asked = calendar.normalize_fields(["subject", "mark", "type", "start"])
    changes = list(
        service.call(
            folder=calendar,
            shape="IdOnly",
            additional_fields=asked,
            sync_state=state,
            ignore=ignore,
            max_changes_returned=most,
            sync_scope=None,
        )
    )
    return changes, service.sync_state, service.includes_last_item_in_range


def told(changes: list[tuple[str, Any]]) -> list[tuple[str, str | None]]:
    return [(kind, getattr(item, "subject", None)) for kind, item in changes]


def test_a_first_round_tells_everything_newest_first_in_pages(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    for n in range(5):
        an_item(calendar, subject=f"B{n}", mark=f"m{n}").save()

    one, state, is_last = page(calendar, most=2)
    two, state, _ = page(calendar, state, most=2)
    three, state, was_last = page(calendar, state, most=2)

    assert [name for _, name in told(one + two + three)] == ["B4", "B3", "B2", "B1", "B0"]
    assert {kind for kind, _ in told(one + two + three)} == {"create"}
    assert (is_last, was_last) == (False, True)
    assert [item.mark for _, item in one] == ["m4", "m3"]
    assert page(calendar, state)[0] == []


def test_what_comes_during_the_first_round_is_told_in_the_next(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    for n in range(3):
        an_item(calendar, subject=f"B{n}").save()
    _, state, _ = page(calendar, most=2)
    an_item(calendar, subject="late").save()

    rest, state, is_last = page(calendar, state, most=2)
    late, _, _ = page(calendar, state)

    assert (told(rest), is_last) == ([("create", "B0")], True)
    assert told(late) == [("create", "late")]


def test_changes_are_told_once_and_deletes_have_only_an_id(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    kept, gone = an_item(calendar, subject="kept").save(), an_item(calendar, subject="gone").save()
    _, state, _ = page(calendar)
    for name in ("1", "2"):
        kept.subject = name
        kept.save(update_fields=["subject"])
    gone_id = gone.id
    gone.delete()
    an_item(calendar, subject="come and gone").save().delete()

    changes, state, _ = page(calendar, state)

    assert told(changes) == [("update", "2"), ("delete", None)]
    assert (changes[1][1].id, changes[1][1].changekey) == (gone_id, None)


def test_own_writes_come_back_unless_ignored(microsoft: Microsoft) -> None:
    """Trap 8."""
    calendar = calendar_of(microsoft)
    _, state, _ = page(calendar)
    mine = an_item(calendar, subject="mine").save()

    assert told(page(calendar, state)[0]) == [("create", "mine")]
    assert page(calendar, state, ignore=[mine])[0] == []


def test_a_changed_occurrence_is_an_update_of_its_master_and_not_an_item(microsoft: Microsoft) -> None:
    """Trap 5: a client that waits for the exception itself waits for ever."""
    calendar = calendar_of(microsoft)
    pattern = WeeklyPattern(interval=1, weekdays=["Monday"], first_day_of_week="Monday")
    an_item(calendar, recurrence=Recurrence(pattern=pattern, start=DAY, number=5)).save()
    first, state, _ = page(calendar)
    edited, deleted = in_view(calendar, 60)[2:4]
    edited.subject = "edited"
    edited.save(update_fields=["subject"])

    after_edit, state, _ = page(calendar, state)
    deleted.delete()
    after_delete, state, _ = page(calendar, state)

    assert [(kind, item.type) for kind, item in first] == [("create", "RecurringMaster")]
    assert [(kind, item.type, item.subject) for kind, item in after_edit] == [("update", "RecurringMaster", "Massage")]
    assert [(kind, item.type) for kind, item in after_delete] == [("update", "RecurringMaster")]


def test_a_moved_item_is_a_delete_here_and_a_create_there(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    family = next(f for f in calendar.account.calendar.children if f.name == "Family")
    item = an_item(calendar, subject="moves", mark="m").save()
    _, here, _ = page(calendar)
    _, there, _ = page(family)
    before = item.id
    item.move(family)

    gone, _, _ = page(calendar, here)
    come, _, _ = page(family, there)

    assert [(kind, one.id) for kind, one in gone] == [("delete", before)]
    assert [(kind, one.mark, one.id == before) for kind, one in come] == [("create", "m", False)]


def test_a_change_key_that_moves_by_itself_is_an_update_without_a_difference(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    microsoft.control("PATCH", "/settings", {"key_rotation_seconds": 5})
    made = an_item(calendar).save()
    _, state, _ = page(calendar)

    microsoft.advance(seconds=6)
    changes, _, _ = page(calendar, state)

    assert told(changes) == [("update", "Massage")]
    assert changes[0][1].changekey != made.changekey


def test_states_that_are_cut_foreign_or_old_are_refused(microsoft: Microsoft) -> None:
    """Trap 6: the answer is an error, and exchangelib trips over the SyncState that is not in it."""
    calendar = calendar_of(microsoft)
    family = next(f for f in calendar.account.calendar.children if f.name == "Family")
    _, state, _ = page(calendar)
    _, foreign, _ = page(family)
    assert len(state) > 200

    for bad in (state[:-8], state.swapcase(), "nonsense", foreign):
        with pytest.raises((ErrorInvalidSyncStateData, AttributeError)):
            page(calendar, bad)
        assert code_of(sync(microsoft, bad)) == "ErrorInvalidSyncStateData"

    microsoft.control("PATCH", "/settings", {"sync_state_lifetime": 3600})
    microsoft.advance(hours=2)
    assert code_of(sync(microsoft, state)) == "ErrorInvalidSyncStateData"


def sync(microsoft: Microsoft, state: str, most: int = 10) -> Any:
    body = (
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
        '<m:SyncFolderId><t:DistinguishedFolderId Id="calendar"/></m:SyncFolderId>'
        f"<m:SyncState>{state}</m:SyncState><m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>"
    )
    return call(microsoft, ANNA, body)


@pytest.mark.parametrize("most", [0, 513])
def test_a_page_has_one_to_512_changes(microsoft: Microsoft, most: int) -> None:
    assert code_of(sync(microsoft, "", most)) == "ErrorSchemaValidation"


def test_exchangelib_reads_to_the_end_with_all_fields(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    ids = calendar.account.bulk_create(folder=calendar, items=[an_item(calendar, subject=f"B{n}") for n in range(12)])

    seen = list(calendar.sync_items(max_changes_returned=5))
    calendar.account.bulk_delete(ids[:2], delete_type="MoveToDeletedItems")
    later = list(calendar.sync_items())

    assert (len(seen), {kind for kind, _ in seen}) == (12, {"create"})
    assert [kind for kind, _ in later] == ["delete", "delete"]
    assert at(9) == seen[0][1].start
    assert timedelta(hours=1) == seen[0][1].end - seen[0][1].start
