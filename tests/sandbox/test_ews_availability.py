"""Free and busy times from the sandbox's Exchange: rights, limits, zones, failing mailboxes. Names, zones, ids."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from exchangelib import EWSDateTime, EWSTimeZone
from exchangelib.errors import ErrorInvalidIdMalformed, ErrorNameResolutionNoResults, EWSError
from exchangelib.properties import AlternateId
from exchangelib.services import ConvertId, GetUserAvailability

from tests.sandbox.ews_client import account, call, code_of, found, trusting
from tests.sandbox.ews_schema import check_log
from tests.sandbox.small_microsoft import Microsoft

ANNA, BERT, INA = "anna@clinic.example", "bert@clinic.example", "ina@clinic.example"
BERLIN = EWSTimeZone("Europe/Berlin")


@pytest.fixture(autouse=True)
def on_exchange(microsoft: Microsoft, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for address in (ANNA, BERT, INA):
        microsoft.control("PATCH", f"/people/{address}", {"exchange": {}})
    monkeypatch.setattr(GetUserAvailability, "ERRORS_TO_CATCH_IN_RESPONSE", (EWSError,))
    with trusting(microsoft.addresses["ca_file"]):
        yield
    check_log(microsoft)


def put(microsoft: Microsoft, start: str, end: str, owner: str = BERT, **more: Any) -> dict[str, Any]:
    body = {
        "subject": "Root canal",
        "start": {"dateTime": start, "timeZone": "Europe/Berlin"},
        "end": {"dateTime": end, "timeZone": "Europe/Berlin"},
        "location": {"displayName": "Room 2"},
    } | more
    answer = microsoft.graph(microsoft.tokens_of(owner)["access_token"]).post("/v1.0/me/events", json=body)
    microsoft.machine.headers.pop("Authorization")
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def views(microsoft: Microsoft, *addresses: str, caller: str = ANNA, view: str = "DetailedMerged") -> list[Any]:
    """What exchangelib reads; errors of single mailboxes are in the list."""
    start = EWSDateTime(2026, 12, 1, 8, tzinfo=BERLIN)
    protocol = account(microsoft, caller).protocol
    wanted = [(address, "Required", False) for address in addresses]
    options = {"merged_free_busy_interval": 30, "requested_view": view}
    return list(protocol.get_free_busy_info(wanted, start, start + timedelta(hours=4), **options))


def test_time_only_by_default(microsoft: Microsoft) -> None:
    """Exchange's Default permission: others see when, not what; the digits are there as well."""
    put(microsoft, "2026-12-01T09:00:00", "2026-12-01T10:30:00")
    put(microsoft, "2026-12-01T10:00:00", "2026-12-01T11:00:00", showAs="oof")
    put(microsoft, "2026-12-01T11:15:00", "2026-12-01T11:30:00", showAs="tentative")

    view = views(microsoft, BERT)[0]

    assert view.view_type == "FreeBusyMerged"
    assert view.merged == "00223310"
    assert [(e.busy_type, e.start.astimezone(BERLIN).hour, e.details) for e in view.calendar_events] == [
        ("Busy", 9, None),
        ("OOF", 10, None),
        ("Tentative", 11, None),
    ]
    assert view.working_hours_timezone.bias == -60


@pytest.mark.parametrize(
    ("right", "kind", "subject"),
    [
        ("time", "FreeBusyMerged", None),
        ("subject", "DetailedMerged", "Root canal"),
        ("details", "DetailedMerged", "Root canal"),
    ],
)
def test_what_everybody_may_see_is_the_owners_choice(
    microsoft: Microsoft, right: str, kind: str, subject: str | None
) -> None:
    put(microsoft, "2026-12-01T09:00:00", "2026-12-01T10:00:00")
    microsoft.control("PATCH", f"/people/{BERT}", {"exchange": {"free_busy_for_others": right}})

    view = views(microsoft, BERT)[0]

    assert view.view_type == kind
    details = view.calendar_events[0].details
    assert (details.subject if details else None) == subject


def test_private_entries_have_no_subject_for_others(microsoft: Microsoft) -> None:
    put(microsoft, "2026-12-01T09:00:00", "2026-12-01T10:00:00", sensitivity="private")
    microsoft.control("PATCH", f"/people/{INA}", {"exchange": {"is_org_wide": True}})

    others, own = views(microsoft, BERT, caller=INA)[0], views(microsoft, BERT, caller=BERT)[0]

    assert [(v.calendar_events[0].details.is_private, v.calendar_events[0].details.subject) for v in (others, own)] == [
        (True, None),
        (True, "Root canal"),
    ]


def test_one_mailbox_that_fails_does_not_hurt_the_others(microsoft: Microsoft) -> None:
    put(microsoft, "2026-12-01T09:00:00", "2026-12-01T10:00:00")
    microsoft.control("PATCH", f"/people/{INA}", {"exchange": {"free_busy_for_others": "none"}})
    moved = {"email": "max@clinic.example", "display_name": "Max", "exchange": {"location": "moved"}}
    microsoft.control("POST", "/people", moved)

    answers = views(microsoft, "nobody@clinic.example", INA, "max@clinic.example", BERT)

    assert [type(a).__name__ for a in answers] == [
        "ErrorMailRecipientNotFound",
        "ErrorNoFreeBusyAccess",
        "ErrorAvailabilityConfigNotFound",
        "FreeBusyView",
    ]


def test_in_a_hybrid_the_cloud_is_seen_too(microsoft: Microsoft) -> None:
    put(microsoft, "2026-12-01T09:00:00", "2026-12-01T10:00:00")
    microsoft.control("PATCH", f"/people/{BERT}", {"exchange": {"location": "moved"}})
    microsoft.control("PATCH", "/exchange/servers/exchange", {"sees_cloud": True})

    assert views(microsoft, BERT)[0].merged == "00220000"


def request(
    start: str, end: str, *, addresses: int = 1, interval: int = 30, view: str = "FreeBusy", zone: str = ""
) -> str:
    data = (
        f"<t:MailboxData><t:Email><t:Address>{BERT}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>"
        "<t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>"
    )
    return (
        f"<m:GetUserAvailabilityRequest>{zone}<m:MailboxDataArray>{data * addresses}</m:MailboxDataArray>"
        f"<t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime>"
        f"</t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>{interval}</t:MergedFreeBusyIntervalInMinutes>"
        f"<t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
    )


BERLIN_RULES = (
    "<t:TimeZone><t:Bias>-60</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>03:00:00</t:Time>"
    "<t:DayOrder>5</t:DayOrder><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>"
    "<t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>3</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>"
)
NEW_YORK = "<t:TimeZoneContext><t:TimeZoneDefinition Id='Eastern Standard Time'/></t:TimeZoneContext>"


def times(microsoft: Microsoft, body: str, header: str = "") -> list[str]:
    return [e.text for e in found(call(microsoft, ANNA, body, header=header), "//t:StartTime")]


def test_times_are_on_the_clock_of_the_request(microsoft: Microsoft) -> None:
    """Without offset, in the request's own rules, else in the header's zone; a window may have offsets."""
    put(microsoft, "2026-07-01T09:00:00", "2026-07-01T10:00:00")
    put(microsoft, "2026-12-01T09:00:00", "2026-12-01T10:00:00")

    summer = request("2026-07-01T00:00:00", "2026-07-02T00:00:00", zone=BERLIN_RULES)
    winter = request("2026-12-01T00:00:00Z", "2026-12-02T00:00:00+01:00", zone=BERLIN_RULES)
    header = request("2026-12-01T00:00:00", "2026-12-02T00:00:00")

    assert times(microsoft, summer) == ["2026-07-01T09:00:00"]
    assert times(microsoft, winter) == ["2026-12-01T09:00:00"]
    assert times(microsoft, header, NEW_YORK) == ["2026-12-01T03:00:00"]
    assert code_of(call(microsoft, ANNA, header)) == "ErrorTimeZone"


def test_events_at_the_edge_of_the_window_come_whole(microsoft: Microsoft) -> None:
    put(microsoft, "2026-11-30T22:00:00", "2026-12-01T02:00:00")
    put(microsoft, "2026-12-02T00:00:00", "2026-12-02T01:00:00")

    body = request("2026-12-01T00:00:00", "2026-12-02T00:00:00", zone=BERLIN_RULES)

    assert times(microsoft, body) == ["2026-11-30T22:00:00"]


@pytest.mark.parametrize(
    ("release", "days", "code"),
    [
        ("SE", 62, "NoError"),
        ("SE", 63, "ErrorTimeIntervalTooBig"),
        ("2010_SP2", 42, "NoError"),
        ("2010_SP2", 43, "ErrorTimeIntervalTooBig"),
    ],
)
def test_the_longest_window(microsoft: Microsoft, release: str, days: int, code: str) -> None:
    microsoft.control("PATCH", "/exchange/servers/exchange", {"release": release})
    end = f"{date(2026, 12, 1) + timedelta(days=days)}T00:00:00"

    answer = call(microsoft, ANNA, request("2026-12-01T00:00:00", end, zone=BERLIN_RULES), "Exchange2010")

    assert code_of(answer) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"addresses": 100}, "NoError"),
        ({"addresses": 101}, "ErrorMailboxDataArrayTooBig"),
        ({"addresses": 0}, "ErrorMailboxDataArrayEmpty"),
        ({"interval": 4}, "ErrorInvalidMergedFreeBusyInterval"),
        ({"view": "None"}, "ErrorInvalidFreeBusyViewType"),
        ({"start": "2026-12-03T00:00:00"}, "ErrorInvalidTimeInterval"),
    ],
)
def test_requests_that_ask_too_much(microsoft: Microsoft, changes: dict[str, Any], code: str) -> None:
    wanted: dict[str, Any] = {"start": "2026-12-01T00:00:00", "end": "2026-12-02T00:00:00"} | changes
    start, end = wanted.pop("start"), wanted.pop("end")

    assert code_of(call(microsoft, ANNA, request(start, end, zone=BERLIN_RULES, **wanted))) == code


def test_the_fault_of_the_availability_service_has_its_number(microsoft: Microsoft) -> None:
    body = request("2026-12-01T00:00:00", "2026-12-02T00:00:00", addresses=101, zone=BERLIN_RULES)

    answer = call(microsoft, ANNA, body)

    assert answer.status_code == 500
    assert found(answer, "//m:ErrorCode/text()") == ["5002"]
    assert "The allowed size = 100; the actual size = 101." in answer.text


def test_working_elsewhere_is_free_for_clients_of_before_2013(microsoft: Microsoft) -> None:
    put(microsoft, "2026-12-01T09:00:00", "2026-12-01T10:00:00", showAs="workingElsewhere")
    body = request("2026-12-01T09:00:00", "2026-12-01T10:00:00", view="FreeBusyMerged", zone=BERLIN_RULES)

    shown = [
        (found(a, "//t:BusyType/text()"), found(a, "//t:MergedFreeBusy/text()"))
        for a in (call(microsoft, ANNA, body, version) for version in ("Exchange2010_SP2", "Exchange2013"))
    ]

    assert shown == [(["Free"], ["00"]), (["WorkingElsewhere"], ["44"])]


def test_names(microsoft: Microsoft) -> None:
    protocol = account(microsoft, ANNA).protocol

    assert [m.email_address for m in protocol.resolve_names(["bert"])] == [BERT]
    several = [m.email_address for m in protocol.resolve_names(["a"])]
    assert several == [ANNA, INA]
    assert [type(found) for found in protocol.resolve_names(["zzz"])] == [ErrorNameResolutionNoResults]


def test_zones_with_their_rules(microsoft: Microsoft) -> None:
    protocol = account(microsoft, ANNA).protocol

    wanted = [BERLIN, EWSTimeZone("Asia/Kolkata"), EWSTimeZone("Australia/Sydney")]
    zones = list(protocol.get_timezones(timezones=wanted, return_full_timezone_data=True))

    assert [z.id for z in zones] == ["W. Europe Standard Time", "India Standard Time", "AUS Eastern Standard Time"]
    standard, daylight, period = zones[2].get_std_and_dst(for_year=2026)
    assert (standard.iso_month, daylight.iso_month, period.bias_in_minutes) == (4, 10, -600)
    assert len(list(protocol.get_timezones())) > 100


def test_ids_in_every_spelling(microsoft: Microsoft) -> None:
    """The id that Graph gave, in Exchange's own letters, there and back through each format."""
    made = put(microsoft, "2026-12-01T09:00:00", "2026-12-01T10:00:00", owner=ANNA)
    ews_id = made["id"].replace("-", "+").replace("_", "/")
    service = ConvertId(protocol=account(microsoft, ANNA).protocol)

    for form in ("EwsId", "EwsLegacyId", "EntryId", "HexEntryId", "StoreId", "OwaId"):
        there = next(iter(service.call([AlternateId(id=ews_id, format="EwsId", mailbox=ANNA)], form)))
        assert there.format == form
        back = next(iter(service.call([AlternateId(id=there.id, format=form, mailbox=ANNA)], "EwsId")))
        assert back.id == ews_id
    wrong = next(iter(service.call([AlternateId(id="AAMk", format="EwsId", mailbox=ANNA)], "EntryId")))
    assert isinstance(wrong, ErrorInvalidIdMalformed)
