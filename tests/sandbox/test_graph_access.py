"""Who may ask what, and how refusals look."""

from datetime import timedelta

from sandbox.calendars import MailboxState
from tests.sandbox.graph_client import ANNA, BERT, ROOM, Graph, Run, an_event, window


def test_a_call_without_a_good_token_is_challenged(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        for token in ("expired", "never issued"):
            answer = await graph.refused(401, "InvalidAuthenticationToken", "GET", "/me/calendar", token=token)
            assert answer.headers["www-authenticate"].startswith('Bearer realm=""')
        bare = await graph.client.get("/me/calendar")
        assert bare.status_code == 401

    run(scenario)


def test_every_answer_carries_graphs_headers_and_echoes_the_clients_request_id(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        mine = "4145e871-21e9-4e4b-8144-b577f2336017"
        good = await graph.call("GET", "/me/calendar", headers={"client-request-id": mine})
        bad = await graph.call("GET", "/me/events/xyz", headers={"client-request-id": mine})
        for answer in (good, bad):
            assert answer.headers["client-request-id"] == mine
            assert len(answer.headers["request-id"]) == 36
            assert "ServerInfo" in answer.headers["x-ms-ags-diagnostic"]
            assert answer.headers["date"].endswith("GMT")
        assert bad.json()["error"]["innerError"]["client-request-id"] == mine
        alone = await graph.call("GET", "/me/calendar")
        assert alone.headers["client-request-id"] == alone.headers["request-id"]

    run(scenario)


def test_scopes_and_roles_decide(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        denied = [
            ("nothing", "GET", "/me/calendar", None),
            ("anna-reads", "POST", "/me/events", an_event()),
            ("anna-reads", "GET", "/me/mailboxSettings", None),
            ("app-reads", "POST", f"/users/{ANNA}/events", an_event()),
            ("anna", "GET", f"/users/{BERT}/calendar", None),
        ]
        for token, method, path, body in denied:
            await graph.refused(403, "ErrorAccessDenied", method, path, body, token=token)
        await graph.get("/me/calendar", token="anna-reads")
        await graph.get("/users/anna@clinic.example/calendar", token="app")
        await graph.get("/users/ANNA@Clinic.example/calendar", token="anna")
        await graph.refused(400, "BadRequest", "GET", "/me/calendar", token="app")
        await graph.refused(404, "ErrorInvalidUser", "GET", f"/users/{ANNA}/calendar", token="foreign-app")

    run(scenario)


def test_mailboxes_that_cannot_be_reached_say_why(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        anna = graph.world.mailboxes.by_id(ANNA)
        assert anna is not None
        for state, status, code in (
            (MailboxState.NO_REST, 404, "MailboxNotEnabledForRESTAPI"),
            (MailboxState.UNLICENSED, 404, "ErrorNonExistentMailbox"),
            (MailboxState.NO_MAILBOX, 400, "ErrorMissingEmailAddress"),
            (MailboxState.MISSING, 404, "ErrorInvalidUser"),
        ):
            anna.state = state
            await graph.refused(status, code, "GET", "/me/calendars")
        anna.state = MailboxState.OUT_OF_POLICY
        answer = await graph.refused(403, "ErrorAccessDenied", "GET", f"/users/{ANNA}/calendars", token="app")
        assert answer.json()["error"]["message"] == "Access to OData is disabled."
        assert (await graph.call("GET", "/me/calendars")).status_code == 200

    run(scenario)


def test_a_rooms_calendar_in_the_custodians_list_has_ids_of_its_own(run: Run) -> None:
    """Ids of the copy and of the owner's mailbox are not interchangeable; the room is seen as owner."""

    async def scenario(graph: Graph) -> None:
        room, anna = graph.world.mailboxes.by_id(ROOM), graph.world.mailboxes.by_id(ANNA)
        assert room is not None
        assert anna is not None
        graph.world.mailboxes.share(room.default.calendar, anna, "write")
        listed = (await graph.get("/me/calendars"))["value"]
        shared = next(c for c in listed if c["owner"]["address"] == "room1@clinic.example")
        assert (shared["name"], shared["canEdit"], shared["isDefaultCalendar"]) == ("Room 1", True, False)
        made = await graph.create(path=f"/me/calendars/{shared['id']}/events")

        in_room = (await graph.get("/me/calendar/events", token="room"))["value"]
        assert [e["subject"] for e in in_room] == ["Massage"]
        assert in_room[0]["id"] != made["id"]
        assert (await graph.get(f"/me/events/{made['id']}"))["subject"] == "Massage"
        await graph.refused(404, "ErrorItemNotFound", "GET", f"/me/events/{in_room[0]['id']}")
        own = await graph.get("/me/calendar", token="room")
        await graph.refused(404, "ErrorItemNotFound", "GET", f"/me/calendars/{own['id']}/events")
        through_owner = await graph.get(f"/users/{ROOM}/calendar/events", token="anna-shared")
        assert through_owner["value"][0]["id"] == in_room[0]["id"]

    run(scenario)


def test_a_read_share_shows_private_appointments_as_time_only_and_takes_no_writes(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        bert, anna = graph.world.mailboxes.by_id(BERT), graph.world.mailboxes.by_id(ANNA)
        assert bert is not None
        assert anna is not None
        graph.world.mailboxes.share(bert.default.calendar, anna, "read")
        secret = {"contentType": "text", "content": "secret"}
        await graph.create("bert", subject="Doctor", sensitivity="private", body=secret)
        shared = (await graph.get("/me/calendars?$filter=name eq 'Bert Braun'"))["value"][0]
        assert (shared["canEdit"], shared["canViewPrivateItems"]) == (False, False)
        path = f"/me/calendars/{shared['id']}"
        seen = (await graph.get(f"{path}/calendarView?{window()}"))["value"][0]
        assert (seen["subject"], seen["bodyPreview"]) == ("Private Appointment", "")
        await graph.refused(403, "ErrorAccessDenied", "POST", f"{path}/events", an_event())
        await graph.refused(403, "ErrorAccessDenied", "DELETE", f"/me/events/{seen['id']}")

    run(scenario)


def test_a_calendar_shared_the_old_way_answers_500_for_ever(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        bert, anna = graph.world.mailboxes.by_id(BERT), graph.world.mailboxes.by_id(ANNA)
        assert bert is not None
        assert anna is not None
        graph.world.mailboxes.share(bert.default.calendar, anna, "read")
        bert.default.calendar.is_shared_old_way = True
        shared = (await graph.get("/me/calendars"))["value"][1]
        path = f"/me/calendars/{shared['id']}/events"
        for _ in range(2):
            await graph.refused(500, "ErrorInternalServerTransientError", "GET", path)

    run(scenario)


def test_unknown_segments_and_methods_are_refused_in_graphs_shape(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        await graph.refused(400, "BadRequest", "GET", "/me/calenders", checked=False)
        await graph.refused(405, "Request_BadRequest", "PATCH", "/me/events", {}, checked=False)

    run(scenario)


def test_trap_13_the_fifth_call_at_once_on_one_mailbox_is_throttled(run: Run) -> None:
    """Trap 14 too: Retry-After is a decimal."""

    async def scenario(graph: Graph) -> None:
        import asyncio

        graph.world.settings.service_time = timedelta(milliseconds=40)
        answers = await asyncio.gather(*(graph.call("GET", "/me/calendar") for _ in range(5)))
        assert sorted(a.status_code for a in answers) == [200, 200, 200, 200, 429]
        throttled = next(a for a in answers if a.status_code == 429)
        assert throttled.json()["error"] == {
            **throttled.json()["error"],
            "code": "ApplicationThrottled",
            "message": "Application is over its MailboxConcurrency limit.",
        }
        assert "." in throttled.headers["retry-after"]
        others = await asyncio.gather(
            *(graph.call("GET", "/me/calendar", token=t) for t in ("anna", "anna", "bert", "bert", "room", "room"))
        )
        assert {a.status_code for a in others} == {200}
        graph.world.settings.enforces_limits = False
        free = await asyncio.gather(*(graph.call("GET", "/me/calendar") for _ in range(9)))
        assert {a.status_code for a in free} == {200}

    run(scenario)


def test_the_ten_thousand_and_first_call_in_ten_minutes_waits_for_the_first_to_age(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        from sandbox.graph import throttling

        graph.world.clock.advance(timedelta(minutes=1))
        limit = 10
        before = throttling.MAX_REQUESTS
        throttling.MAX_REQUESTS = limit
        try:
            for _ in range(limit):
                await graph.get("/me/calendar")
            answer = await graph.refused(429, "TooManyRequests", "GET", "/me/calendar")
            assert 599 < float(answer.headers["retry-after"]) <= 600
            await graph.get("/me/calendar", token="bert")
            graph.world.clock.advance(timedelta(minutes=10))
            await graph.get("/me/calendar")
        finally:
            throttling.MAX_REQUESTS = before

    run(scenario)


def test_an_owner_shares_his_calendar_and_takes_the_share_back(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        path = "/me/calendar/calendarPermissions"
        body = {"emailAddress": {"address": "anna@clinic.example", "name": "Anna"}, "role": "read"}
        given = await graph.post(path, body, token="bert")
        assert (given["role"], given["emailAddress"]["address"]) == ("read", "anna@clinic.example")
        await graph.refused(409, "ErrorPermissionAlreadyExists", "POST", path, body, token="bert")
        listed = (await graph.get("/me/calendars"))["value"]
        assert [c["name"] for c in listed] == ["Calendar", "Bert Braun"]
        shared = f"/me/calendars/{listed[1]['id']}/calendarPermissions"
        await graph.refused(403, "ErrorAccessDenied", "POST", shared, body)
        assert (await graph.call("DELETE", f"{path}/{given['id']}", token="bert")).status_code == 204
        await graph.refused(404, "ErrorItemNotFound", "DELETE", f"{path}/{given['id']}", token="bert")
        assert len((await graph.get("/me/calendars"))["value"]) == 1

    run(scenario)
