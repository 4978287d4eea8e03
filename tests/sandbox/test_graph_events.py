"""Creating, reading, changing and deleting events."""

from datetime import timedelta

from tests.sandbox.graph_client import PROPERTY, Graph, Run, an_event, at, window

FIND = f"/me/events?$filter=singleValueExtendedProperties/Any(ep: ep/id eq '{PROPERTY}' and ep/value eq '%s')"
EXPAND = f"$expand=singleValueExtendedProperties($filter=id eq '{PROPERTY}')"


def test_times_come_out_in_utc_with_seven_digits_unless_a_zone_is_preferred(run: Run) -> None:
    """Trap 8: the zone holds for the request that names it only."""

    async def scenario(graph: Graph) -> None:
        made = await graph.create()
        assert made["start"] == {"dateTime": "2026-11-20T08:00:00.0000000", "timeZone": "UTC"}
        assert made["originalStartTimeZone"] == "Romance Standard Time"
        for zone, hour in (("Romance Standard Time", "09"), ("America/New_York", "03")):
            answer = await graph.call("GET", f"/me/events/{made['id']}", prefer=f'outlook.timezone="{zone}"')
            assert answer.json()["start"] == {"dateTime": f"2026-11-20T{hour}:00:00.0000000", "timeZone": zone}
            assert answer.headers["preference-applied"] == f'outlook.timezone="{zone}"'
        await graph.refused(
            400, "TimeZoneNotSupportedException", "GET", "/me/events", prefer='outlook.timezone="Moon Standard Time"'
        )

    run(scenario)


def test_defaults_of_a_new_event(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(subject="  Two\r\nlines ")
        shown = {name: made[name] for name in ("subject", "type", "showAs", "sensitivity", "isOrganizer")}
        assert shown == {
            "subject": "Two lines",
            "type": "singleInstance",
            "showAs": "busy",
            "sensitivity": "normal",
            "isOrganizer": True,
        }
        assert (made["isReminderOn"], made["reminderMinutesBeforeStart"]) == (True, 15)
        assert made["responseStatus"] == {"response": "organizer", "time": "0001-01-01T00:00:00Z"}
        assert made["@odata.etag"] == f'W/"{made["changeKey"]}"'
        assert "originalStart" not in made
        silent = await graph.create(isReminderOn=False)
        assert silent["isReminderOn"] is False

    run(scenario)


def test_bad_events_are_refused(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        midnight = {"start": at("2026-11-20", "00:00"), "end": at("2026-11-21", "00:00"), "isAllDay": True}
        bad = [
            ({"subject": "no times"}, "ErrorPropertyValidationFailure"),
            (an_event(begin="11:00"), "ErrorPropertyValidationFailure"),
            (an_event(subject="x" * 256), "ErrorPropertyValidationFailure"),
            (an_event(zone="Moon Standard Time"), "TimeZoneNotSupportedException"),
            (an_event(start={"dateTime": "yesterday", "timeZone": "UTC"}), "ErrorPropertyValidationFailure"),
            (an_event(showAs="away"), "RequestBodyRead"),
            (an_event(isAllDay="yes"), "RequestBodyRead"),
            (an_event(colour="red"), "RequestBodyRead"),
            (an_event(reminderMinutesBeforeStart=-5), "ErrorPropertyValidationFailure"),
            (an_event(isAllDay=True), "ErrorPropertyValidationFailure"),
            ({**midnight, "end": midnight["start"]}, "ErrorPropertyValidationFailure"),
            ({**midnight, "end": at("2026-11-21", "00:00", "UTC")}, "ErrorPropertyValidationFailure"),
            (an_event(attendees=[{"type": "required"}]), "ErrorPropertyValidationFailure"),
            (an_event(transactionId=""), "ErrorPropertyValidationFailure"),
            ([], "BadRequest"),
        ]
        for body, code in bad:
            await graph.refused(400, code, "POST", "/me/events", body)
        assert (await graph.get("/me/events"))["value"] == []
        assert (await graph.create(subject="x" * 255))["subject"] == "x" * 255

    run(scenario)


def test_trap_9_all_day_events_are_floating_dates_whatever_zone_is_asked_for(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(start=at("2026-11-20", "00:00"), end=at("2026-11-22", "00:00"), isAllDay=True)
        for zone in ("UTC", "Pacific Standard Time", "Tokyo Standard Time"):
            shown = await graph.get(f"/me/events/{made['id']}", prefer=f'outlook.timezone="{zone}"')
            assert shown["start"] == {"dateTime": "2026-11-20T00:00:00.0000000", "timeZone": zone}
            assert shown["end"]["dateTime"] == "2026-11-22T00:00:00.0000000"

    run(scenario)


def test_trap_16_the_three_new_canadian_zones_and_iana_names_are_accepted(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        for zone, shown in (
            ("Alberta Standard Time", "Alberta Standard Time"),
            ("British Columbia Standard Time", "British Columbia Standard Time"),
            ("Manitoba Standard Time", "Manitoba Standard Time"),
            ("Europe/Copenhagen", "Romance Standard Time"),
            ("Etc/UTC", "UTC"),
        ):
            made = await graph.create(zone=zone)
            assert made["originalStartTimeZone"] == shown
        names = {row["alias"] for row in (await graph.get("/me/outlook/supportedTimeZones()"))["value"]}
        assert {"Alberta Standard Time", "UTC", "Romance Standard Time"} <= names
        iana = await graph.get("/me/outlook/supportedTimeZones(TimeZoneStandard='Iana')")
        assert "Europe/Copenhagen" in {row["alias"] for row in iana["value"]}

    run(scenario)


def test_trap_16_a_legacy_entry_shows_the_custom_zone(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        from dataclasses import replace

        made = await graph.create()
        entry = next(iter(next(iter(graph.world.mailboxes)).default.calendar.entries.values()))
        entry.content = replace(entry.content, zone_label="tzone://Microsoft/Custom")
        shown = await graph.get(f"/me/events/{made['id']}")
        assert shown["originalStartTimeZone"] == "tzone://Microsoft/Custom"

    run(scenario)


def test_html_bodies_are_rewritten_and_text_comes_by_preference(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        html = '<p onclick="x()">Hello <b>you</b></p><script>alert(1)</script>'
        made = await graph.create(body={"contentType": "html", "content": html})
        content = made["body"]["content"]
        assert content.startswith("<html>")
        assert "<p>Hello <b>you</b></p>" in content
        assert "script" not in content
        assert made["bodyPreview"] == "Hello you"
        text = await graph.get(f"/me/events/{made['id']}", prefer='outlook.body-content-type="text"')
        assert text["body"] == {"contentType": "text", "content": "Hello you"}
        plain = await graph.create(body={"contentType": "text", "content": "a < b\nc"})
        assert plain["body"]["contentType"] == "html"
        assert "a &lt; b" in plain["body"]["content"]
        back = await graph.get(f"/me/events/{plain['id']}", prefer='outlook.body-content-type="text"')
        assert back["body"]["content"] == "a < b\nc"
        again = await graph.patch(f"/me/events/{made['id']}", {"body": made["body"]})
        assert again["body"] == made["body"]

    run(scenario)


def test_trap_3_the_change_key_rotates_after_a_create_without_a_visible_change(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create()
        path = f"/me/events/{made['id']}"
        graph.world.clock.advance(timedelta(seconds=4))
        assert (await graph.get(path))["changeKey"] == made["changeKey"]
        graph.world.clock.advance(timedelta(seconds=2))
        match = {"If-Match": made["@odata.etag"]}
        for method, body in (("PATCH", {"subject": "x"}), ("DELETE", None)):
            await graph.refused(412, "ErrorIrresolvableConflict", method, path, body, headers=match)
        now = await graph.get(path)
        assert now["changeKey"] != made["changeKey"]
        assert {**now, "changeKey": 0, "@odata.etag": 0} == {**made, "changeKey": 0, "@odata.etag": 0}
        graph.world.clock.advance(timedelta(hours=1))
        changed = await graph.call("PATCH", path, {"subject": "x"}, headers={"If-Match": now["@odata.etag"]})
        assert changed.status_code == 200
        assert changed.headers["etag"] == changed.json()["@odata.etag"]

    run(scenario)


def test_the_rotation_can_be_switched_off_and_does_not_hit_what_was_changed_meanwhile(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create()
        changed = await graph.patch(f"/me/events/{made['id']}", {"subject": "changed"})
        graph.world.settings.key_rotation_seconds = None
        calm = await graph.create()
        graph.world.clock.advance(timedelta(minutes=1))
        for event in (changed, calm):
            assert (await graph.get(f"/me/events/{event['id']}"))["changeKey"] == event["changeKey"]

    run(scenario)


def test_trap_4_a_transaction_id_replays_its_event_and_is_refused_for_another(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(transactionId="T-1")
        again = await graph.create(transactionId="T-1")
        assert again["id"] == made["id"]
        assert again["transactionId"] == "T-1"
        assert len((await graph.get("/me/events"))["value"]) == 1
        other = an_event(subject="Other", transactionId="T-1")
        await graph.refused(409, "ErrorDuplicateTransactionId", "POST", "/me/events", other)
        assert (await graph.call("DELETE", f"/me/events/{made['id']}")).status_code == 204
        same = an_event(transactionId="T-1")
        await graph.refused(409, "ErrorDuplicateTransactionId", "POST", "/me/events", same)
        assert (await graph.create(transactionId="T-2"))["id"] != made["id"]
        assert (await graph.create("bert", transactionId="T-1"))["id"] != made["id"]

    run(scenario)


def test_an_extended_property_is_not_echoed_but_found_and_expanded(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        mark = [{"id": PROPERTY, "value": "B-77|1"}]
        made = await graph.create(singleValueExtendedProperties=mark)
        await graph.create(singleValueExtendedProperties=[{"id": PROPERTY, "value": "B-78|1"}])
        await graph.create()
        assert "singleValueExtendedProperties" not in made
        found = (await graph.get(FIND % "b-77|1"))["value"]
        assert [e["id"] for e in found] == [made["id"]]
        shouted = FIND.replace("66f5a359-4659-4830-9070-00047ec6ac6e", "66F5A359-4659-4830-9070-00047EC6AC6E")
        assert len((await graph.get(shouted % "B-77|1"))["value"]) == 1
        assert (await graph.get(FIND.replace("calsyncId", "CalsyncId") % "B-77|1"))["value"] == []
        starts = FIND.replace("ep/value eq '%s'", "startswith(ep/value, 'B-7')")
        assert len((await graph.get(starts))["value"]) == 2
        shown = await graph.get(f"/me/events/{made['id']}?{EXPAND}")
        assert shown["singleValueExtendedProperties"] == mark
        rows = (await graph.get(f"/me/events?$select=id&{EXPAND}"))["value"]
        assert sorted("singleValueExtendedProperties" in row for row in rows) == [False, True, True]
        view = (await graph.get(f"/me/calendarView?{window()}&{EXPAND}"))["value"]
        assert sum("singleValueExtendedProperties" in row for row in view) == 2
        await graph.patch(
            f"/me/events/{made['id']}", {"singleValueExtendedProperties": [{"id": PROPERTY, "value": "new"}]}
        )
        assert (await graph.get(FIND % "B-77|1"))["value"] == []
        wrong = [{"id": "String Name calsyncId", "value": "1"}]
        body = an_event(singleValueExtendedProperties=wrong)
        await graph.refused(400, "ErrorInvalidExtendedProperty", "POST", "/me/events", body)

    run(scenario)


def test_the_search_for_a_mark_runs_over_all_calendars_of_the_mailbox(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        calendar = await graph.post("/me/calendars", {"name": "Second"})
        path = f"/me/calendars/{calendar['id']}/events"
        made = await graph.create(path=path, singleValueExtendedProperties=[{"id": PROPERTY, "value": "x"}])
        assert (await graph.get("/me/events"))["value"] == []
        assert [e["id"] for e in (await graph.get(FIND % "x"))["value"]] == [made["id"]]

    run(scenario)


def test_only_named_fields_of_a_patch_change(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(
            categories=["Red"], location={"displayName": "Here"}, body={"contentType": "text", "content": "note"}
        )
        path = f"/me/events/{made['id']}"
        changed = await graph.patch(path, {"showAs": "oof", "sensitivity": "private"})
        same = ("subject", "start", "end", "categories", "body", "location", "id", "iCalUId", "createdDateTime")
        assert {name: changed[name] for name in same} == {name: made[name] for name in same}
        assert (changed["showAs"], changed["sensitivity"]) == ("oof", "private")
        assert changed["changeKey"] != made["changeKey"]
        places = await graph.patch(path, {"locations": [{"displayName": "A"}, {"displayName": "B"}]})
        assert (places["location"]["displayName"], len(places["locations"])) == ("A", 2)
        nowhere = await graph.patch(path, {"location": None})
        assert nowhere["locations"] == []
        await graph.refused(400, "ErrorPropertyValidationFailure", "PATCH", path, {"end": at("2026-11-19")})
        assert (await graph.get(path))["end"] == made["end"]

    run(scenario)


def test_an_online_meeting_stays_one(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(isOnlineMeeting=True, onlineMeetingProvider="teamsForBusiness")
        assert made["onlineMeeting"]["joinUrl"].startswith("https://")
        off = await graph.patch(f"/me/events/{made['id']}", {"isOnlineMeeting": False})
        assert (off["isOnlineMeeting"], off["onlineMeeting"]) == (True, made["onlineMeeting"])

    run(scenario)


def test_stale_foreign_and_invented_ids(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create()
        for bad in ("xyz", made["id"][:-8], made["id"].swapcase()):
            await graph.refused(400, "ErrorInvalidIdMalformed", "GET", f"/me/events/{bad}")
        await graph.refused(404, "ErrorItemNotFound", "GET", f"/me/events/{made['id']}", token="bert")
        assert (await graph.call("DELETE", f"/me/events/{made['id']}")).status_code == 204
        for method in ("GET", "DELETE"):
            await graph.refused(404, "ErrorItemNotFound", method, f"/me/events/{made['id']}")

    run(scenario)


def test_a_move_changes_the_ordinary_id_and_keeps_the_immutable_one(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        store = graph.world.mailboxes
        made = await graph.create()
        fixed = await graph.get(f"/me/events/{made['id']}", prefer='IdType="ImmutableId"')
        assert fixed["id"] != made["id"]
        calendar = await graph.post("/me/calendars", {"name": "Second"})
        anna = next(iter(store))
        entry = next(iter(anna.default.calendar.entries.values()))
        target = next(f.calendar for f in anna.folders.values() if f.name == "Second")
        store.move_to_calendar(entry, target)
        await graph.refused(404, "ErrorItemNotFound", "GET", f"/me/events/{made['id']}")
        after = await graph.get(f"/me/events/{fixed['id']}", prefer='IdType="ImmutableId"')
        assert after["id"] == fixed["id"]
        now = (await graph.get(f"/me/calendars/{calendar['id']}/events"))["value"][0]
        assert now["id"] not in (made["id"], fixed["id"])
        ask = {"inputIds": [now["id"], made["id"][:-4]], "sourceIdType": "restId"}
        good, bad = (await graph.post("/me/translateExchangeIds", {**ask, "targetIdType": "restImmutableEntryId"}))[
            "value"
        ]
        assert good["targetId"] == fixed["id"]
        assert bad["errorDetails"]["code"] == "ErrorInvalidIdMalformed"
        store.move_to_calendar(entry, anna.default.calendar)
        await graph.refused(404, "ErrorItemNotFound", "GET", f"/me/events/{made['id']}")

    run(scenario)


def test_delete_and_permanent_delete_end_an_event(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create()
        assert (await graph.call("POST", f"/me/events/{made['id']}/permanentDelete")).status_code == 204
        await graph.refused(404, "ErrorItemNotFound", "GET", f"/me/events/{made['id']}")

    run(scenario)


def test_open_extensions_are_found_by_name_only(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        bag = {"@odata.type": "microsoft.graph.openTypeExtension", "extensionName": "com.calsync", "booking": "7"}
        made = await graph.create(extensions=[bag])
        path = f"/me/events/{made['id']}/extensions"
        assert (await graph.get(f"{path}/com.calsync"))["booking"] == "7"
        found = await graph.get(
            "/me/events?$filter=Extensions/any(f:f/id eq 'Microsoft.OutlookServices.OpenTypeExtension.com.calsync')"
        )
        assert len(found["value"]) == 1
        shown = await graph.get(f"/me/events/{made['id']}?$expand=extensions($filter=id eq 'com.calsync')")
        assert shown["extensions"][0]["booking"] == "7"
        assert (await graph.call("DELETE", f"{path}/com.calsync")).status_code == 204

    run(scenario)
