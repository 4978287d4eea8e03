"""Attendees: mails in the outbox, copies in other mailboxes, answers."""

from typing import Any

from tests.sandbox.graph_client import Graph, Run, at, weekly, window

GUEST = {"emailAddress": {"address": "guest@elsewhere.example", "name": "Guest"}, "type": "required"}
BERT_INVITED = {"emailAddress": {"address": "bert@clinic.example", "name": "Bert"}, "type": "required"}
ROOM_INVITED = {"emailAddress": {"address": "room1@clinic.example"}, "type": "resource"}


def kinds(graph: Graph) -> list[tuple[str, tuple[str, ...]]]:
    return [(mail.kind, tuple(p.address for p in mail.to)) for mail in graph.world.mailboxes.outbox]


async def only(graph: Graph, token: str) -> dict[str, Any]:
    rows = (await graph.get(f"/me/calendarView?{window()}", token=token))["value"]
    assert len(rows) == 1
    return rows[0]


def test_events_without_attendees_send_nothing(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create()
        await graph.patch(f"/me/events/{made['id']}", {"start": at("2026-11-20", "08:00")})
        await graph.call("DELETE", f"/me/events/{made['id']}")
        assert kinds(graph) == []

    run(scenario)


def test_trap_5_attendees_are_mailed_at_once_at_each_change_and_at_the_end(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        guest = ("guest@elsewhere.example",)
        made = await graph.create(attendees=[GUEST])
        assert made["attendees"][0]["status"] == {"response": "none", "time": "0001-01-01T00:00:00Z"}
        path = f"/me/events/{made['id']}"
        await graph.patch(path, {"showAs": "oof"})
        assert kinds(graph) == [("invitation", guest)]
        await graph.patch(path, {"start": at("2026-11-20", "08:00")})
        await graph.patch(path, {"attendees": [GUEST, BERT_INVITED]})
        await graph.patch(path, {"attendees": [GUEST]})
        await graph.call("DELETE", path)
        bert = ("bert@clinic.example",)
        assert kinds(graph)[1:] == [
            ("update", guest),
            ("invitation", bert),
            ("cancellation", bert),
            ("cancellation", guest),
        ]

    run(scenario)


def test_an_invitation_stands_in_the_attendees_calendar_and_the_answer_comes_back(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(attendees=[BERT_INVITED])
        seen = await only(graph, "bert")
        assert (seen["isOrganizer"], seen["showAs"], seen["responseStatus"]["response"]) == (
            False,
            "tentative",
            "notResponded",
        )
        assert seen["organizer"]["emailAddress"]["address"] == "anna@clinic.example"
        assert (seen["iCalUId"], seen["id"] != made["id"]) == (made["iCalUId"], True)
        for action, response, shown in (
            ("tentativelyAccept", "tentativelyAccepted", "tentative"),
            ("accept", "accepted", "busy"),
            ("decline", "declined", "busy"),
        ):
            path = f"/me/events/{seen['id']}/{action}"
            answer = await graph.call("POST", path, {"comment": "ok", "sendResponse": True}, token="bert")
            assert answer.status_code == 202
            assert answer.content == b""
            now = await only(graph, "bert")
            assert (now["responseStatus"]["response"], now["showAs"]) == (response, shown)
            noted = await graph.get(f"/me/events/{made['id']}")
            assert noted["attendees"][0]["status"]["response"] == response
        assert kinds(graph)[-1] == ("reply", ("anna@clinic.example",))
        await graph.refused(400, "ErrorInvalidRequest", "POST", f"/me/events/{made['id']}/accept", {})

    run(scenario)


def test_moving_a_meeting_asks_its_attendees_again(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(attendees=[BERT_INVITED])
        seen = await only(graph, "bert")
        await graph.call("POST", f"/me/events/{seen['id']}/accept", {}, token="bert")
        await graph.patch(
            f"/me/events/{made['id']}", {"start": at("2026-11-20", "14:00"), "end": at("2026-11-20", "15:00")}
        )
        now = await only(graph, "bert")
        assert now["start"]["dateTime"][11:16] == "13:00"
        assert now["responseStatus"]["response"] == "notResponded"

    run(scenario)


def test_only_the_organizer_cancels_and_the_copies_say_so(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(attendees=[BERT_INVITED])
        seen = await only(graph, "bert")
        refusal = await graph.refused(
            400, "ErrorInvalidRequest", "POST", f"/me/events/{seen['id']}/cancel", {}, token="bert"
        )
        assert refusal.json()["error"]["message"].endswith("You need to be an organizer to cancel a meeting.")
        cancelled = await graph.call("POST", f"/me/events/{made['id']}/cancel", {"Comment": "ill"})
        assert cancelled.status_code == 202
        await graph.refused(404, "ErrorItemNotFound", "GET", f"/me/events/{made['id']}")
        now = await only(graph, "bert")
        assert (now["isCancelled"], now["subject"], now["showAs"]) == (True, "Canceled: Massage", "free")
        assert graph.world.mailboxes.outbox[-1].comment == "ill"

    run(scenario)


def test_a_room_accepts_what_is_free_and_declines_what_is_taken(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        first = await graph.create(attendees=[ROOM_INVITED])
        second = await graph.create("bert", attendees=[ROOM_INVITED])
        for token, made, expected in (("anna", first, "accepted"), ("bert", second, "declined")):
            shown = await graph.get(f"/me/events/{made['id']}", token=token)
            assert shown["attendees"][0]["status"]["response"] == expected

    run(scenario)


def test_one_occurrence_of_a_meeting_is_changed_and_cancelled_for_attendees_too(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        await graph.create(attendees=[BERT_INVITED], recurrence=weekly("2026-11-20", "friday"))
        view = (await graph.get(f"/me/calendarView?{window()}"))["value"]
        await graph.patch(
            f"/me/events/{view[0]['id']}", {"start": at("2026-11-20", "08:00"), "end": at("2026-11-20", "09:00")}
        )
        await graph.call("DELETE", f"/me/events/{view[1]['id']}")
        theirs = (await graph.get(f"/me/calendarView?{window()}", token="bert"))["value"]
        assert [(r["start"]["dateTime"][5:16], r["isCancelled"]) for r in theirs[:3]] == [
            ("11-20T07:00", False),
            ("11-27T08:00", True),
            ("12-04T08:00", False),
        ]
        answer = await graph.call("POST", f"/me/events/{theirs[2]['id']}/decline", {}, token="bert")
        assert answer.status_code == 202
        again = (await graph.get(f"/me/calendarView?{window()}", token="bert"))["value"]
        assert [r["responseStatus"]["response"] for r in again[:4]] == [
            "notResponded",
            "notResponded",
            "declined",
            "notResponded",
        ]

    run(scenario)


def test_a_mailbox_that_does_not_keep_declined_meetings_loses_them(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        graph.world.settings.keeps_declined = False
        await graph.create(attendees=[BERT_INVITED])
        seen = await only(graph, "bert")
        await graph.call("POST", f"/me/events/{seen['id']}/decline", {"sendResponse": False}, token="bert")
        assert (await graph.get("/me/events", token="bert"))["value"] == []
        assert [kind for kind, _ in kinds(graph)] == ["invitation"]

    run(scenario)


def test_forwarding_and_reminders(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create()
        path = f"/me/events/{made['id']}"
        answer = await graph.call("POST", f"{path}/forward", {"toRecipients": [GUEST], "comment": "see"})
        assert answer.status_code == 202
        assert kinds(graph) == [("forward", ("guest@elsewhere.example",))]
        await graph.refused(400, "ErrorPropertyValidationFailure", "POST", f"{path}/forward", {"toRecipients": []})
        assert (await graph.call("POST", f"{path}/dismissReminder")).status_code == 200
        snooze = {"newReminderTime": at("2026-11-20", "08:30")}
        assert (await graph.call("POST", f"{path}/snoozeReminder", snooze)).status_code == 200
        await graph.patch(path, {"isReminderOn": False})
        await graph.refused(400, "ErrorInvalidRequest", "POST", f"{path}/dismissReminder")
        assert (await graph.get(f"{path}/attachments"))["value"] == []

    run(scenario)
