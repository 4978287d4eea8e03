"""What a well-behaved client never sends, and old versions: plain SOAP against the sandbox's Exchange."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from exchangelib import CalendarItem
from exchangelib.account import Account
from exchangelib.errors import ErrorSchemaValidation
from exchangelib.version import Build, Version

from tests.sandbox.ews_calendar import ANNA, BERT, MARK_URI, an_item, at, calendar_of, exchange_of, in_view
from tests.sandbox.ews_client import call, code_of, found
from tests.sandbox.small_microsoft import Microsoft

CONTEXT = '<t:TimeZoneContext><t:TimeZoneDefinition Id="Romance Standard Time"/></t:TimeZoneContext>'
CALENDAR = '<t:DistinguishedFolderId Id="calendar"/>'


@pytest.fixture(autouse=True)
def on_exchange(microsoft: Microsoft) -> Iterator[None]:
    with exchange_of(microsoft):
        yield


def ask(microsoft: Microsoft, body: str, login: str = ANNA, **more: Any) -> httpx.Response:
    return call(microsoft, login, body, **more)


def create(microsoft: Microsoft, fields: str, **more: Any) -> httpx.Response:
    body = (
        '<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>'
        f"{fields}</t:CalendarItem></m:Items></m:CreateItem>"
    )
    return ask(microsoft, body, **more)


def get(microsoft: Microsoft, item_id: str, shape: str = "<t:BaseShape>IdOnly</t:BaseShape>", **more: Any) -> Any:
    body = f'<m:GetItem><m:ItemShape>{shape}</m:ItemShape><m:ItemIds><t:ItemId Id="{item_id}"/></m:ItemIds></m:GetItem>'
    return ask(microsoft, body, **more)


def find(microsoft: Microsoft, view: str, more: str = "", extra: str = "", folder: str = CALENDAR) -> httpx.Response:
    fields = f"<t:AdditionalProperties>{extra}</t:AdditionalProperties>" if extra else ""
    return ask(
        microsoft,
        f'<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{fields}</m:ItemShape>'
        f"{view}{more}<m:ParentFolderIds>{folder}</m:ParentFolderIds></m:FindItem>",
    )


def uri(name: str) -> str:
    return f'<t:FieldURI FieldURI="{name}"/>'


def with_fields(*names: str) -> str:
    inside = "".join(uri(name) for name in names)
    return f"<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{inside}</t:AdditionalProperties>"


def id_of(answer: httpx.Response) -> str:
    assert code_of(answer) == "NoError", answer.text
    return str(found(answer, "//t:ItemId/@Id")[0])


def text_of(answer: httpx.Response, name: str) -> str:
    return str(found(answer, f"string(//t:{name})"))


# -- times and versions


@pytest.mark.parametrize(
    ("fields", "header", "start"),
    [
        ("<t:Start>2026-11-23T09:00:00Z</t:Start>", CONTEXT, "2026-11-23T09:00:00Z"),
        ("<t:Start>2026-11-23T09:00:00+05:00</t:Start>", CONTEXT, "2026-11-23T04:00:00Z"),
        ("<t:Start>2026-11-23T09:00:00</t:Start>", CONTEXT, "2026-11-23T08:00:00Z"),
        ("<t:Start>2026-11-23T09:00:00</t:Start>", "", "2026-11-23T09:00:00Z"),
        (
            '<t:Start>2026-11-23T09:00:00</t:Start><t:StartTimeZone Id="Tokyo Standard Time"/>',
            CONTEXT,
            "2026-11-23T00:00:00Z",
        ),
    ],
)
def test_a_time_without_offset_is_one_of_the_named_zone(
    microsoft: Microsoft, fields: str, header: str, start: str
) -> None:
    made = create(microsoft, fields, header=header)

    assert text_of(get(microsoft, id_of(made), with_fields("calendar:Start")), "Start") == start


def test_2007_knows_no_context_and_no_zones_but_its_own(microsoft: Microsoft) -> None:
    old = {"version": "Exchange2007_SP1"}
    naive = "<t:Start>2026-11-23T09:00:00</t:Start><t:End>2026-11-23T10:00:00</t:End>"
    zoned = '<t:StartTimeZone Id="Romance Standard Time"/>'

    assert code_of(create(microsoft, naive + zoned, **old)) == "ErrorInvalidPropertySet"
    utc = id_of(create(microsoft, naive, header=CONTEXT, **old))
    meeting_zone = '<t:MeetingTimeZone TimeZoneName="Romance Standard Time"/>'
    local = id_of(create(microsoft, naive + meeting_zone, **old))

    assert text_of(get(microsoft, utc, with_fields("calendar:Start"), **old), "Start") == "2026-11-23T09:00:00Z"
    assert text_of(get(microsoft, local, with_fields("calendar:Start"), **old), "Start") == "2026-11-23T08:00:00Z"
    assert code_of(get(microsoft, local, with_fields("calendar:StartTimeZone"), **old)) == "ErrorInvalidPropertyRequest"
    everything = get(microsoft, local, "<t:BaseShape>AllProperties</t:BaseShape>", **old)
    assert found(everything, "//t:UID")
    assert not found(everything, "//t:StartTimeZone | //t:EnhancedLocation | //t:ConversationId")


def test_working_elsewhere_is_free_to_those_who_do_not_know_it(microsoft: Microsoft) -> None:
    made = id_of(create(microsoft, "<t:LegacyFreeBusyStatus>WorkingElsewhere</t:LegacyFreeBusyStatus>"))
    shape = with_fields("calendar:LegacyFreeBusyStatus")

    assert text_of(get(microsoft, made, shape), "LegacyFreeBusyStatus") == "WorkingElsewhere"
    assert text_of(get(microsoft, made, shape, version="Exchange2010_SP2"), "LegacyFreeBusyStatus") == "Free"


def test_exchangelib_pinned_to_2007_writes_a_zone_that_the_schema_does_not_have(microsoft: Microsoft) -> None:
    """It forgets the hint after one request and writes the zones of 2010, which 2007 refuses. Pinned it writes
    MeetingTimeZone with an Id; the schema wants TimeZoneName."""

    class Pinned(Account):
        @property
        def version(self) -> Version:
            return Version(Build(8, 1), "Exchange2007_SP1")

        @version.setter
        def version(self, value: Version) -> None:
            pass

    hints = {"version": Version(Build(8, 1), "Exchange2007_SP1")}
    calendar = calendar_of(microsoft, hints=hints)
    calendar.account.__class__ = Pinned

    with pytest.raises(ErrorSchemaValidation):
        an_item(calendar).save()

    assert not in_view(calendar)


def test_a_zone_known_by_its_rules_only_is_a_poison_item(microsoft: Microsoft) -> None:
    """Trap 7: exchangelib raises out of the page when it asks for zones; the rest of the page is lost."""
    periods = (
        '<t:Periods><t:Period Bias="-PT1H" Name="Standard" Id="s"/><t:Period Bias="-PT2H" Name="Daylight" Id="d"/>'
        "</t:Periods>"
    )
    zone = f'<t:StartTimeZone Id="Customized Time Zone" Name="mine">{periods}</t:StartTimeZone>'
    made = create(microsoft, f"<t:Subject>odd</t:Subject><t:Start>2026-11-23T09:00:00</t:Start>{zone}")
    calendar = calendar_of(microsoft)
    shape = with_fields("calendar:Start", "calendar:StartTimeZone")
    answer = get(microsoft, id_of(made), shape)

    assert text_of(answer, "Start") == "2026-11-23T08:00:00Z"
    assert found(answer, "//t:StartTimeZone/@Id") == ["tzone://Microsoft/Custom"]
    assert [item.subject for _, item in calendar.sync_items(only_fields=["subject"])] == ["odd"]
    with pytest.raises((ValueError, TypeError)):
        list(calendar.filter(subject="odd").only("subject", "_start_timezone"))


def test_all_day_is_stretched_to_whole_days_of_its_zone(microsoft: Microsoft) -> None:
    fields = (
        "<t:Start>2026-11-23T09:00:00</t:Start><t:End>2026-11-23T10:00:00</t:End>"
        "<t:IsAllDayEvent>true</t:IsAllDayEvent>"
    )
    made = id_of(create(microsoft, fields, header=CONTEXT))
    answer = get(microsoft, made, with_fields("calendar:Start", "calendar:End"))

    assert (text_of(answer, "Start"), text_of(answer, "End")) == ("2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z")


# -- writes


def update(microsoft: Microsoft, item_id: str, updates: str, key: str = "", **attributes: str) -> httpx.Response:
    given = {
        "ConflictResolution": "AlwaysOverwrite",
        "SendMeetingInvitationsOrCancellations": "SendToNone",
    } | attributes
    shown = " ".join(f'{name}="{value}"' for name, value in given.items() if value)
    change_key = f' ChangeKey="{key}"' if key else ""
    return ask(
        microsoft,
        f"<m:UpdateItem {shown}><m:ItemChanges><t:ItemChange>"
        f'<t:ItemId Id="{item_id}"{change_key}/><t:Updates>{updates}</t:Updates></t:ItemChange></m:ItemChanges>'
        "</m:UpdateItem>",
    )


def set_subject(subject: str = "new") -> str:
    return (
        f"<t:SetItemField>{uri('item:Subject')}<t:CalendarItem><t:Subject>{subject}</t:Subject></t:CalendarItem>"
        "</t:SetItemField>"
    )


def test_a_change_needs_the_change_key(microsoft: Microsoft) -> None:
    made = create(microsoft, "<t:Subject>A</t:Subject>")
    item_id, key = id_of(made), str(found(made, "//t:ItemId/@ChangeKey")[0])

    for resolution in ("NeverOverwrite", "AutoResolve"):
        refused = update(microsoft, item_id, set_subject(), ConflictResolution=resolution)
        assert code_of(refused) == "ErrorChangeKeyRequiredForWriteOperations"
    wrong = update(microsoft, item_id, set_subject(), "AAAA", ConflictResolution="NeverOverwrite")
    assert code_of(wrong) == "ErrorInvalidChangeKey"
    first = update(microsoft, item_id, set_subject(), key, ConflictResolution="NeverOverwrite")
    assert code_of(first) == "NoError"
    stale = update(microsoft, item_id, set_subject(), key, ConflictResolution="NeverOverwrite")
    assert code_of(stale) == "ErrorIrresolvableConflict"
    assert found(first, "//m:ConflictResults/t:Count/text()") == ["0"]


def test_who_may_be_mailed_must_be_said(microsoft: Microsoft) -> None:
    item_id = id_of(create(microsoft, "<t:Subject>A</t:Subject>"))
    silent = "<m:CreateItem><m:Items><t:CalendarItem><t:Subject>A</t:Subject></t:CalendarItem></m:Items></m:CreateItem>"
    delete = f'<m:DeleteItem DeleteType="HardDelete"><m:ItemIds><t:ItemId Id="{item_id}"/></m:ItemIds></m:DeleteItem>'

    assert code_of(ask(microsoft, silent)) == "ErrorSendMeetingInvitationsRequired"
    assert (
        code_of(update(microsoft, item_id, set_subject(), SendMeetingInvitationsOrCancellations=""))
        == "ErrorSendMeetingInvitationsOrCancellationsRequired"
    )
    assert code_of(ask(microsoft, delete)) == "ErrorSendMeetingCancellationsRequired"


def test_an_update_names_one_property_and_writes_that(microsoft: Microsoft) -> None:
    item_id = id_of(create(microsoft, "<t:Subject>A</t:Subject>"))
    other = (
        f"<t:SetItemField>{uri('item:Subject')}<t:CalendarItem><t:Location>B</t:Location></t:CalendarItem>"
        "</t:SetItemField>"
    )
    two = (
        f"<t:SetItemField>{uri('item:Subject')}<t:CalendarItem><t:Subject>B</t:Subject><t:Location>B</t:Location>"
        "</t:CalendarItem></t:SetItemField>"
    )

    assert code_of(update(microsoft, item_id, other)) == "ErrorUpdatePropertyMismatch"
    assert code_of(update(microsoft, item_id, two)) == "ErrorIncorrectUpdatePropertyCount"
    assert code_of(update(microsoft, item_id, f"<t:DeleteItemField>{uri('calendar:Start')}</t:DeleteItemField>")) == (
        "ErrorInvalidPropertyDelete"
    )


def test_fields_are_appended_to_and_deleted(microsoft: Microsoft) -> None:
    mark = f"<t:ExtendedProperty>{MARK_URI}<t:Value>m</t:Value></t:ExtendedProperty>"
    body = '<t:Body BodyType="Text">one</t:Body>'
    item_id = id_of(create(microsoft, f"<t:Subject>A</t:Subject>{body}{mark}<t:Location>B</t:Location>"))

    more = (
        f'<t:AppendToItemField>{uri("item:Body")}<t:CalendarItem><t:Body BodyType="Text"> two</t:Body>'
        "</t:CalendarItem></t:AppendToItemField>"
    )
    gone = "".join(f"<t:DeleteItemField>{path}</t:DeleteItemField>" for path in (uri("calendar:Location"), MARK_URI))
    assert code_of(update(microsoft, item_id, more + gone)) == "NoError"

    shape = (
        "<t:BaseShape>IdOnly</t:BaseShape><t:BodyType>Text</t:BodyType><t:AdditionalProperties>"
        f"{uri('item:Body')}{uri('calendar:Location')}{MARK_URI}</t:AdditionalProperties>"
    )
    answer = get(microsoft, item_id, shape)
    assert text_of(answer, "Body") == "one two"
    assert not found(answer, "//t:Location | //t:ExtendedProperty")


def test_attachments_are_refused_cleanly(microsoft: Microsoft) -> None:
    item_id = id_of(create(microsoft, "<t:Subject>A</t:Subject>"))
    file = "<t:FileAttachment><t:Name>a.txt</t:Name><t:Content>YQ==</t:Content></t:FileAttachment>"
    added = ask(
        microsoft,
        f'<m:CreateAttachment><m:ParentItemId Id="{item_id}"/><m:Attachments>{file}</m:Attachments>'
        "</m:CreateAttachment>",
    )

    assert code_of(added) == "ErrorAttachmentSizeLimitExceeded"
    assert code_of(create(microsoft, f"<t:Attachments>{file}</t:Attachments>")) == "ErrorInvalidPropertySet"
    assert text_of(get(microsoft, item_id, with_fields("item:HasAttachments")), "HasAttachments") == "false"


def test_a_read_only_property_and_an_unknown_one_are_refused(microsoft: Microsoft) -> None:
    assert code_of(create(microsoft, "<t:IsCancelled>true</t:IsCancelled>")) == "ErrorInvalidPropertySet"
    assert code_of(create(microsoft, "<t:Colour>red</t:Colour>")) == "ErrorSchemaValidation"


def test_ids_of_the_wrong_kind(microsoft: Microsoft) -> None:
    item_id = id_of(create(microsoft, "<t:Subject>A</t:Subject>"))
    folder = ask(
        microsoft,
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
        f"<m:FolderIds>{CALENDAR}</m:FolderIds></m:GetFolder>",
    )
    folder_id = str(found(folder, "//t:FolderId/@Id")[0])
    as_folder = ask(
        microsoft,
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
        f'<m:FolderIds><t:FolderId Id="{item_id}"/></m:FolderIds></m:GetFolder>',
    )

    assert code_of(get(microsoft, folder_id)) == "ErrorCannotUseFolderIdForItemId"
    assert code_of(as_folder) == "ErrorCannotUseItemIdForFolderId"
    assert code_of(get(microsoft, "")) == "ErrorInvalidIdEmpty"
    assert code_of(get(microsoft, item_id[:-4])) == "ErrorInvalidIdMalformed"
    assert code_of(get(microsoft, item_id.swapcase())) == "ErrorInvalidIdMalformed"
    assert code_of(get(microsoft, item_id, login=BERT)) == "ErrorAccessDenied"


def test_a_uid_that_was_given_is_kept_and_graph_shows_it(microsoft: Microsoft) -> None:
    graph = microsoft.graph(microsoft.tokens_of(ANNA)["access_token"])
    own = id_of(create(microsoft, "<t:UID>mine@clinic.example</t:UID>"))
    shown = text_of(get(microsoft, own, with_fields("calendar:UID")), "UID")
    drawn = id_of(create(microsoft, "<t:Subject>A</t:Subject>"))
    goid = text_of(get(microsoft, drawn, with_fields("calendar:UID")), "UID")

    again = id_of(create(microsoft, f"<t:UID>{goid}</t:UID>"))

    assert shown == "mine@clinic.example"
    assert goid.startswith("040000008200E00074C5B7101A82E008")
    assert text_of(get(microsoft, again, with_fields("calendar:UID")), "UID") == goid
    events = graph.get("/v1.0/me/events?$select=iCalUId").json()["value"]
    assert sorted(event["iCalUId"] for event in events) == sorted([shown, goid, goid])


# -- lists


def fill(microsoft: Microsoft, number: int) -> None:
    calendar = calendar_of(microsoft)
    items = [an_item(calendar, subject=f"B{n:02}", start=at(8, n), end=at(9, n), mark=f"m{n}") for n in range(number)]
    calendar.account.bulk_create(folder=calendar, items=items)


def page(offset: int, most: int, base: str = "Beginning") -> str:
    return f'<m:IndexedPageItemView MaxEntriesReturned="{most}" Offset="{offset}" BasePoint="{base}"/>'


def view(most: str = "", start: str = "2026-11-23T00:00:00Z", end: str = "2026-11-24T00:00:00Z") -> str:
    limit = f' MaxEntriesReturned="{most}"' if most else ""
    return f'<m:CalendarView{limit} StartDate="{start}" EndDate="{end}"/>'


def subjects(answer: httpx.Response) -> list[str]:
    assert code_of(answer) == "NoError", answer.text
    return [str(one) for one in found(answer, "//t:Subject/text()")]


SORTED = f'<m:SortOrder><t:FieldOrder Order="Ascending">{uri("item:Subject")}</t:FieldOrder></m:SortOrder>'


def test_pages_from_both_ends(microsoft: Microsoft) -> None:
    fill(microsoft, 5)

    first = find(microsoft, page(0, 2), SORTED, uri("item:Subject"))
    last = find(microsoft, page(4, 2), SORTED, uri("item:Subject"))
    end = find(microsoft, page(0, 2, "End"), SORTED, uri("item:Subject"))

    assert (subjects(first), subjects(last), subjects(end)) == (["B00", "B01"], ["B04"], ["B03", "B04"])
    marks = "//m:RootFolder/@IncludesLastItemInRange | //m:RootFolder/@TotalItemsInView"
    assert found(first, marks) == ["5", "false"]
    assert found(last, marks) == ["5", "true"]


@pytest.mark.parametrize(
    ("restriction", "expected"),
    [
        (
            (
                f"<t:IsEqualTo>{MARK_URI}<t:FieldURIOrConstant>"
                '<t:Constant Value="m3"/></t:FieldURIOrConstant></t:IsEqualTo>'
            ),
            ["B03"],
        ),
        (
            (
                f"<t:IsEqualTo>{uri('item:Subject')}<t:FieldURIOrConstant>"
                '<t:Constant Value="B3"/></t:FieldURIOrConstant></t:IsEqualTo>'
            ),
            [],
        ),
        (f"<t:Exists>{MARK_URI}</t:Exists>", ["B00", "B01", "B02", "B03", "B04"]),
        (f"<t:Not><t:Exists>{MARK_URI}</t:Exists></t:Not>", []),
        (
            (
                f'<t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase">{uri("item:Subject")}'
                '<t:Constant Value="b0"/></t:Contains>'
            ),
            ["B00", "B01", "B02", "B03", "B04"],
        ),
        (
            (
                f"<t:And><t:IsGreaterThan>{uri('calendar:Start')}<t:FieldURIOrConstant>"
                '<t:Constant Value="2026-11-23T08:01:00+01:00"/></t:FieldURIOrConstant></t:IsGreaterThan>'
                f"<t:IsLessThan>{uri('calendar:Start')}<t:FieldURIOrConstant>"
                '<t:Constant Value="2026-11-23T07:04:00Z"/></t:FieldURIOrConstant></t:IsLessThan></t:And>'
            ),
            ["B02", "B03"],
        ),
    ],
)
def test_restrictions(microsoft: Microsoft, restriction: str, expected: list[str]) -> None:
    fill(microsoft, 5)

    answer = find(microsoft, page(0, 100), f"<m:Restriction>{restriction}</m:Restriction>{SORTED}", uri("item:Subject"))

    assert subjects(answer) == expected


def test_a_view_is_cut_where_it_says_so_and_refused_where_it_does_not(microsoft: Microsoft) -> None:
    fill(microsoft, 5)
    cut = find(microsoft, view("2"), extra=uri("item:Subject"))

    assert subjects(cut) == ["B00", "B01"]
    assert found(cut, "//m:RootFolder/@IncludesLastItemInRange") == ["false"]
    microsoft.control("PATCH", "/exchange/servers/exchange", {"limits": {"find_count": 3}})
    assert code_of(find(microsoft, view())) == "ErrorExceededFindCountLimit"
    assert len(subjects(find(microsoft, page(0, 5), extra=uri("item:Subject")))) == 3


def test_views_are_not_filtered_or_sorted_and_stand_in_calendars(microsoft: Microsoft) -> None:
    inbox = '<t:DistinguishedFolderId Id="inbox"/>'
    backwards = view(start="2026-11-24T00:00:00Z", end="2026-11-23T00:00:00Z")

    assert code_of(find(microsoft, view(), SORTED)) == "ErrorInvalidRequest"
    assert code_of(find(microsoft, view(), folder=inbox)) == "ErrorCalendarFolderIsInvalidForCalendarView"
    assert code_of(find(microsoft, backwards)) == "ErrorCalendarEndDateIsEarlierThanStartDate"


def test_lists_have_no_bodies_and_say_so(microsoft: Microsoft) -> None:
    assert code_of(find(microsoft, page(0, 5), extra=uri("item:Body"))) == "ErrorInvalidPropertyForOperation"
    assert code_of(find(microsoft, page(0, 5), extra=uri("folder:DisplayName"))) == "ErrorInvalidPropertyRequest"


@pytest.mark.parametrize("shape", ["IdOnly", "Default", "AllProperties"])
def test_each_shape_fits_the_schema_for_every_kind_of_item(microsoft: Microsoft, shape: str) -> None:
    weekly = (
        "<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday</t:DaysOfWeek>"
        "</t:WeeklyRecurrence><t:NumberedRecurrence><t:StartDate>2026-11-23</t:StartDate>"
        "<t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>"
    )
    people = (
        f"<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>{BERT}</t:EmailAddress></t:Mailbox>"
        "</t:Attendee></t:RequiredAttendees>"
    )
    times = "<t:Start>2026-11-23T09:00:00Z</t:Start><t:End>2026-11-23T10:00:00Z</t:End>"
    master = id_of(create(microsoft, f"<t:Subject>A</t:Subject>{times}<t:Location>R</t:Location>{people}{weekly}"))
    listed = find(microsoft, view(end="2026-12-31T00:00:00Z"))
    ids = [str(one) for one in found(listed, "//t:ItemId/@Id")]
    update(microsoft, ids[1], set_subject())

    for item_id in (master, *ids):
        answer = get(microsoft, item_id, f"<t:BaseShape>{shape}</t:BaseShape>")
        assert code_of(answer) == "NoError"
        assert bool(found(answer, "//t:Start")) == (shape != "IdOnly")


# -- folders


HIERARCHY = (
    "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>{}</m:SyncFolderHierarchy>"
)


def test_the_tree_is_synced(microsoft: Microsoft) -> None:
    first = ask(microsoft, HIERARCHY.format(""))
    state = str(found(first, "//m:SyncState/text()")[0])
    microsoft.control("POST", f"/people/{ANNA}/calendars", {"name": "New"})

    second = ask(microsoft, HIERARCHY.format(f"<m:SyncState>{state}</m:SyncState>"))

    assert {"Calendar", "Family", "Inbox"} <= {str(one) for one in found(first, "//t:Create//t:DisplayName/text()")}
    assert found(second, "//m:Changes//t:DisplayName/text()") == ["New"]
    after = f"<m:SyncState>{found(second, '//m:SyncState/text()')[0]}</m:SyncState>"
    assert not found(ask(microsoft, HIERARCHY.format(after)), "//m:Changes/*")
    bad = ask(microsoft, HIERARCHY.format("<m:SyncState>AAAA</m:SyncState>"))
    assert code_of(bad) == "ErrorInvalidSyncStateData"


def test_calendars_are_made_and_deleted(microsoft: Microsoft) -> None:
    wanted = "<t:CalendarFolder><t:DisplayName>Plan</t:DisplayName></t:CalendarFolder>"
    make = (
        f"<m:CreateFolder><m:ParentFolderId>{CALENDAR}</m:ParentFolderId><m:Folders>{wanted}</m:Folders>"
        "</m:CreateFolder>"
    )
    made = ask(microsoft, make)
    folder_id = str(found(made, "//t:FolderId/@Id")[0])
    delete = '<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds><t:FolderId Id="{}"/></m:FolderIds></m:DeleteFolder>'

    assert code_of(ask(microsoft, make)) == "ErrorFolderExists"
    assert code_of(ask(microsoft, delete.format(folder_id))) == "NoError"
    assert code_of(ask(microsoft, delete.format(folder_id))) == "ErrorFolderNotFound"


def test_items_are_copied_with_a_uid_of_their_own(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    item = an_item(calendar, mark="m").save()

    item.copy(calendar)

    both: list[CalendarItem] = list(calendar.all())
    assert [one.mark for one in both] == ["m", "m"]
    assert len({one.uid for one in both}) == 2
    assert all(one.start == at(9) for one in both)
