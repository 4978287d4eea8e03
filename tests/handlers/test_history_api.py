"""/v1: runs and their undo, "why", what was set aside, and ended conflicts, on a clinic whose runs really happen."""

import json
from dataclasses import replace
from typing import Any

import pytest
from calsync_core.domain.appointments import Busy, Customer
from calsync_core.domain.conflicts import Conflict, ConflictKind, ConflictStatus, Resolution
from calsync_core.domain.errors import AppointmentRejectedError
from calsync_core.domain.ids import ConflictId, LinkRef, ResourceId
from calsync_core.domain.resources import Degraded

from tests.console_world import MAIN, NOW, OTHER, World
from tests.living_world import living_clinic
from tests.small_clinic import Clinic, at

ANNA = "/v1/resources/anna"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def clinic(world: World) -> Clinic:
    return living_clinic(world)


def _ok(answer: tuple[int, Any], status: int = 200) -> Any:
    assert answer[0] == status, answer[1]
    return answer[1]


def _moved_booking(clinic: Clinic) -> str:
    booking = clinic.system.book(["anna"], at(3, 10), service_name="Massage", customer=Customer("M. Muster"))
    clinic.settle()
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 12))
    clinic.settle()
    return booking


def test_runs_are_listed_looked_at_and_undone(world: World, clinic: Clinic) -> None:
    booking = _moved_booking(clinic)

    [run] = _ok(world.api("GET", f"{ANNA}/runs"))["items"]
    assert (run["counts"], run["undone"], run["undo_asked"]) == ({"booking_moved": 1}, None, False)
    preview = _ok(world.api("GET", f"{ANNA}/runs/{run['id']}"))
    [step] = preview["steps"]
    assert (step["code"], step["will_do"], step["booking_id"]) == ("undo_booking_back", True, booking)
    assert (step["was"]["start"], step["to"]["start"]) == ("2026-11-26T10:00:00Z", "2026-11-26T12:00:00Z")
    assert preview["not_looked_at"] == 0

    assert _ok(world.api("POST", f"{ANNA}/runs/{run['id']}/undo"), 202) == {"accepted": True}
    assert _ok(world.api("GET", f"{ANNA}/runs"))["items"][0]["undo_asked"]
    clinic.settle()

    assert clinic.system.bookings[booking].when == at(3, 10)  # type: ignore[index]
    undone = next(one for one in _ok(world.api("GET", f"{ANNA}/runs"))["items"] if one["id"] == run["id"])
    assert undone["undone_by"] == "API key test"
    assert not undone["undo_asked"]
    assert _ok(world.api("GET", f"{ANNA}/runs/{run['id']}"))["steps"][0]["code"] == "undo_there_again"


def test_an_undo_of_nothing_and_by_a_key_that_only_reads(world: World, clinic: Clinic) -> None:
    assert world.api("GET", f"{ANNA}/runs/none")[1]["code"] == "run_unknown"
    assert world.api("POST", f"{ANNA}/runs/none/undo")[0] == 404
    assert world.api("POST", f"{ANNA}/runs/none/undo", key=world.api_key(scope="read"))[0] == 403
    _moved_booking(clinic)
    run = _ok(world.api("GET", f"{ANNA}/runs"))["items"][0]["id"]
    for path in (f"{ANNA}/runs", f"{ANNA}/runs/{run}", f"{ANNA}/why?title=x"):
        assert world.api("GET", path, key=world.api_key(OTHER))[1]["code"] == "resource_unknown"


def test_why_names_rule_reason_and_what_was_done_last(world: World, clinic: Clinic) -> None:
    booking = _moved_booking(clinic)
    clinic.mailbox().create_entry(at(4, 10), "Dentist", busy=Busy.FREE)
    clinic.run()

    [free] = _ok(world.api("GET", f"{ANNA}/why?at=2026-11-27T10:30:00Z"))["items"]
    [booked] = _ok(world.api("GET", f"{ANNA}/why?booking_id={booking}"))["items"]
    by_title = _ok(world.api("GET", f"{ANNA}/why?title=muster"))

    assert (free["kind"], free["rule"], free["code"], free["title"]) == ("entry", "R21", "entry_free", None)
    assert free["text"] == "It is shown as free in the calendar"
    assert (free["next_try"], free["link"]) == ("next_never", None)
    assert (booked["kind"], booked["rule"], booked["code"]) == ("booking", "R2", "in_step")
    assert booked["link"]["written"]
    assert booked["last_to_booking_system"]["code"] == "booking_moved"
    assert booked["last_to_booking_system"]["appointment"]["start"] == "2026-11-26T12:00:00Z"
    assert booked["last_to_calendar"]["code"] == "copy_created"
    assert by_title["items"] == [booked]
    assert by_title["sides"] == [{"name": "primary", "known": True, "reason": None},
                                 {"name": "host", "known": True, "reason": None}]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "question_missing"),
        ("title=%20", "question_missing"),
        ("at=tomorrow", "instant_unreadable"),
        ("from=2026-11-23T09:00:00Z", "instant_unreadable"),
        ("from=2026-11-23T09:00:00Z&to=2026-11-23T09:00:00Z", "span_inverted"),
        ("from=2026-11-23T09:00:00Z&to=2027-11-23T09:00:00Z", "span_too_long"),
        (f"title={'x' * 300}", "input_invalid"),
    ],
)
def test_questions_that_cannot_be_answered(world: World, clinic: Clinic, query: str, code: str) -> None:
    status, body = world.api("GET", f"{ANNA}/why?{query}")

    assert (status, body["code"]) == (422, code)


def test_no_private_title_and_no_title_that_may_not_be_read_is_in_any_answer(world: World, clinic: Clinic) -> None:
    clinic.settings(from_calendar__privacy="full", from_calendar__private="full")
    clinic.mailbox().create_entry(at(3, 9), "SECRET oncologist", is_private=True)
    clinic.settle()
    clinic.settings(from_calendar__privacy="anonymous", from_calendar__private="block_time")
    clinic.mailbox().create_entry(at(3, 11), "SECRET dentist")
    clinic.settle()

    answers = [
        world.api("GET", f"{ANNA}/why?{query}")[1]
        for query in ("from=2026-11-26T00:00:00Z&to=2026-11-27T00:00:00Z", "title=SECRET", "title=dentist")
    ]

    assert len(answers[0]["items"]) == 2
    assert [one["items"] for one in answers[1:]] == [[], []]
    assert "SECRET" not in json.dumps(answers)


def test_what_was_set_aside_is_listed_and_tried_again(world: World, clinic: Clinic) -> None:
    clinic.system.book(["anna"], at(3, 10))

    def refuse(operation: str, phase: str) -> None:
        if operation == "create" and phase == "before":
            raise AppointmentRejectedError("request_refused")

    clinic.fault = refuse
    clinic.settle()
    clinic.fault = lambda _operation, _phase: None

    [one] = _ok(world.api("GET", f"{ANNA}/set-aside"))["items"]
    assert (one["kind"], one["code"], one["time"]["start"]) == ("booking", "request_refused", "2026-11-26T10:00:00Z")
    path = f"{ANNA}/set-aside/try-again"
    assert world.api("POST", path, {"reference": "nobody"})[1]["code"] == "not_quarantined"
    assert _ok(world.api("POST", path, {"reference": one["reference"]})) == {"tried": 1}
    clinic.settle()

    assert len(clinic.copies()) == 1
    assert _ok(world.api("GET", f"{ANNA}/set-aside"))["items"] == []
    assert _ok(world.api("POST", path)) == {"tried": 0}


def test_a_stop_line_is_confirmed_over_the_api(world: World, clinic: Clinic) -> None:
    assert world.api("POST", f"{ANNA}/stop-line", {"what": "confirm"})[0] == 409
    state = world.state()
    world.stores.resources.save(replace(state, degraded=Degraded("stop_line", NOW)))

    assert world.api("POST", f"{ANNA}/stop-line", {"what": "both"})[0] == 422
    assert _ok(world.api("POST", f"{ANNA}/stop-line", {"what": "confirm"}), 202) == {"accepted": True}

    assert world.state().is_stop_line_confirmed


def test_ended_conflicts_say_how_they_ended(world: World, clinic: Clinic) -> None:
    def conflict(name: str, **fields: Any) -> None:
        new = Conflict(ConflictId(name), MAIN, ResourceId("anna"), ConflictKind.MOVED, LinkRef(f"b-{name}"), None, None,
                       None, at(3, 10), at(3, 12), NOW)  # fmt: skip
        world.stores.conflicts.save(replace(new, **fields))

    conflict("open")
    conflict("left", status=ConflictStatus.LEFT, ended_at=NOW, ended_by="A. Braun", resolution=Resolution.LEAVE_BOTH)
    conflict("settled", status=ConflictStatus.SETTLED, ended_at=at(1, 0).start_at)

    assert [one["id"] for one in _ok(world.api("GET", "/v1/conflicts"))["items"]] == ["open"]
    ended = _ok(world.api("GET", "/v1/conflicts?status=ended"))["items"]
    assert [(one["id"], one["status"], one["resolution"], one["ended_by"]) for one in ended] == [
        ("settled", "settled", None, None), ("left", "left", "leave_both", "A. Braun"),
    ]  # fmt: skip
    assert _ok(world.api("GET", "/v1/conflicts/settled"))["booking_time"]["start"] == "2026-11-26T10:00:00Z"
    assert world.api("GET", "/v1/conflicts/none")[1]["code"] == "conflict_unknown"
    assert world.api("GET", "/v1/conflicts/settled", key=world.api_key(OTHER))[0] == 404
    assert world.api("GET", "/v1/conflicts?status=all")[1]["field"] == "status"
