"""Series: patterns, daylight saving, exceptions, deleted occurrences, boundaries."""

from typing import Any

import pytest

from tests.sandbox.graph_client import Graph, Run, an_event, at, daily, weekly, window


async def starts(graph: Graph, event: dict[str, Any], span: str = "") -> list[str]:
    rows = await graph.rows(f"/me/events/{event['id']}/instances?{span or window()}&$top=1000")
    return [row["start"]["dateTime"][:16] for row in rows]


def pattern(type_: str, start: str, count: int = 4, **fields: Any) -> dict[str, Any]:
    return {
        "pattern": {"type": type_, "interval": fields.pop("interval", 1), **fields},
        "range": {"type": "numbered", "startDate": start, "numberOfOccurrences": count},
    }


@pytest.mark.parametrize(
    ("recurrence", "expected"),
    [
        (pattern("daily", "2026-01-30", interval=2), ["01-30", "02-01", "02-03", "02-05"]),
        (
            pattern("weekly", "2026-01-30", daysOfWeek=["friday", "monday"], interval=2),
            ["01-30", "02-09", "02-13", "02-23"],
        ),
        (pattern("absoluteMonthly", "2026-01-30", dayOfMonth=30), ["01-30", "02-28", "03-30", "04-30"]),
        (
            pattern("relativeMonthly", "2026-01-30", daysOfWeek=["friday"], index="last"),
            ["01-30", "02-27", "03-27", "04-24"],
        ),
        (pattern("absoluteYearly", "2026-01-30", 2, dayOfMonth=30, month=1), ["01-30", "01-30"]),
        (
            pattern("relativeYearly", "2026-01-30", 2, daysOfWeek=["friday"], month=1, index="last"),
            ["01-30", "01-29"],
        ),
    ],
)
def test_each_pattern_falls_on_the_right_days(run: Run, recurrence: dict[str, Any], expected: list[str]) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(day="2026-01-30", zone="UTC", recurrence=recurrence)
        span = window("2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z")
        assert [s[5:10] for s in await starts(graph, made, span)] == expected
        shown = made["recurrence"]
        assert shown["range"] == {
            "type": "numbered",
            "startDate": "2026-01-30",
            "endDate": "0001-01-01",
            "recurrenceTimeZone": "UTC",
            "numberOfOccurrences": len(expected),
        }
        assert set(shown["pattern"]) == {
            "type", "interval", "month", "dayOfMonth", "daysOfWeek", "firstDayOfWeek", "index"
        }  # fmt: skip
        again = await graph.patch(f"/me/events/{made['id']}", {"recurrence": shown})
        assert again["recurrence"] == shown

    run(scenario)


def test_the_first_day_of_the_week_matters_when_weeks_are_skipped(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        found = []
        for first in ("sunday", "monday"):
            recurrence = weekly("2026-11-03", "tuesday", "sunday")
            recurrence["pattern"] |= {"interval": 2, "firstDayOfWeek": first}
            made = await graph.create(day="2026-11-03", recurrence=recurrence)
            found.append([s[8:10] for s in await starts(graph, made, window(end="2026-11-25T00:00:00Z"))])
        assert found == [["03", "15", "17"], ["03", "08", "17", "22"]]

    run(scenario)


def test_a_series_keeps_its_clock_time_over_daylight_saving(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(day="2026-10-23", recurrence=weekly("2026-10-23", "friday"))
        span = window("2026-10-20T00:00:00Z", "2026-11-01T00:00:00Z")
        assert await starts(graph, made, span) == ["2026-10-23T07:00", "2026-10-30T08:00"]

    run(scenario)


def test_bad_recurrences_are_refused(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        day = "2026-11-20"
        good = weekly(day, "friday")
        bad = [
            {**good, "range": {**good["range"], "startDate": "2026-11-21"}},
            {**good, "range": {**good["range"], "type": "endDate", "endDate": "2026-11-19"}},
            {**good, "range": {**good["range"], "type": "numbered", "numberOfOccurrences": 0}},
            {**good, "range": {**good["range"], "type": "numbered", "numberOfOccurrences": 1000}},
            {"pattern": good["pattern"]},
            weekly(day),
            {**good, "pattern": {"type": "hourly", "interval": 1}},
            {**good, "pattern": {"type": "daily", "interval": 0}},
            {**good, "pattern": {"type": "daily"}},
            {**good, "pattern": {"type": "daily", "interval": 1, "dayOfMonth": 40}},
            {**good, "pattern": {"type": "absoluteMonthly", "interval": 1}},
            {**good, "pattern": {"type": "absoluteYearly", "interval": 1, "dayOfMonth": 1}},
        ]
        for recurrence in bad:
            body = an_event(recurrence=recurrence)
            await graph.refused(400, "ErrorPropertyValidationFailure", "POST", "/me/events", body)
        unknown = {**good, "range": {**good["range"], "recurrenceTimeZone": "Moon Standard Time"}}
        body = an_event(recurrence=unknown)
        await graph.refused(400, "TimeZoneNotSupportedException", "POST", "/me/events", body)

    run(scenario)


def test_the_list_has_masters_the_view_has_occurrences_with_ids_of_their_own(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(recurrence=weekly("2026-11-20", "friday"))
        assert (made["type"], made["seriesMasterId"]) == ("seriesMaster", None)
        assert [e["id"] for e in (await graph.get("/me/events"))["value"]] == [made["id"]]
        view = (await graph.get(f"/me/calendarView?{window()}"))["value"]
        assert [row["start"]["dateTime"][:10] for row in view] == [
            "2026-11-20", "2026-11-27", "2026-12-04", "2026-12-11", "2026-12-18", "2026-12-25"
        ]  # fmt: skip
        assert {row["type"] for row in view} == {"occurrence"}
        assert {row["seriesMasterId"] for row in view} == {made["id"]}
        assert len({row["id"] for row in view}) == 6
        assert len({row["iCalUId"] for row in view} | {made["iCalUId"]}) == 7
        assert {row["uid"] for row in view} == {made["uid"]}
        assert {row["@odata.etag"] for row in view} == {made["@odata.etag"]}
        assert view[1]["originalStart"] == "2026-11-27T08:00:00Z"
        assert view[1]["recurrence"] is None
        one = await graph.get(f"/me/events/{view[1]['id']}")
        assert {**one, "@odata.context": 0} == {**view[1], "@odata.context": 0}

    run(scenario)


def test_an_edited_occurrence_is_an_exception_and_inherits_the_rest(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(recurrence=weekly("2026-11-20", "friday"))
        view = (await graph.get(f"/me/calendarView?{window()}"))["value"]
        second = f"/me/events/{view[1]['id']}"
        moved = await graph.patch(second, {"start": at("2026-11-28", "15:00"), "end": at("2026-11-28", "16:00")})
        assert (moved["type"], moved["subject"]) == ("exception", "Massage")
        assert moved["originalStart"] == "2026-11-27T08:00:00Z"
        await graph.patch(f"/me/events/{made['id']}", {"subject": "Renamed"})
        assert (await graph.get(second))["subject"] == "Renamed"
        await graph.patch(second, {"subject": "Only this"})
        await graph.patch(f"/me/events/{made['id']}", {"subject": "Again"})
        assert (await graph.get(second))["subject"] == "Only this"
        master = await graph.get(f"/me/events/{made['id']}?$expand=exceptionOccurrences")
        assert [e["start"]["dateTime"][:16] for e in master["exceptionOccurrences"]] == ["2026-11-28T14:00"]
        span = window("2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z")
        assert [e["type"] for e in (await graph.get(f"/me/calendarView?{span}"))["value"]] == ["exception"]
        span = window("2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z")
        assert (await graph.get(f"/me/calendarView?{span}"))["value"] == []

    run(scenario)


def test_a_deleted_occurrence_shows_only_in_its_masters_selected_field(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(recurrence=weekly("2026-11-20", "friday"))
        path = f"/me/events/{made['id']}"
        view = (await graph.get(f"/me/calendarView?{window()}"))["value"]
        assert (await graph.call("DELETE", f"/me/events/{view[2]['id']}")).status_code == 204
        await graph.refused(404, "ErrorItemNotFound", "GET", f"/me/events/{view[2]['id']}")
        assert len(await starts(graph, made)) == 5
        assert "cancelledOccurrences" not in await graph.get(path)
        chosen = await graph.get(f"{path}?$select=subject,cancelledOccurrences")
        assert chosen["cancelledOccurrences"] == [f"OID.{made['id']}.2026-12-04"]
        listed = (await graph.get("/me/events?$select=subject,cancelledOccurrences"))["value"][0]
        assert "cancelledOccurrences" not in listed

    run(scenario)


def test_an_occurrence_does_not_cross_its_neighbours(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        await graph.create(recurrence=daily("2026-11-20"))
        view = (await graph.get(f"/me/calendarView?{window()}"))["value"]
        second = f"/me/events/{view[1]['id']}"
        for day in ("2026-11-20", "2026-11-22", "2026-12-20"):
            body = {"start": at(day, "12:00"), "end": at(day, "13:00")}
            await graph.refused(400, "ErrorOccurrenceCrossingBoundary", "PATCH", second, body)
        overlapping = {"end": at("2026-11-22", "09:30")}
        await graph.refused(400, "ErrorOccurrenceCrossingBoundary", "PATCH", second, overlapping)
        assert (await graph.get(second))["type"] == "occurrence"
        await graph.patch(second, {"start": at("2026-11-21", "22:00"), "end": at("2026-11-21", "23:00")})

    run(scenario)


def test_a_new_pattern_drops_exceptions_and_changes_occurrence_ids_a_shortening_does_not(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(recurrence=weekly("2026-11-20", "friday"))
        path = f"/me/events/{made['id']}"
        view = (await graph.get(f"/me/calendarView?{window()}"))["value"]
        await graph.patch(f"/me/events/{view[1]['id']}", {"subject": "Exception"})
        await graph.patch(f"/me/events/{view[4]['id']}", {"subject": "Late exception"})
        short = weekly("2026-11-20", "friday", type="endDate", endDate="2026-12-05")
        await graph.patch(path, {"recurrence": short})
        assert (await graph.get(f"/me/events/{view[1]['id']}"))["subject"] == "Exception"
        await graph.refused(404, "ErrorItemNotFound", "GET", f"/me/events/{view[4]['id']}")
        assert len(await starts(graph, made)) == 3
        await graph.patch(path, {"start": at("2026-11-20", "11:00"), "end": at("2026-11-20", "12:00")})
        await graph.refused(404, "ErrorItemNotFound", "GET", f"/me/events/{view[1]['id']}")
        assert await starts(graph, made) == ["2026-11-20T10:00", "2026-11-27T10:00", "2026-12-04T10:00"]
        single = await graph.patch(path, {"recurrence": None})
        assert (single["type"], single["recurrence"]) == ("singleInstance", None)
        await graph.refused(400, "ErrorInvalidRequest", "GET", f"{path}/instances?{window()}")

    run(scenario)


def test_a_series_starts_at_its_first_occurrence(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(day="2026-11-18", recurrence=weekly("2026-11-18", "friday"))
        assert made["start"]["dateTime"][:10] == "2026-11-20"
        assert made["recurrence"]["range"]["startDate"] == "2026-11-20"

    run(scenario)


def test_an_all_day_series_stays_on_its_dates(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(
            start=at("2026-10-23", "00:00"),
            end=at("2026-10-24", "00:00"),
            isAllDay=True,
            recurrence=weekly("2026-10-23", "friday"),
        )
        span = window("2026-10-20T00:00:00Z", "2026-11-07T00:00:00Z")
        assert await starts(graph, made, span) == ["2026-10-23T00:00", "2026-10-30T00:00", "2026-11-06T00:00"]

    run(scenario)
