"""Microsoft's own clients and a well-known third one against the real process, unchanged.

msal signs in by its public options; msgraph-sdk gets a base URL and an HTTP client that trusts the sandbox; O365 gets
a protocol with another URL and a token cache that msal filled (its own sign-in host cannot be configured).
"""

import asyncio
import ssl
import warnings
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msal
import pytest
from azure.identity import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.day_of_week import DayOfWeek
from msgraph.generated.models.event import Event
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.patterned_recurrence import PatternedRecurrence
from msgraph.generated.models.recurrence_pattern import RecurrencePattern
from msgraph.generated.models.recurrence_pattern_type import RecurrencePatternType
from msgraph.generated.models.recurrence_range import RecurrenceRange
from msgraph.generated.models.recurrence_range_type import RecurrenceRangeType
from msgraph.generated.models.subscription import Subscription
from msgraph_core import GraphClientFactory
from O365 import Account, MSGraphProtocol
from O365.utils.token import MemoryTokenBackend

from tests.sandbox.openapi_slice import DESCRIPTION
from tests.sandbox.small_microsoft import CA_VARIABLES, Microsoft, check_log
from tests.sandbox.walks import CLIENT_ID, REDIRECT, SECRET
from tests.sandbox.webhook_endpoint import endpoint

SCOPES = ["Calendars.ReadWrite", "User.Read", "MailboxSettings.Read"]
ANNA = "anna@clinic.example"


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK warns about its own classes


@pytest.fixture(autouse=True)
def described(microsoft: Microsoft) -> Iterator[None]:
    """Judge everything the clients asked and got by Microsoft's own description."""
    yield
    if DESCRIPTION.exists():
        check_log(microsoft)


@pytest.fixture(autouse=True)
def own_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `verify=` count: these variables would win over it."""
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def msal_app(
    microsoft: Microsoft, tenant: str = "common", cache: msal.TokenCache | None = None
) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        CLIENT_ID,
        client_credential=SECRET,
        authority=f"{microsoft.addresses['login']}/{tenant}",
        instance_discovery=False,
        verify=microsoft.addresses["ca_file"],
        token_cache=cache,
    )


def signed_in(microsoft: Microsoft, app: msal.ConfidentialClientApplication, email: str = ANNA) -> dict[str, Any]:
    """Msal's authorization code flow, with a person at the pages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # msal would like form_post better
        flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT, login_hint=email, prompt="select_account")
    browser = microsoft.browser()
    browser.open(flow["auth_uri"].removeprefix(browser.people_url))
    page = browser.sign_in(email)
    if not page.location:
        page = browser.accept()
    result = app.acquire_token_by_auth_code_flow(flow, page.parameters)
    assert "access_token" in result, result
    return dict(result)


# msal ---------------------------------------------------------------------------------------------------------------


def test_msal_signs_in_and_refreshes(microsoft: Microsoft) -> None:
    app = msal_app(microsoft)

    first = signed_in(microsoft, app)
    account = app.get_accounts()[0]
    cached = app.acquire_token_silent_with_error(SCOPES, account)
    microsoft.advance(days=1)
    renewed = app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)

    assert first["id_token_claims"]["preferred_username"] == ANNA
    assert account["username"] == ANNA
    assert account["home_account_id"] == f"{first['id_token_claims']['oid']}.{first['id_token_claims']['tid']}"
    assert cached["access_token"] == first["access_token"]  # the scopes came back as they were asked for
    assert renewed["access_token"] != first["access_token"]


def test_msal_tells_a_revoked_grant_by_its_error(microsoft: Microsoft) -> None:
    app = msal_app(microsoft)
    signed_in(microsoft, app)
    microsoft.control("POST", f"/people/{ANNA}/revoke", {})

    refused = app.acquire_token_silent_with_error(SCOPES, app.get_accounts()[0], force_refresh=True)

    assert refused["error"] == "invalid_grant"
    assert refused["error_codes"] == [50173]


def test_msal_tells_interaction_required_by_its_classification(microsoft: Microsoft) -> None:
    app = msal_app(microsoft)
    signed_in(microsoft, app)
    microsoft.control("POST", f"/people/{ANNA}/token-faults", {"code": 50076})

    refused = app.acquire_token_silent_with_error(SCOPES, app.get_accounts()[0], force_refresh=True)

    assert (refused["suberror"], refused["classification"]) == ("basic_action", "basic_action")


def test_msal_gets_an_apps_own_token_and_keeps_it(microsoft: Microsoft) -> None:
    microsoft.control("PUT", f"/tenants/clinic.example/grants/{CLIENT_ID}", {"roles": ["Calendars.ReadWrite"]})
    app = msal_app(microsoft, "clinic.example")

    first, again = (app.acquire_token_for_client(["https://graph.microsoft.com/.default"]) for _ in range(2))

    assert first["access_token"] == again["access_token"]
    calendars = microsoft.graph(first["access_token"]).get(f"/v1.0/users/{ANNA}/calendars")
    assert [c["name"] for c in calendars.json()["value"]] == ["Calendar", "Family"]


# msgraph-sdk --------------------------------------------------------------------------------------------------------


class SdkToken:
    """Hands msgraph-sdk the tokens of azure-identity; the SDK's own provider refuses hosts that are not Microsoft's."""

    def __init__(self, microsoft: Microsoft) -> None:
        tenant = next(t["id"] for t in microsoft.control("GET", "/tenants") if t["name"] == "Clinic")
        self._credential = ClientSecretCredential(
            tenant,
            CLIENT_ID,
            SECRET,
            authority=microsoft.addresses["login"],
            disable_instance_discovery=True,
            connection_verify=microsoft.addresses["ca_file"],
        )

    async def authenticate_request(self, request: Any, additional_authentication_context: Any = None) -> None:
        token = await asyncio.to_thread(self._credential.get_token, "https://graph.microsoft.com/.default")
        request.headers.try_add("Authorization", f"Bearer {token.token}")


def with_sdk(microsoft: Microsoft, scenario: Callable[[GraphServiceClient], Awaitable[None]]) -> None:
    """Run a scenario with the SDK as the clinic's own app."""
    grant = {"roles": ["Calendars.ReadWrite", "MailboxSettings.Read", "User.Read.All"]}
    microsoft.control("PUT", f"/tenants/clinic.example/grants/{CLIENT_ID}", grant)

    async def run() -> None:
        context = ssl.create_default_context(cafile=microsoft.addresses["ca_file"])
        async with httpx.AsyncClient(verify=context, trust_env=False) as http:
            client = GraphClientFactory.create_with_default_middleware(client=http)
            adapter = GraphRequestAdapter(SdkToken(microsoft), client)
            adapter.base_url = microsoft.addresses["graph"]
            await scenario(GraphServiceClient(request_adapter=adapter))

    asyncio.run(run())


def sdk_event(subject: str, hour: int = 10, day: int = 1) -> Event:
    return Event(
        subject=subject,
        start=DateTimeTimeZone(date_time=f"2026-12-{day:02}T{hour:02}:00:00", time_zone="Europe/Berlin"),
        end=DateTimeTimeZone(date_time=f"2026-12-{day:02}T{hour:02}:30:00", time_zone="Europe/Berlin"),
    )


def test_sdk_lists_calendars_and_settings(microsoft: Microsoft) -> None:
    async def scenario(graph: GraphServiceClient) -> None:
        anna = graph.users.by_user_id(ANNA)
        user, calendars, settings = await anna.get(), await anna.calendars.get(), await anna.mailbox_settings.get()

        assert user.display_name == "Dr Anna Abel"
        assert [c.name for c in calendars.value] == ["Calendar", "Family"]
        assert calendars.value[0].is_default_calendar is True
        assert settings.time_zone == "W. Europe Standard Time"

    with_sdk(microsoft, scenario)


def test_sdk_creates_changes_and_deletes_an_event(microsoft: Microsoft) -> None:
    async def scenario(graph: GraphServiceClient) -> None:
        events = graph.users.by_user_id(ANNA).events
        made = await events.post(sdk_event("written by the SDK"))
        changed = await events.by_event_id(made.id).patch(Event(subject="changed", show_as=FreeBusyStatus.Oof))
        read = await events.by_event_id(made.id).get()
        await events.by_event_id(made.id).delete()

        assert (changed.subject, read.subject) == ("changed", "changed")
        assert read.show_as is FreeBusyStatus.Oof
        assert read.start.date_time == "2026-12-01T09:00:00.0000000"
        with pytest.raises(ODataError) as gone:
            await events.by_event_id(made.id).get()
        assert gone.value.response_status_code == 404
        assert gone.value.error.code == "ErrorItemNotFound"

    with_sdk(microsoft, scenario)


def test_sdk_pages_through_a_view(microsoft: Microsoft) -> None:
    async def scenario(graph: GraphServiceClient) -> None:
        anna = graph.users.by_user_id(ANNA)
        for n in range(23):
            await anna.events.post(sdk_event(f"n{n}", day=1 + n))
        builder = anna.calendar_view
        query = builder.CalendarViewRequestBuilderGetQueryParameters(
            start_date_time="2026-12-01T00:00:00Z", end_date_time="2027-01-01T00:00:00Z"
        )
        page = await builder.get(RequestConfiguration(query_parameters=query))
        sizes, subjects = [len(page.value)], [e.subject for e in page.value]
        while page.odata_next_link:
            page = await builder.with_url(page.odata_next_link).get()
            sizes.append(len(page.value))
            subjects += [e.subject for e in page.value]

        assert sizes == [10, 10, 3]
        assert len(set(subjects)) == 23

    with_sdk(microsoft, scenario)


def test_sdk_follows_a_delta_round_and_sees_changes_and_removals(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", "/settings", {"key_rotation_seconds": None})

    async def whole_round(builder: Any, page: Any) -> tuple[list[Event], str]:
        found = list(page.value)
        while page.odata_next_link:
            page = await builder.with_url(page.odata_next_link).get()
            found += page.value
        return found, page.odata_delta_link

    async def scenario(graph: GraphServiceClient) -> None:
        anna = graph.users.by_user_id(ANNA)
        kept, gone = await anna.events.post(sdk_event("kept")), await anna.events.post(sdk_event("gone", 12))
        builder = anna.calendar_view.delta
        query = builder.DeltaRequestBuilderGetQueryParameters(
            start_date_time="2026-12-01T00:00:00Z", end_date_time="2027-01-01T00:00:00Z"
        )
        first, link = await whole_round(builder, await builder.get(RequestConfiguration(query_parameters=query)))
        await anna.events.by_event_id(gone.id).delete()
        await anna.events.by_event_id(kept.id).patch(Event(subject="kept and changed"))
        second, _ = await whole_round(builder, await builder.with_url(link).get())

        assert {e.subject for e in first} == {"kept", "gone"}
        assert {e.id: "@removed" in e.additional_data for e in second} == {kept.id: False, gone.id: True}

    with_sdk(microsoft, scenario)


def test_sdk_makes_a_series_and_reads_its_days(microsoft: Microsoft) -> None:
    async def scenario(graph: GraphServiceClient) -> None:
        anna = graph.users.by_user_id(ANNA)
        wished = sdk_event("weekly")
        wished.recurrence = PatternedRecurrence(
            pattern=RecurrencePattern(
                type=RecurrencePatternType.Weekly, interval=1, days_of_week=[DayOfWeek.Tuesday, DayOfWeek.Thursday]
            ),
            range=RecurrenceRange(
                type=RecurrenceRangeType.Numbered, start_date=date(2026, 12, 1), number_of_occurrences=6
            ),
        )
        master = await anna.events.post(wished)
        builder = anna.events.by_event_id(master.id).instances
        query = builder.InstancesRequestBuilderGetQueryParameters(
            start_date_time="2026-12-01T00:00:00Z", end_date_time="2027-01-01T00:00:00Z"
        )
        days = await builder.get(RequestConfiguration(query_parameters=query))

        assert [e.start.date_time[:10] for e in days.value] == [
            "2026-12-01", "2026-12-03", "2026-12-08", "2026-12-10", "2026-12-15", "2026-12-17",
        ]  # fmt: skip
        assert {e.series_master_id for e in days.value} == {master.id}

    with_sdk(microsoft, scenario)


def test_sdk_subscribes_and_is_told(microsoft: Microsoft) -> None:
    with endpoint() as hook:

        async def scenario(graph: GraphServiceClient) -> None:
            made = await graph.subscriptions.post(
                Subscription(
                    change_type="created",
                    notification_url=hook.url(),
                    resource=f"users/{ANNA}/events",
                    expiration_date_time=datetime.now(UTC) + timedelta(days=3),
                    client_state="s",
                )
            )
            await graph.users.by_user_id(ANNA).events.post(sdk_event("told"))
            await asyncio.to_thread(hook.wait_for, 1)
            renewed = await graph.subscriptions.by_subscription_id(made.id).patch(
                Subscription(expiration_date_time=datetime.now(UTC) + timedelta(days=6))
            )
            await graph.subscriptions.by_subscription_id(made.id).delete()

            assert hook.items[0]["subscriptionId"] == made.id
            assert renewed.expiration_date_time > made.expiration_date_time

        with_sdk(microsoft, scenario)


def test_sdk_waits_out_a_throttled_answer(microsoft: Microsoft) -> None:
    rule = {"match": {"method": "GET", "path": "/calendars"}, "times": 1}
    microsoft.control("POST", "/faults", rule | {"action": {"status": 429, "shape": "throttled", "retry_after": "1"}})

    async def scenario(graph: GraphServiceClient) -> None:
        calendars = await graph.users.by_user_id(ANNA).calendars.get()
        assert len(calendars.value) == 2

    with_sdk(microsoft, scenario)

    log = microsoft.control("GET", "/log?path=/calendars$")["entries"]
    assert [e["status"] for e in log] == [429, 200]


# O365 ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def o365(microsoft: Microsoft) -> Account:
    """O365 as Anna."""
    backend = MemoryTokenBackend()
    signed_in(microsoft, msal_app(microsoft, cache=backend))

    class Protocol(MSGraphProtocol):
        _protocol_url = microsoft.addresses["graph"].removesuffix("v1.0")

    return Account(
        (CLIENT_ID, SECRET),
        protocol=Protocol(timezone="Europe/Berlin"),
        token_backend=backend,
        verify_ssl=microsoft.addresses["ca_file"],
        requests_delay=0,
    )


BERLIN = ZoneInfo("Europe/Berlin")


def test_o365_lists_calendars(o365: Account) -> None:
    schedule = o365.schedule()

    assert [c.name for c in schedule.list_calendars()] == ["Calendar", "Family"]
    assert schedule.get_default_calendar().name == "Calendar"


def test_o365_creates_changes_and_deletes_an_event(o365: Account) -> None:
    calendar = o365.schedule().get_default_calendar()
    event = calendar.new_event(subject="written by O365")
    event.start = datetime(2026, 12, 1, 10, tzinfo=BERLIN)
    event.end = datetime(2026, 12, 1, 11, tzinfo=BERLIN)
    assert event.save()

    event.subject = "changed"
    assert event.save()
    read = calendar.get_event(event.object_id)
    assert read.delete()

    assert (read.subject, read.start) == ("changed", datetime(2026, 12, 1, 10, tzinfo=BERLIN))
    assert list(calendar.get_events(include_recurring=False)) == []


def test_o365_reads_a_view_over_pages_with_a_series_in_it(o365: Account) -> None:
    calendar = o365.schedule().get_default_calendar()
    series = calendar.new_event(subject="daily")
    series.start = datetime(2026, 12, 1, 8, tzinfo=BERLIN)
    series.end = datetime(2026, 12, 1, 9, tzinfo=BERLIN)
    series.recurrence.set_daily(1, start=date(2026, 12, 1), end=date(2026, 12, 25))
    assert series.save()
    whole_day = calendar.new_event(subject="whole day")
    whole_day.start = datetime(2026, 12, 24, tzinfo=BERLIN)
    whole_day.end = datetime(2026, 12, 25, tzinfo=BERLIN)
    whole_day.is_all_day = True
    assert whole_day.save()

    found = list(
        calendar.get_events(
            limit=100,
            batch=10,
            include_recurring=True,
            start_recurring=datetime(2026, 12, 1, tzinfo=BERLIN),
            end_recurring=datetime(2027, 1, 1, tzinfo=BERLIN),
        )
    )

    assert len([e for e in found if e.subject == "daily"]) == 25
    assert [e.is_all_day for e in found if e.subject == "whole day"] == [True]
