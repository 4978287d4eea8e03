"""Query options, calendars, $batch, getSchedule, mailbox settings."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.graph_client import Graph, Run, an_event, at, daily, window


async def subjects(graph: Graph, query: str) -> list[str]:
    return [row["subject"] for row in await graph.rows(f"/me/events?{query}")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$filter=start/dateTime ge '2026-11-21T00:00:00Z'", {"b", "c"}),
        ("$filter=start/dateTime ge '2026-11-20T09:00:00%2B01:00' and end/dateTime lt '2026-11-22'", {"a", "b"}),
        ("$filter=start/dateTime ge '2026-11-20T08:00:01'", {"b", "c"}),
        ("$filter=subject eq 'A' or subject eq 'c'", {"a", "c"}),
        ("$filter=not (subject eq 'a')", {"b", "c"}),
        ("$filter=startswith(subject,'b')", {"b"}),
        ("$filter=contains(subject,'C')", {"c"}),
        ("$filter=isAllDay eq false and showAs eq 'free'", {"b"}),
        ("$filter=categories/any(c:c eq 'red')", {"c"}),
        ("$filter=createdDateTime lt 2026-10-01T00:00:00Z", set()),
        ("$filter=lastModifiedDateTime gt 2026-10-01T00:00:00Z", {"a", "b", "c"}),
    ],
)
def test_filters(run: Run, query: str, expected: set[str]) -> None:
    async def scenario(graph: Graph) -> None:
        await graph.create(subject="a")
        await graph.create(subject="b", day="2026-11-21", showAs="free")
        await graph.create(subject="c", day="2026-11-22", categories=["Red"])
        assert set(await subjects(graph, query)) == expected

    run(scenario)


def test_order_select_count_and_sizes_of_pages(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        for day in (21, 20, 22):
            await graph.create(subject=str(day), day=f"2026-11-{day}")
        assert await subjects(graph, "$orderby=start/dateTime") == ["20", "21", "22"]
        assert await subjects(graph, "$orderby=start/dateTime desc") == ["22", "21", "20"]
        page = await graph.get("/me/events?$select=subject,start&$count=true&$top=2")
        assert page["@odata.count"] == 3
        assert [set(row) for row in page["value"]] == [{"@odata.etag", "id", "subject", "start"}] * 2
        assert "$top=2" in page["@odata.nextLink"]
        assert "$skip=2" in page["@odata.nextLink"]
        assert len((await graph.get("/me/events?$top=999"))["value"]) == 3
        assert len((await graph.get("/me/events", prefer="odata.maxpagesize=1"))["value"]) == 1
        view = await graph.get(f"/me/calendarView?{window()}&$select=subject,createdDateTime")
        assert [set(row) for row in view["value"]] == [{"@odata.etag", "id", "subject"}] * 3
        for bad, code in (
            ("$top=1001", "ErrorInvalidUrlQuery"),
            ("$top=0", "ErrorInvalidUrlQuery"),
            ("$select=colour", "RequestBroker--ParseUri"),
            ("$expand=colours", "RequestBroker--ParseUri"),
            ("$orderby=colour", "ErrorInvalidUrlQuery"),
            ("$filter=colour eq 'x'", "ErrorInvalidUrlQueryFilter"),
            ("$filter=transactionId eq 'x'", "ErrorInvalidUrlQueryFilter"),
            ("$filter=subject eq", "RequestBroker--ParseUri"),
            ("$filter=subject gt 5", "ErrorInvalidUrlQueryFilter"),
            ("$filter=showAs lt null", "ErrorInvalidUrlQueryFilter"),
            ("$filter=subject like 'x'", "RequestBroker--ParseUri"),
            ("$search=x", "ErrorInvalidUrlQuery"),
            ("$top=1&$top=2", "RequestBroker--ParseUri"),
        ):
            await graph.refused(400, code, "GET", f"/me/events?{bad}")

    run(scenario)


def test_calendars_are_made_renamed_and_deleted(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        primary = await graph.get("/me/calendar")
        assert (primary["isDefaultCalendar"], primary["canEdit"], primary["isRemovable"]) == (True, True, False)
        assert primary["owner"] == {"name": "Anna Abel", "address": "anna@clinic.example"}
        made = await graph.post("/me/calendars", {"name": "Second", "color": "lightBlue"})
        assert (made["color"], made["isDefaultCalendar"], made["isRemovable"]) == ("lightBlue", False, True)
        await graph.refused(409, "ErrorFolderExists", "POST", "/me/calendars", {"name": "second"})
        path = f"/me/calendars/{made['id']}"
        renamed = await graph.patch(path, {"name": "Other"})
        assert (renamed["id"], renamed["name"]) == (made["id"], "Other")
        event = await graph.create(path=f"{path}/events")
        assert (await graph.get(f"{path}/events/{event['id']}"))["id"] == event["id"]
        wrong = f"/me/calendars/{primary['id']}/events/{event['id']}"
        await graph.refused(404, "ErrorItemNotFound", "GET", wrong)
        group = (await graph.get("/me/calendarGroups"))["value"][0]
        listed = await graph.get(f"/me/calendarGroups/{group['id']}/calendars")
        assert [c["name"] for c in listed["value"]] == ["Calendar", "Other"]
        assert (await graph.call("DELETE", path)).status_code == 204
        await graph.refused(404, "ErrorItemNotFound", "GET", f"/me/events/{event['id']}")
        await graph.refused(404, "ErrorItemNotFound", "GET", path)
        refused = f"/me/calendars/{primary['id']}"
        await graph.refused(400, "ErrorDeleteDistinguishedFolder", "DELETE", refused)

    run(scenario)


def test_a_holiday_calendar_is_read_only_even_for_its_owner(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        anna = next(iter(graph.world.mailboxes))
        folder = graph.world.mailboxes.add_calendar(anna, "Holidays in France", is_read_only=True)
        shown = (await graph.get("/me/calendars"))["value"][1]
        assert (shown["name"], shown["canEdit"], shown["canShare"]) == (folder.name, False, False)
        path = f"/me/calendars/{shown['id']}/events"
        await graph.refused(403, "ErrorAccessDenied", "POST", path, an_event())
        permissions = await graph.get("/me/calendar/calendarPermissions")
        assert permissions["value"][0]["emailAddress"]["name"] == "My Organization"

    run(scenario)


def one(id_: str, url: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    return {"id": id_, "method": method, "url": url, **more}


async def batch(graph: Graph, *requests: dict[str, Any], **options: Any) -> dict[str, Any]:
    answer = await graph.post("/$batch", {"requests": list(requests)}, **options)
    return {response["id"]: response for response in answer["responses"]}


def test_a_batch_answers_200_whatever_its_parts_say(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        json_type = {"Content-Type": "application/json"}
        made = await graph.create()
        parts = await batch(
            graph,
            one("a", "/me/events", "POST", body=an_event(subject="In a batch"), headers=json_type),
            one("b", f"me/events/{made['id']}", headers={"Prefer": 'IdType="ImmutableId"'}),
            one("c", "/me/events/xyz"),
            one("d", f"/me/events/{made['id']}", "DELETE", dependsOn=["b"]),
            one("e", "/me/calendar", dependsOn=["c"]),
        )
        assert {id_: part["status"] for id_, part in parts.items()} == {
            "a": 201, "b": 200, "c": 400, "d": 204, "e": 424
        }  # fmt: skip
        assert parts["a"]["body"]["subject"] == "In a batch"
        assert parts["b"]["headers"]["Preference-Applied"] == 'IdType="ImmutableId"'
        assert "body" not in parts["d"]
        stale = {**json_type, "If-Match": 'W/"old"'}
        late = await batch(
            graph,
            one("1", f"/me/events/{parts['a']['body']['id']}", "PATCH", body={"subject": "x"}, headers=stale),
        )
        assert late["1"]["status"] == 412

    run(scenario)


def test_malformed_batches_are_400_as_a_whole(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        good = one("1", "/me/calendar")
        for requests in (
            [],
            [one(str(n), "/me/calendar") for n in range(21)],
            [good, good],
            [one("1", "/$batch", "POST")],
            [one("1", "/me/events", "POST", body=an_event())],
            [one("1", "https://graph.microsoft.com/v1.0/me")],
            [one("1", "/me/calendar", dependsOn=["2"])],
            [one("1", "/me/calendar", headers={"Prefer": "\u20ac"})],
            [{"id": "1", "url": "/me"}],
        ):
            await graph.refused(400, "BadRequest", "POST", "/$batch", {"requests": requests})
        twenty = await batch(graph, *(one(str(n), "/me/calendar") for n in range(20)))
        assert {part["status"] for part in twenty.values()} == {200}
        await graph.refused(401, "InvalidAuthenticationToken", "POST", "/$batch", {"requests": [good]}, token="x")

    run(scenario)


def test_trap_13_a_batch_sends_four_at_once_so_that_any_other_call_throttles(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        graph.world.settings.service_time = timedelta(milliseconds=30)
        parts = await batch(graph, *(one(str(n), "/me/calendar") for n in range(12)))
        assert {part["status"] for part in parts.values()} == {200}
        outer = asyncio.create_task(batch(graph, *(one(str(n), "/me/calendar") for n in range(8))))
        await asyncio.sleep(0.01)
        beside = await graph.call("GET", "/me/calendar")
        parts = await outer
        statuses = [beside.status_code, *(part["status"] for part in parts.values())]
        assert 429 in statuses
        for part in parts.values():
            assert (part["status"] == 429) == ("Retry-After" in part["headers"])

    run(scenario)


def test_a_throttled_part_carries_its_own_retry_after(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        graph.world.settings.service_time = timedelta(milliseconds=60)
        held = [asyncio.create_task(graph.call("GET", "/me/calendar")) for _ in range(3)]
        await asyncio.sleep(0.01)
        parts = await batch(graph, one("1", "/me/calendar"), one("2", "/me/calendar"), one("3", "/users/x/calendar"))
        await asyncio.gather(*held)
        assert sorted(part["status"] for part in parts.values()) == [200, 404, 429]
        throttled = next(part for part in parts.values() if part["status"] == 429)
        assert float(throttled["headers"]["Retry-After"]) > 0

    run(scenario)


def ask(*schedules: str, start: str = "2026-11-20", end: str = "2026-11-21", **more: Any) -> dict[str, Any]:
    times = {"startTime": at(start, "00:00"), "endTime": at(end, "00:00")}
    return {"schedules": list(schedules), **times, **more}


def test_trap_15_get_schedule_reads_the_primary_calendar_only_and_elsewhere_looks_free(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        path = "/me/calendar/getSchedule"
        await graph.create(sensitivity="private")
        await graph.create(begin="10:00", until="11:00", showAs="workingElsewhere", location={"displayName": "Home"})
        await graph.create(begin="11:00", until="12:00", showAs="tentative")
        await graph.create(begin="12:00", until="13:00", showAs="oof")
        second = await graph.post("/me/calendars", {"name": "Second"})
        await graph.create(path=f"/me/calendars/{second['id']}/events", begin="14:00", until="15:00")
        body = ask("anna@clinic.example", "nobody@clinic.example", availabilityViewInterval=60)
        mine, unknown = (await graph.post(path, body))["value"]
        assert mine["availabilityView"] == "000000000" + "2013" + "0" * 11
        assert [item["status"] for item in mine["scheduleItems"]] == ["busy", "workingElsewhere", "tentative", "oof"]
        assert [item.get("subject") for item in mine["scheduleItems"]] == [None, "Massage", "Massage", "Massage"]
        assert mine["scheduleItems"][0]["isPrivate"] is True
        assert not any("id" in item for item in mine["scheduleItems"])
        assert unknown["error"]["responseCode"] == "ErrorMailRecipientNotFound"
        theirs = (await graph.post(path, body, token="bert"))["value"][0]
        assert theirs["availabilityView"] == mine["availabilityView"]
        assert not any("subject" in item for item in theirs["scheduleItems"])
        by_app = await graph.post("/users/bert@clinic.example/calendar/getSchedule", body, token="app")
        assert by_app["value"][0]["availabilityView"] == mine["availabilityView"]

    run(scenario)


def test_limits_of_get_schedule(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        path = "/me/calendar/getSchedule"
        await graph.refused(403, "ErrorAccessDenied", "POST", path, ask("paul@outlook.example"), token="paul")
        await graph.refused(400, "ErrorInvalidParameter", "POST", path, ask())
        await graph.refused(400, "ErrorInvalidParameter", "POST", path, ask(*["a@b.example"] * 21))
        for interval in (4, 1441):
            body = ask("anna@clinic.example", availabilityViewInterval=interval)
            await graph.refused(400, "ErrorInvalidParameter", "POST", path, body)
        long = ask("anna@clinic.example", end="2027-01-21")
        await graph.refused(400, "ErrorTimeIntervalTooBig", "POST", path, long)
        assert (await graph.post(path, ask("anna@clinic.example", end="2027-01-20")))["value"][0]["scheduleItems"] == []
        for _ in range(17):
            await graph.create(day="2026-11-20", recurrence=daily("2026-11-20"))
        full = (await graph.post(path, ask("anna@clinic.example", end="2027-01-20")))["value"][0]
        assert full["error"]["responseCode"] == "5006"

    run(scenario)


def test_mailbox_settings_are_read_and_changed(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        path = "/me/mailboxSettings"
        before = await graph.get(path)
        assert (before["timeZone"], before["userPurpose"]) == ("Romance Standard Time", "user")
        assert before["workingHours"]["startTime"] == "08:00:00.0000000"
        hours = {"daysOfWeek": ["monday"], "startTime": "10:00:00", "endTime": "12:30:00.0000000"}
        after = await graph.patch(path, {"timeZone": "Tokyo Standard Time", "workingHours": hours})
        assert after["timeZone"] == "Tokyo Standard Time"
        assert after["workingHours"] == {
            "daysOfWeek": ["monday"],
            "startTime": "10:00:00.0000000",
            "endTime": "12:30:00.0000000",
            "timeZone": {"name": "Tokyo Standard Time"},
        }
        await graph.refused(400, "TimeZoneNotSupportedException", "PATCH", path, {"timeZone": "Moon"})
        await graph.refused(400, "ErrorPropertyValidationFailure", "PATCH", path, {"dateFormat": 5})
        assert (await graph.get(path, token="room"))["userPurpose"] == "room"

    run(scenario)
