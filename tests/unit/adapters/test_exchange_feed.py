"""The feed of an Exchange calendar over answers written by hand: pages, poison, cursors. No network."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from calsync_core.adapters.exchange.calendar import ExchangeCalendarProvider
from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.feed import PAGE
from calsync_core.adapters.exchange.transport import Answer
from calsync_core.domain.appointments import AllDay, Busy, Entry, Kind, Mark, Notes, Response, Timed
from calsync_core.domain.errors import CalendarGoneError, CursorExpiredError, ProviderUnavailableError
from calsync_core.domain.ids import AccountId, BookingId, CalendarId, EntryId, ResourceId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarPage, Content
from calsync_core.ports.exchange import ExchangeLogin, ExchangeServer

from tests.contract.exchange_answers import answer, failure, folder, item, success, sync_page

CALENDAR = CalendarId("F-calendar")
WINDOW = Window(datetime(2026, 11, 16, tzinfo=UTC), datetime(2027, 1, 4, tzinfo=UTC))
ALL = Content(title=True, notes=True, private=True)
_OPERATION = re.compile(rb"<s:Body><m:(\w+)")
Reply = bytes | Callable[[bytes], bytes]


@dataclass
class Scripted:
    """A connection that gives one prepared answer after the other, by operation."""

    replies: dict[str, list[Reply]]
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    url: str = "https://mail.clinic.example/EWS/Exchange.asmx"

    def post(self, content: bytes, headers: dict[str, str]) -> Answer:
        found = _OPERATION.search(content)
        assert found is not None
        operation = found[1].decode()
        self.sent.append((operation, content))
        reply = self.replies[operation].pop(0)
        made = reply(content) if callable(reply) else reply
        return Answer(200, {"content-type": "text/xml; charset=utf-8"}, made)

    def close(self) -> None:
        """Nothing is open."""

    def asked(self, operation: str) -> list[bytes]:
        return [content for name, content in self.sent if name == operation]


def provider(zone: str = "Europe/Berlin", version: str = "Exchange2016", **replies: list[Reply]) -> "Opened":
    server = ExchangeServer("https://mail.clinic.example/EWS/Exchange.asmx", version, time_zone=zone)
    connection = Scripted(
        {"GetFolder": [answer(folder(CALENDAR), folder("F-trash"), operation="GetFolder")], **replies}
    )
    client = EwsClient(connection, ExchangeLogin(server, "anna@clinic.example", "anna", "secret"))
    return Opened(ExchangeCalendarProvider(client), connection)


@dataclass
class Opened:
    calendar: ExchangeCalendarProvider
    connection: Scripted

    def page(self, cursor: str | None = None, content: Content = Content()) -> CalendarPage:  # noqa: B008 - frozen
        return self.calendar.changes(CALENDAR, cursor, WINDOW, content)


def one(*fields: str, **more: str) -> Entry:
    page = provider(SyncFolderItems=[sync_page(items=[item(1, fields="".join(fields), **more)])]).page(content=ALL_BUT)
    return page.entries[0]


ALL_BUT = Content(title=True, private=True)
CURSOR = f"ews1|feed|{WINDOW.start_at.isoformat()}/{WINDOW.end_at.isoformat()}|{WINDOW.start_at.isoformat()}|state-1"


# -- one item -----------------------------------------------------------------------------------------------------


def test_an_item_is_read_field_by_field() -> None:
    mark = Mark("install-1", AccountId("main"), ResourceId("anna"), BookingId("b1"), 1)
    fields = (
        "<t:Subject>Lunch &amp; learn</t:Subject><t:Sensitivity>Normal</t:Sensitivity><t:Location> Room 4 </t:Location>"
        "<t:ReminderIsSet>true</t:ReminderIsSet><t:ReminderMinutesBeforeStart>15</t:ReminderMinutesBeforeStart>"
        "<t:DateTimeCreated>2026-11-20T23:41:13.842701900Z</t:DateTimeCreated><t:IsMeeting>true</t:IsMeeting>"
        "<t:MyResponseType>Tentative</t:MyResponseType><t:IsCancelled>true</t:IsCancelled><t:UID>0400</t:UID>"
        '<t:ExtendedProperty><t:ExtendedFieldURI PropertySetId="{9C0C4A2E-6F0B-4D6E-9A54-C1F3C4B8D7A1}" '
        'PropertyName="calsyncId" PropertyType="String"/>'
        f"<t:Value>{mark.encode()}</t:Value></t:ExtendedProperty>"
    )
    entry = one(fields)
    assert (entry.id, entry.version, entry.title, entry.location) == ("I1", "K1", "Lunch & learn", "Room 4")
    assert entry.when == Timed(datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 10, tzinfo=UTC))
    assert entry.reminder == timedelta(minutes=15)
    assert entry.created_at == datetime(2026, 11, 20, 23, 41, 13, 842701, tzinfo=UTC)
    assert (entry.response, entry.is_cancelled, entry.has_attendees) == (Response.TENTATIVE, True, True)
    assert (entry.mark, entry.is_mark_known, entry.uid) == (mark, True, "0400")


@pytest.mark.parametrize(
    ("status", "busy"),
    [
        ("Free", Busy.FREE),
        ("Tentative", Busy.TENTATIVE),
        ("OOF", Busy.OOF),
        ("WorkingElsewhere", Busy.WORKING_ELSEWHERE),
        ("NoData", Busy.UNKNOWN),
        ("SomethingOfTomorrow", Busy.UNKNOWN),
    ],
)
def test_how_the_time_is_shown(status: str, busy: Busy) -> None:
    shown = item(1).replace("Busy</t:LegacyFreeBusyStatus>", f"{status}</t:LegacyFreeBusyStatus>")
    assert provider(SyncFolderItems=[sync_page(items=[shown])]).page().entries[0].busy is busy


@pytest.mark.parametrize(
    ("zone", "start", "end", "field_", "days"),
    [
        ("Europe/Berlin", "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z", "", 1),
        ("Europe/Berlin", "2026-11-23T00:00:00+01:00", "2026-11-24T00:00:00+01:00", "", 1),
        ("America/New_York", "2026-11-23T05:00:00Z", "2026-11-25T05:00:00Z", "", 2),
        ("Europe/Berlin", "2026-11-23T05:00:00Z", "2026-11-24T05:00:00Z", "", 1),
        ("UTC", "2026-11-22T11:00:00Z", "2026-11-23T11:00:00Z", "New Zealand Standard Time", 1),
        ("Europe/Berlin", "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z", "tzone://Microsoft/Custom", 1),
        ("Europe/Berlin", "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z", "/nonsense//", 1),
        ("Europe/Berlin", "2026-11-22T23:00:00Z", "2026-11-22T23:00:00Z", "", 1),
    ],
)
def test_all_day_items_are_dates_whatever_zone_they_were_made_in(
    zone: str, start: str, end: str, field_: str, days: int
) -> None:
    """`tzone://Microsoft/Custom` raises out of exchangelib and takes the whole page along (ews.md section 1)."""
    named = f"<t:StartTimeZoneId>{field_}</t:StartTimeZoneId>" if field_ else ""
    shown = item(1, fields=f"<t:IsAllDayEvent>true</t:IsAllDayEvent>{named}", start=start, end=end)
    found = provider(zone, SyncFolderItems=[sync_page(items=[shown])]).page().entries[0]
    assert found.when == AllDay(date(2026, 11, 23), date(2026, 11, 23) + timedelta(days=days))


def test_nothing_of_a_private_item_but_its_time_becomes_an_object() -> None:
    for sensitivity in ("Private", "Confidential", "SomethingOfTomorrow"):
        marked = f"<t:Sensitivity>{sensitivity}</t:Sensitivity>"
        fields = f"<t:Subject>Oncologist</t:Subject>{marked}<t:Location>Ward</t:Location>"
        opened = provider(SyncFolderItems=[sync_page(items=[item(1, fields=fields)])])
        found = opened.page(content=Content(title=True)).entries[0]
        assert found.is_private
        assert "Oncologist" not in repr(found)
        assert "Ward" not in repr(found)


def test_content_that_is_not_allowed_is_not_asked_for() -> None:
    opened = provider(SyncFolderItems=[sync_page(), sync_page()], version="Exchange2016")
    opened.page()
    question = opened.connection.asked("SyncFolderItems")[0].decode()
    for name in ("item:Subject", "item:Body", "calendar:Location", "RequiredAttendees", "item:Categories"):
        assert name not in question
    assert f"<m:MaxChangesReturned>{PAGE}<" in question


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (item(2).replace("2026-11-23T10:00:00Z", ""), "entry_unreadable"),
        (item(2).replace("<t:Start>2026-11-23T09:00:00Z</t:Start>", ""), "entry_unreadable"),
        (item(2, start="yesterday"), "entry_unreadable"),
        (item(2, start="2026-13-45T00:00:00Z"), "entry_unreadable"),
        (item(2, start="0001-01-01T00:00:00Z"), "times_out_of_range"),
        (item(2, end="9999-12-31T23:59:59Z"), "times_out_of_range"),
        (item(2, end="2026-11-23T08:00:00Z"), "times_inverted"),
        (item(2, end="2426-11-23T10:00:00Z"), "times_too_long"),
        (item(2, fields="<t:IsAllDayEvent>true</t:IsAllDayEvent>", end="2426-11-23T10:00:00Z"), "times_too_long"),
    ],
)
def test_one_poisoned_item_hurts_itself_and_never_the_page(broken: str, problem: str) -> None:
    page = provider(SyncFolderItems=[sync_page(items=[item(1), broken, item(3)])]).page()
    found = {entry.id: entry for entry in page.entries}
    assert set(found) == {"I1", "I2", "I3"}
    assert found[EntryId("I2")].problem == problem
    assert found[EntryId("I1")].problem is None


def test_items_of_other_kinds_in_a_calendar_are_passed_over() -> None:
    others = "".join(
        f'<t:{name}><t:ItemId Id="X{n}" ChangeKey="K"/><t:Subject>x</t:Subject></t:{name}>'
        for n, name in enumerate(("MeetingRequest", "Message", "Item", "Booking", "SomethingOfTomorrow"))
    )
    page = provider(SyncFolderItems=[sync_page(items=[others, item(1)])]).page()
    assert [entry.id for entry in page.entries] == ["I1"]


def test_a_page_that_one_corrupt_item_spoils_is_read_item_by_item() -> None:
    bare = '<t:CalendarItem><t:ItemId Id="I{}" ChangeKey="K1"/></t:CalendarItem>'
    good = success("GetItem", f"<m:Items>{item(1)}</m:Items>")
    bad = failure("GetItem", "ErrorCorruptData")
    opened = provider(
        SyncFolderItems=[
            answer(failure("SyncFolderItems", "ErrorCorruptData"), operation="SyncFolderItems"),
            sync_page(items=[bare.format(1), bare.format(2)]),
        ],
        GetItem=[answer(good, bad, operation="GetItem"), answer(bad, operation="GetItem")],
    )
    page = opened.page()
    found = {entry.id: entry.problem for entry in page.entries}
    assert found == {"I1": None, "I2": "entry_unreadable"}
    assert page.next_cursor.endswith("|state-2")


# -- pages and cursors --------------------------------------------------------------------------------------------


def test_a_full_round_reads_the_feed_and_then_the_window() -> None:
    part = item(7, kind="Occurrence", fields="<t:UID>U</t:UID>")
    root = f'<m:RootFolder IncludesLastItemInRange="true"><t:Items>{part}{item(1)}</t:Items></m:RootFolder>'
    view = success("FindItem", root)
    master = success("GetItem", f"<m:Items>{item(5, kind='RecurringMaster')}</m:Items>")
    opened = provider(
        SyncFolderItems=[
            sync_page(items=[item(1), item(5, kind="RecurringMaster")], state="s1", is_last=False),
            sync_page(items=[item(2, start="2020-01-01T09:00:00Z", end="2020-01-01T10:00:00Z")], state="s2"),
            sync_page(state="s3"),
        ],
        FindItem=[answer(view, operation="FindItem")],
        GetItem=[answer(master, operation="GetItem")],
    )
    pages = [opened.page()]
    while not pages[-1].is_last:
        pages.append(opened.page(pages[-1].next_cursor))

    entries = [entry for page in pages for entry in page.entries]
    assert [(entry.id, entry.kind) for entry in entries] == [
        ("I1", Kind.SINGLE),
        ("I5", Kind.MASTER),
        ("I7", Kind.OCCURRENCE),
    ]
    assert entries[2].series_id == "I5"
    assert entries[2].is_sparse
    assert all(not page.removed for page in pages)  # what lies outside is no news in a first round
    assert opened.page(pages[-1].next_cursor).is_last
    assert b"<m:SyncState>s2</m:SyncState>" in opened.connection.asked("SyncFolderItems")[-1]


def test_the_flag_of_a_full_page_is_not_believed() -> None:
    """gromox says IncludesLastItemInRange=true on 512 of 690 deletions (ews.md section 9)."""
    ids = [f"D{n}" for n in range(690)]
    opened = provider(
        SyncFolderItems=[sync_page(deleted=ids[:PAGE], state="s2"), sync_page(deleted=ids[PAGE:], state="s3")]
    )
    first = opened.page(CURSOR)
    assert not first.is_last
    second = opened.page(first.next_cursor)
    assert second.is_last
    assert [*first.removed, *second.removed] == ids


def test_an_endless_empty_feed_ends() -> None:
    opened = provider(SyncFolderItems=[sync_page(state="state-1", is_last=False)])
    assert opened.page(CURSOR).is_last


def test_an_item_that_left_the_window_is_a_hint_and_one_that_never_was_in_it_too() -> None:
    far = item(4, start="2030-01-01T09:00:00Z", end="2030-01-01T10:00:00Z")
    page = provider(SyncFolderItems=[sync_page(items=[far, item(1)], deleted=["D9"])]).page(CURSOR)
    assert [entry.id for entry in page.entries] == ["I1"]
    assert set(page.removed) == {"I4", "D9"}


@pytest.mark.parametrize(
    "page",
    [
        sync_page(3).replace(b"<m:SyncState>state-2</m:SyncState>", b""),
        sync_page(3).replace(b">true</m:IncludesLast", b">maybe</m:IncludesLast"),
        sync_page(3).replace(b"m:Changes", b"m:Other"),
        answer(failure("SyncFolderItems", "ErrorSomethingOfTomorrow"), operation="SyncFolderItems"),
        answer(success("FindItem", ""), operation="FindItem"),
    ],
)
def test_an_answer_without_its_parts_gives_no_new_cursor(page: bytes) -> None:
    with pytest.raises(ProviderUnavailableError):
        provider(SyncFolderItems=[page]).page(CURSOR)


def test_a_state_that_is_too_old_and_a_folder_that_is_gone() -> None:
    def failed(code: str) -> bytes:
        return answer(failure("SyncFolderItems", code), operation="SyncFolderItems")

    with pytest.raises(CursorExpiredError):
        provider(SyncFolderItems=[failed("ErrorInvalidSyncStateData")]).page(CURSOR)
    for code in ("ErrorFolderNotFound", "ErrorItemNotFound", "ErrorSyncFolderNotFound"):
        with pytest.raises(CalendarGoneError):
            provider(SyncFolderItems=[failed(code)]).page(CURSOR)


@pytest.mark.parametrize(
    "cursor",
    [
        "ews1",
        "ews1|feed|x/y|z|state",
        "ews2" + CURSOR[4:],
        CURSOR.replace("|feed|", "|other|"),
        CURSOR.replace("+00:00", ""),
        CURSOR.replace("state-1", ""),
        "delta|1000|0||https://graph.microsoft.com/v1.0/me",
    ],
)
def test_a_cursor_that_is_none_of_ours_means_a_full_round(cursor: str) -> None:
    with pytest.raises(CursorExpiredError):
        provider().page(cursor)


def test_a_state_with_every_character_goes_there_and_back() -> None:
    state = "a|b/c+d==&lt;"
    opened = provider(SyncFolderItems=[sync_page(state="a|b/c+d==&amp;lt;"), sync_page()])
    cursor = opened.page(CURSOR).next_cursor
    assert cursor.endswith(f"|{state}")
    opened.page(cursor)
    assert b"<m:SyncState>a|b/c+d==&amp;lt;</m:SyncState>" in opened.connection.asked("SyncFolderItems")[-1]


def test_a_calendar_without_series_is_read_by_the_feed_alone() -> None:
    opened = provider(SyncFolderItems=[sync_page(PAGE, state="s1", is_last=False), sync_page(3, state="s2")])
    second = opened.page(opened.page().next_cursor)
    assert second.is_last
    assert [name for name, _ in opened.connection.sent] == ["SyncFolderItems"] * 2


def test_a_calendar_among_the_deleted_items_is_gone_though_it_answers() -> None:
    both = answer(folder("F-main"), folder("F-trash"), operation="GetFolder")
    found = success("FindFolder", '<m:RootFolder IncludesLastItemInRange="true"><t:Folders/></m:RootFolder>')
    checked = answer(folder(CALENDAR, parent="F-trash"), folder("F-trash"), operation="GetFolder")
    opened = provider(GetFolder=[both, checked], FindFolder=[answer(found, operation="FindFolder")])
    assert [one.id for one in opened.calendar.calendars()] == ["F-main"]
    with pytest.raises(CalendarGoneError):
        opened.page()


# -- notes and views ----------------------------------------------------------------------------------------------


def test_notes_are_read_in_batches_and_only_where_they_may_be() -> None:
    def items(question: bytes) -> bytes:
        ids = re.findall(rb'ItemId Id="I(\d+)"', question)
        body = '<t:Body BodyType="Text"> line 1\r\nline 2 </t:Body>'
        return answer(
            *(success("GetItem", f"<m:Items>{item(number.decode(), fields=body)}</m:Items>") for number in ids),
            operation="GetItem",
        )

    private = item(999, fields="<t:Sensitivity>Private</t:Sensitivity>")
    opened = provider(SyncFolderItems=[sync_page(120, items=[private])], GetItem=[items, items, items])
    page = opened.page(CURSOR, Content(notes=True))
    notes = {entry.id: entry.notes for entry in page.entries}
    assert notes.pop(EntryId("I999")) is None
    assert set(notes.values()) == {Notes("line 1\nline 2")}
    assert len(opened.connection.asked("GetItem")) == 3
    assert b"I999" not in b"".join(opened.connection.asked("GetItem"))


def test_a_view_that_is_too_full_is_asked_in_halves() -> None:
    asked: list[tuple[datetime, datetime]] = []

    def view(question: bytes) -> bytes:
        found = re.search(rb'StartDate="([^"]+)" EndDate="([^"]+)"', question)
        assert found is not None
        start, end = (datetime.fromisoformat(one.decode()) for one in found.groups())
        asked.append((start, end))
        if end - start > timedelta(days=20):
            return answer(failure("FindItem", "ErrorExceededFindCountLimit"), operation="FindItem")
        root = '<m:RootFolder IncludesLastItemInRange="true"><t:Items/></m:RootFolder>'
        return answer(success("FindItem", root), operation="FindItem")

    master = item(5, kind="RecurringMaster")
    opened = provider(SyncFolderItems=[sync_page(items=[master])], FindItem=[view] * 12)
    first = opened.page()
    assert opened.page(first.next_cursor).is_last
    leaves = [(start, end) for start, end in asked if end - start <= timedelta(days=20)]
    assert leaves[0][0] == WINDOW.start_at
    assert leaves[-1][1] == WINDOW.end_at
    assert all(before[1] == after[0] for before, after in pairwise(leaves))


# -- a large folder -----------------------------------------------------------------------------------------------


def test_of_a_hundred_thousand_items_only_those_in_the_window_leave_the_adapter_and_one_page_is_kept_at_a_time() -> (
    None
):
    """Exchange's feed knows no window: a folder of many years is read once, 512 items a call, and then never again."""
    old = sync_page(
        items=[item(number, start="2019-03-04T09:00:00Z", end="2019-03-04T10:00:00Z") for number in range(PAGE)]
    )
    count = 100_000 // PAGE
    replies: list[Reply] = [old.replace(b"state-2", f"state-{number}".encode()) for number in range(count)]
    opened = provider(SyncFolderItems=[*replies, sync_page(3, state="state-end")])

    cursor, pages, met = None, 0, list[EntryId]()
    while True:
        page = opened.page(cursor)
        cursor, pages = page.next_cursor, pages + 1
        met += [entry.id for entry in page.entries]
        assert page.removed == ()
        assert len(cursor) < 300
        if page.is_last:
            break

    assert (pages, met) == (count + 1, ["I0", "I1", "I2"])
    assert len(opened.connection.asked("SyncFolderItems")) == pages
