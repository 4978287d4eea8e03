"""Events: signed, written with the change, never in its way, lost only after a week."""

import time
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.hosts.reference.api import System
from calsync_core.hosts.reference.app import build_system
from calsync_core.hosts.reference.desk import Terms
from calsync_core.hosts.reference.messages import BookingChange, NewResource, ResourceChange, parse
from calsync_core.keys import host_events_secret
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.reference_host import SETTINGS, Calsync, Clock, Web, booked


class NowClock(Clock):
    """The verifier looks at the real time."""

    def __init__(self) -> None:
        from datetime import UTC, datetime

        self.now = datetime.now(UTC)


def test_a_ready_verifier_accepts_the_signature(client: Any, system: System, calsync: Calsync) -> None:
    own = build_system(SETTINGS, client, post=calsync, clock=NowClock())
    booking = booked(own, "09:00", "10:00", resource_ids=["anna", "room4"])

    url, body, headers = calsync.posted[-1]
    event = Webhook(host_events_secret(SETTINGS.root_key, "main")).verify(body, headers)

    assert url == "https://calsync.example/hooks/host/main"
    assert headers["webhook-id"] == event["id"]
    assert event.keys() == {"id", "type", "occurred_at", "subject_id", "resource_ids", "version"}
    assert (event["type"], event["subject_id"], event["version"]) == ("booking.upserted", booking.id, "1")
    assert event["resource_ids"] == ["anna", "room4"]
    with pytest.raises(WebhookVerificationError):
        Webhook(host_events_secret(SETTINGS.root_key, "other")).verify(body, headers)


def test_every_change_tells_its_kind_and_old_and_new_resources(system: System, calsync: Calsync) -> None:
    booking = booked(system, "09:00", "10:00")
    system.desk.change(booking.id, parse(BookingChange, '{"resource_ids": ["room4"]}'), Terms())
    system.desk.cancel(booking.id, Terms())
    system.register.add(parse(NewResource, '{"id": "max", "name": "Max", "kind": "staff", "time_zone": "UTC"}'))
    system.register.change("max", parse(ResourceChange, '{"name": "Max B."}'))
    system.register.change("max", parse(ResourceChange, '{"working_hours": {"weekly": []}}'))

    assert [(event["type"], event["resource_ids"]) for event in calsync.events] == [
        ("booking.upserted", ["anna"]),
        ("booking.upserted", ["anna", "room4"]),
        ("booking.upserted", ["room4"]),
        ("resource.upserted", ["max"]),
        ("resource.upserted", ["max"]),
        ("hours.changed", ["max"]),
    ]


def test_blocks_refusals_dry_runs_and_repeats_tell_nothing(web: Web, system: System, calsync: Calsync) -> None:
    booking = booked(system, "09:00", "10:00")
    calsync.posted.clear()

    block = {"resource_id": "anna", "start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z"}
    assert web("PUT", "/host/blocks/b", block | {"origin": {"system": "calsync", "ref": "b"}}).status == 201
    assert web("DELETE", "/host/blocks/b").status == 204
    assert web("PATCH", f"/host/bookings/{booking.id}?dry_run=1", {"start": "2026-11-23T08:30:00Z"}).status == 200
    assert web("PATCH", f"/host/bookings/{booking.id}", {"start": "2026-11-23T05:00:00Z"}).status == 409
    assert web("PATCH", f"/host/bookings/{booking.id}", {"title": ""}).status == 200

    assert calsync.posted == []


def test_a_calsync_that_is_down_neither_fails_nor_slows_bookings(system: System, calsync: Calsync) -> None:
    calsync.status = None
    started = time.monotonic()
    for number in range(5):
        booked(system, f"{9 + number:02}:00", f"{9 + number:02}:30")

    assert time.monotonic() - started < 5
    assert system.outbox.deliver_pending(100).waiting == 5


def test_a_post_that_fails_twice_is_left_to_the_sweep(client: Any, system: System, clock: Clock) -> None:
    tries: list[str] = []

    def fail(url: str, body: bytes, headers: dict[str, str]) -> int:
        tries.append(url)
        return 503

    own = build_system(SETTINGS, client, post=fail, clock=clock)
    for hour in (9, 10, 11, 12):
        booked(own, f"{hour:02}:00", f"{hour:02}:30")

    assert len(tries) == 2


def test_what_waits_goes_out_in_order_with_the_next_change_of_a_new_process(
    client: Any, system: System, clock: Clock, calsync: Calsync
) -> None:
    calsync.status = 500
    first = booked(system, "09:00", "10:00")
    clock.pass_time(timedelta(minutes=1))
    calsync.status, calsync.posted = 202, []

    own = build_system(SETTINGS, client, post=calsync, clock=clock)
    second = booked(own, "10:00", "11:00")

    assert [event["subject_id"] for event in calsync.events] == [first.id, second.id]
    assert own.outbox.deliver_pending(10).waiting == 0


def test_a_crash_between_write_and_post_loses_no_event(
    client: Any, system: System, clock: Clock, calsync: Calsync
) -> None:
    class Crash(BaseException):
        """The process is gone; nothing catches it."""

    def crash(url: str, body: bytes, headers: dict[str, str]) -> int:
        raise Crash

    with pytest.raises(Crash):
        booked(build_system(SETTINGS, client, post=crash, clock=clock), "09:00", "10:00")

    after = build_system(SETTINGS, client, post=calsync, clock=clock)
    assert after.outbox.deliver_pending(10).delivered == 1
    assert after.calendars.find(calsync.events[0]["subject_id"]).booking.title == ""


def test_the_sweep_delivers_over_http_and_stops_at_the_first_silence(
    web: Web, system: System, clock: Clock, calsync: Calsync
) -> None:
    calsync.status = None
    for number in range(3):
        clock.pass_time(timedelta(seconds=1))
        booked(system, f"{9 + number:02}:00", f"{9 + number:02}:30")

    assert web("POST", "/host/events/deliver").json == {"delivered": 0, "waiting": 3}
    calsync.status = 202
    assert web("POST", "/host/events/deliver").json == {"delivered": 3, "waiting": 0}
    assert len({headers["webhook-id"] for _, _, headers in calsync.posted}) == 3


def test_an_event_that_is_refused_does_not_hold_up_the_others(client: Any, system: System, clock: Clock) -> None:
    seen: list[str] = []

    def picky(url: str, body: bytes, headers: dict[str, str]) -> int:
        seen.append(headers["webhook-id"])
        return 400 if headers["webhook-id"] == seen[0] else 202

    own = build_system(SETTINGS, client, post=picky, clock=clock)
    booked(own, "09:00", "10:00")
    clock.pass_time(timedelta(seconds=1))
    booked(own, "10:00", "11:00")

    assert own.outbox.deliver_pending(10).waiting == 1


def test_an_error_inside_delivery_does_not_become_the_bookings_answer(
    client: Any, system: System, clock: Clock
) -> None:
    def broken(url: str, body: bytes, headers: dict[str, str]) -> int:
        raise ValueError("a bug")

    booking = booked(build_system(SETTINGS, client, post=broken, clock=clock), "09:00", "10:00")

    assert system.calendars.find(booking.id).booking == booking
