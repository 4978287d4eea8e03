"""The change feed: windows, rounds, generations, and what it does not tell."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from tests.sandbox.graph_client import Graph, Run, at, daily, weekly, window

VIEW = f"/me/calendarView/delta()?{window('2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z')}"
REMOVED = {"reason": "deleted"}


def test_a_round_ends_with_a_delta_link_and_the_next_one_tells_what_changed(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        graph.world.settings.key_rotation_seconds = None
        first = await graph.create(subject="One")
        rows, link = await graph.round(VIEW)
        assert [r["subject"] for r in rows] == ["One"]
        assert link.startswith("https://graph.test/v1.0/me/calendarView/delta()?$deltatoken=")
        second = await graph.create(subject="Two")
        await graph.patch(f"/me/events/{first['id']}", {"subject": "One again"})
        rows, link = await graph.round(link)
        assert [(r["id"], r["subject"]) for r in rows] == [(second["id"], "Two"), (first["id"], "One again")]
        await graph.call("DELETE", f"/me/events/{second['id']}")
        rows, link = await graph.round(link)
        assert rows == [{"@removed": REMOVED, "id": second["id"]}]
        rows, link = await graph.round(link)
        assert rows == []

    run(scenario)


def test_trap_1_moved_out_and_created_outside_read_as_removed(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create()
        _, link = await graph.round(VIEW)
        await graph.patch(f"/me/events/{made['id']}", {"start": at("2027-03-01"), "end": at("2027-03-01", "10:00")})
        outside = await graph.create(day="2027-05-05")
        rows, _ = await graph.round(link)
        assert rows == [{"@removed": REMOVED, "id": made["id"]}, {"@removed": REMOVED, "id": outside["id"]}]
        assert (await graph.get(f"/me/events/{made['id']}"))["start"]["dateTime"][:10] == "2027-03-01"

    run(scenario)


def test_trap_2_the_window_stays_where_it_was(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        _, link = await graph.round(VIEW)
        graph.world.clock.advance(timedelta(days=60))
        await graph.create(day="2027-01-15")
        rows, _ = await graph.round(link)
        assert [set(r) for r in rows] == [{"@removed", "id"}]

    run(scenario)


def test_trap_3_a_rotated_change_key_comes_through_the_feed(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create()
        _, link = await graph.round(VIEW)
        graph.world.clock.advance(timedelta(seconds=10))
        rows, _ = await graph.round(link)
        assert [(r["id"], r["subject"]) for r in rows] == [(made["id"], made["subject"])]
        assert rows[0]["@odata.etag"] != made["@odata.etag"]

    run(scenario)


def test_trap_6_lists_give_ten_rows_and_a_full_last_page_is_followed_by_an_empty_one(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        graph.world.settings.delta_starts_empty = True
        for number in range(20):
            await graph.create(subject=str(number))
        pages = await graph.pages("/me/events")
        assert [len(p["value"]) for p in pages] == [10, 10, 0]
        assert "$skip=10" in pages[0]["@odata.nextLink"]
        pages = await graph.pages(VIEW)
        assert [len(p["value"]) for p in pages] == [0, 10, 10]
        assert "$skiptoken=" in pages[0]["@odata.nextLink"]
        pages = await graph.pages(VIEW, prefer="odata.maxpagesize=15")
        assert [len(p["value"]) for p in pages] == [0, 15, 5]

    run(scenario)


def test_trap_7_occurrences_are_abbreviated_and_a_series_is_never_split(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        await graph.create(subject="Before")
        made = await graph.create(subject="Series", day="2026-11-02", recurrence=daily("2026-11-02"))
        await graph.create(subject="After")
        view = await graph.rows(f"/me/calendarView?{window('2026-11-05T00:00:00Z', '2026-11-06T00:00:00Z')}")
        await graph.patch(f"/me/events/{view[0]['id']}", {"subject": "Edited"})
        pages = await graph.pages(VIEW, prefer="odata.maxpagesize=5")
        assert [len(p["value"]) for p in pages] == [31, 1]
        rows = pages[0]["value"]
        assert [r["subject"] for r in rows[:2]] == ["Before", "Series"]
        assert rows[1]["type"] == "seriesMaster"
        assert rows[1]["recurrence"] is not None
        plain = [r for r in rows if r["type"] == "occurrence"]
        assert len(plain) == 28
        assert {tuple(sorted(r)) for r in plain} == {("end", "id", "seriesMasterId", "start", "type")}
        assert {r["seriesMasterId"] for r in plain} == {made["id"]}
        edited = [r for r in rows if r["type"] == "exception"]
        assert [(r["subject"], r["originalStart"]) for r in edited] == [("Edited", "2026-11-05T08:00:00Z")]

    run(scenario)


@pytest.mark.parametrize(("mode", "expected"), [("silent", 0), ("removed", 1), ("series", 4)])
def test_trap_7_a_deleted_occurrence_may_not_be_told_at_all(run: Run, mode: str, expected: int) -> None:
    async def scenario(graph: Graph) -> None:
        graph.world.settings.key_rotation_seconds = None
        graph.world.settings.delta_deleted_occurrence = mode  # type: ignore[assignment]
        made = await graph.create(day="2026-11-06", recurrence=weekly("2026-11-06", "friday"))
        _, link = await graph.round(VIEW)
        view = await graph.rows(f"/me/calendarView?{window('2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z')}")
        await graph.call("DELETE", f"/me/events/{view[1]['id']}")
        rows, link = await graph.round(link)
        assert len(rows) == expected
        if mode == "removed":
            assert rows == [{"@removed": REMOVED, "id": view[1]["id"]}]
        await graph.patch(f"/me/events/{made['id']}", {"subject": "Touched"})
        rows, _ = await graph.round(link)
        assert [r["type"] for r in rows] == ["seriesMaster"] + 3 * ["occurrence"]

    run(scenario)


def test_three_generations_are_kept_then_the_state_is_gone(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        links = [(await graph.round(VIEW))[1]]
        for _ in range(3):
            links.append((await graph.round(links[-1]))[1])
        for old in (links[1], links[2]):
            await graph.round(old)
        gone = await graph.refused(410, "SyncStateNotFound", "GET", links[0])
        text = gone.json()["error"]["message"]
        assert text.startswith("The sync state generation is not found; generation=1;[highest=6]")
        graph.world.delta_chains.clear()
        await graph.refused(410, "SyncStateNotFound", "GET", links[-1])

    run(scenario)


def test_one_delta_link_can_be_replayed_with_the_same_news(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        _, link = await graph.round(VIEW)
        await graph.create()
        once, _ = await graph.round(link)
        twice, _ = await graph.round(link)
        assert once == twice != []

    run(scenario)


def test_options_that_delta_does_not_know_are_refused(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        for option in ("$select=subject", "$filter=subject eq 'x'", "$expand=extensions", "$top=5", "$search=x"):
            await graph.refused(400, "ErrorInvalidUrlQuery", "GET", f"{VIEW}&{option}")
        await graph.refused(400, "ErrorInvalidParameter", "GET", "/me/calendarView/delta()")
        _, link = await graph.round(VIEW)
        await graph.refused(400, "SyncStateInvalid", "GET", link[:-3])
        await graph.refused(400, "SyncStateInvalid", "GET", link, token="bert")

    run(scenario)


def test_each_calendar_has_its_own_chain_and_a_move_is_removed_here_and_created_there(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        second = await graph.post("/me/calendars", {"name": "Second"})
        there = f"/me/calendars/{second['id']}/calendarView/delta?{window()}"
        made = await graph.create()
        _, here_link = await graph.round(VIEW)
        rows, there_link = await graph.round(there)
        assert rows == []
        anna = next(iter(graph.world.mailboxes))
        entry = next(iter(anna.default.calendar.entries.values()))
        target = next(f.calendar for f in anna.folders.values() if f.name == "Second")
        graph.world.mailboxes.move_to_calendar(entry, target)
        gone, _ = await graph.round(here_link)
        came, _ = await graph.round(there_link)
        assert gone == [{"@removed": REMOVED, "id": made["id"]}]
        assert [r["subject"] for r in came] == ["Massage"]
        assert came[0]["id"] != made["id"]
        swapped = here_link.replace("/me/calendarView", f"/me/calendars/{second['id']}/calendarView")
        await graph.refused(400, "SyncStateInvalid", "GET", swapped)

    run(scenario)


def test_the_feed_may_lag_behind_the_change(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        graph.world.settings.key_rotation_seconds = None
        _, link = await graph.round(VIEW)
        graph.world.settings.delta_lag = timedelta(seconds=30)
        await graph.create()
        rows, link = await graph.round(link)
        assert rows == []
        graph.world.clock.advance(timedelta(seconds=31))
        rows, link = await graph.round(link)
        assert [r["subject"] for r in rows] == ["Massage"]

    run(scenario)


def test_duplicates_mode_repeats_an_entry_within_a_round(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        graph.world.settings.delta_repeats_entries = True
        made = await graph.create()
        rows, _ = await graph.round(VIEW)
        assert [r["id"] for r in rows] == [made["id"], made["id"]]

    run(scenario)


def test_trap_8_the_kind_of_ids_follows_each_requests_own_preference(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        graph.world.settings.key_rotation_seconds = None
        made = await graph.create()
        page = await graph.call("GET", VIEW, prefer='IdType="ImmutableId", odata.maxpagesize=50')
        assert page.headers["preference-applied"] == ('IdType="ImmutableId", odata.maxpagesize=50, odata.track-changes')
        immutable = page.json()["value"][0]["id"]
        link = page.json()["@odata.deltaLink"]
        assert immutable != made["id"]
        await graph.call("DELETE", f"/me/events/{immutable}")
        plain, _ = await graph.round(link)
        fixed, _ = await graph.round(link, prefer='IdType="ImmutableId"')
        assert [plain[0]["id"], fixed[0]["id"]] == [made["id"], immutable]

    run(scenario)


def test_changes_during_a_first_round_come_in_the_next_one(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        graph.world.settings.key_rotation_seconds = None
        made = [await graph.create(subject=str(n)) for n in range(15)]
        page = await graph.get(VIEW)
        await graph.patch(f"/me/events/{made[0]['id']}", {"subject": "late"})
        await graph.call("DELETE", f"/me/events/{made[14]['id']}")
        rows, link = await graph.round(page["@odata.nextLink"])
        assert [r["subject"] for r in rows] == ["10", "11", "12", "13"]
        rows, _ = await graph.round(link)
        assert [r.get("subject", "removed") for r in rows] == ["late", "removed"]

    run(scenario)


def test_events_delta_has_masters_and_exceptions_but_no_occurrences(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        await graph.create(day="2026-11-06", recurrence=weekly("2026-11-06", "friday"))
        view = await graph.rows(f"/me/calendarView?{window()}")
        await graph.patch(f"/me/events/{view[1]['id']}", {"subject": "Edited"})
        await graph.create(day="2020-01-01")
        rows, link = await graph.round("/me/events/delta()")
        assert [r["type"] for r in rows] == ["seriesMaster", "exception", "singleInstance"]
        rows, _ = await graph.round("/me/events/delta()?startDateTime=2026-01-01T00:00:00Z")
        assert [r["type"] for r in rows] == ["seriesMaster", "exception"]
        await graph.refused(400, "SyncStateInvalid", "GET", link.replace("/events/", "/calendarView/"))

    run(scenario)


def test_a_calendar_without_delta_refuses_it(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        next(iter(graph.world.mailboxes)).default.calendar.supports_delta = False
        await graph.refused(501, "NotImplemented", "GET", VIEW)
        await graph.get(f"/me/calendarView?{window()}")

    run(scenario)


def test_trap_17_links_are_absolute_on_the_host_that_the_client_used(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        for _ in range(11):
            await graph.create()
        headers = {"Host": "graph.microsoft.us:8443"}
        for path in ("/me/events", VIEW):
            page = (await graph.call("GET", path, headers=headers, checked=False)).json()
            assert page["@odata.nextLink"].startswith("https://graph.microsoft.us:8443/v1.0/me/")

    run(scenario)


def test_an_offset_in_the_window_counts_and_needs_encoding(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        await graph.create(day="2026-11-20", begin="00:30", until="00:45")
        end = quote("2026-11-20T00:40:00+01:00")
        start = quote("2026-11-20T00:00:00+01:00")
        rows = await graph.rows(f"/me/calendarView?startDateTime={start}&endDateTime={end}")
        assert len(rows) == 1
        utc = window("2026-11-20T00:00:00", "2026-11-20T00:40:00")
        assert await graph.rows(f"/me/calendarView?{utc}", prefer='outlook.timezone="Romance Standard Time"') == []
        unencoded = "startDateTime=2026-11-20T00:00:00+01:00&endDateTime=2026-11-20T00:40:00+01:00"
        await graph.refused(400, "ErrorInvalidParameter", "GET", f"/me/calendarView?{unencoded}")

    run(scenario)


def test_views_of_more_than_1825_days_are_refused(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        span = window("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
        await graph.refused(400, "ErrorCalendarViewRangeTooBig", "GET", f"/me/calendarView?{span}")
        backwards = window("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z")
        await graph.refused(400, "ErrorInvalidParameter", "GET", f"/me/calendarView?{backwards}")

    run(scenario)
