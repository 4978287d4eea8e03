"""Leaving and pausing: the state first, then only what is ours, in steps that may stop anywhere and be repeated."""

from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.appointments import Copy, Mark, Timed
from calsync_core.domain.connections import Subscription
from calsync_core.domain.errors import ConsentRevokedError, InputError, ProviderUnavailableError
from calsync_core.domain.ids import BookingId, CalendarId, EntryId, ResourceId
from calsync_core.domain.links import Link, Origin, booking_ref, entry_ref
from calsync_core.domain.resources import Status
from calsync_core.domain.windows import Window
from calsync_core.usecases.disconnect_resource import DisconnectResource, disconnect_resource
from calsync_core.usecases.finish_disconnect import finish_disconnect
from calsync_core.usecases.pause_resource import PauseResource, pause_resource
from calsync_core.usecases.resume_resource import resume_resource

from tests.journey_world import ACCOUNT, ANNA, BEN, NOW, ROOM, JourneyWorld

PRIMARY = CalendarId("calendar-1")
WHEN = Timed(NOW + timedelta(days=1), NOW + timedelta(days=1, hours=1))
WINDOW = Window(NOW - timedelta(days=7), NOW + timedelta(days=60))


def with_copies(world: JourneyWorld, number: int = 3, resource: ResourceId = ANNA) -> list[EntryId]:
    """Copies of bookings in the calendar and blocks at the host, linked as a run leaves them."""
    mailbox = world.access._open("anna")
    written = []
    for index in range(number):
        booking = BookingId(f"{resource}-b{index}")
        mark = Mark("inst", ACCOUNT, resource, booking, 1)
        entry = mailbox.create(PRIMARY, Copy(WHEN, "Europe/Berlin", "Visit"), mark, f"t-{booking}")
        written.append(entry.id)
        world.stores.links.put(
            ACCOUNT,
            Link(
                booking_ref(booking),
                resource,
                Origin.HOST,
                PRIMARY,
                WHEN,
                WHEN.start_at,
                WHEN.end_at,
                booking,
                entry.id,
            ),
        )
    own_id = world.sign_in.people["anna"].server.create_entry(WHEN, title="Dentist")
    world.stores.links.put(
        ACCOUNT,
        Link(
            entry_ref(resource, PRIMARY, own_id), resource, Origin.CALENDAR, PRIMARY, WHEN, WHEN.start_at, WHEN.end_at,
            entry_id=own_id,
        ),
    )  # fmt: skip
    return written


def entries(world: JourneyWorld) -> set[str]:
    server = world.sign_in.people["anna"].server
    return {one for one, item in server.items.items() if not item.is_gone}


def disconnect(world: JourneyWorld, resource: ResourceId = ANNA, *, remove: bool = True) -> None:
    command = DisconnectResource(ACCOUNT, resource, "Anna", remove_copies=remove)
    disconnect_resource(world.ports, world.queue, command)


def finish(world: JourneyWorld, resource: ResourceId = ANNA, seconds: int = 60) -> bool:
    ports = world.ports
    until = world.clock.now() + timedelta(seconds=seconds)
    return finish_disconnect(
        ports.stores, ports.host, ports.calendars.of_mailbox, ports.clock, ACCOUNT, resource, until
    )


def test_disconnecting_removes_our_copies_and_nothing_else() -> None:
    world = JourneyWorld()
    world.connect()
    copies = with_copies(world)
    everything = entries(world)

    disconnect(world)
    assert world.state().status is Status.DISCONNECTED
    assert not world.state().may_sync
    assert entries(world) == everything  # the state comes first
    assert finish(world)

    assert entries(world) == everything - set(copies)
    assert not list(world.stores.links.all(ACCOUNT, ANNA))
    assert not world.stores.connections.of_account(ACCOUNT)
    state = world.state()
    assert (state.mailbox, state.primary) == (None, None)
    assert finish(world)


def test_the_tokens_are_forgotten() -> None:
    world = JourneyWorld()
    world.connect()
    mailbox = world.state().mailbox
    assert mailbox is not None
    disconnect(world)
    finish(world)
    assert world.stores.credentials.load(ACCOUNT, mailbox) is None


def test_copies_may_be_kept() -> None:
    world = JourneyWorld()
    world.connect()
    with_copies(world)
    before = entries(world)
    disconnect(world, remove=False)
    assert finish(world)
    assert entries(world) == before
    assert not list(world.stores.links.all(ACCOUNT, ANNA))
    assert world.access._open("anna").calls["delete"] == 0


def test_an_entry_behind_a_link_that_does_not_carry_our_mark_stays() -> None:
    """A link alone is not enough: the person may have put something else in its place."""
    world = JourneyWorld()
    world.connect()
    copy = with_copies(world, 1)[0]
    server = world.sign_in.people["anna"].server
    item = server.items[copy]
    assert item.entry.mark is not None
    item.entry = replace(item.entry, mark=replace(item.entry.mark, booking=BookingId("another")))
    disconnect(world)
    assert finish(world)
    assert copy in entries(world)


def test_the_time_may_run_out_and_the_rest_follows() -> None:
    world = JourneyWorld()
    world.connect()
    copies = with_copies(world, 30)
    disconnect(world)

    assert not finish(world, seconds=0)
    assert world.state().mailbox is not None
    assert set(copies) <= entries(world)
    [due] = [one for one in world.stores.due.due(world.clock.now() + timedelta(minutes=2)) if one.kind == "wait"]
    assert due.subject == ANNA

    assert finish(world)
    assert not set(copies) & entries(world)


@pytest.mark.parametrize("crash_at", range(12))
def test_a_crash_between_any_two_steps_is_harmless(crash_at: int) -> None:
    world = JourneyWorld()
    world.connect()
    copies = with_copies(world, 3)
    own = entries(world) - set(copies)
    disconnect(world)
    calls = []

    def fault(operation: str, phase: str) -> None:
        calls.append(operation)
        if len(calls) == crash_at + 1:
            raise ProviderUnavailableError

    world.access._open("anna").fault = fault
    for _ in range(5):
        try:
            if finish(world):
                break
        except ProviderUnavailableError:
            continue
    assert entries(world) == own
    assert world.state().mailbox is None


def test_without_access_the_connection_still_ends() -> None:
    world = JourneyWorld()
    world.connect()
    with_copies(world)

    def fault(operation: str, phase: str) -> None:
        raise ConsentRevokedError

    disconnect(world)
    world.access._open("anna").fault = fault
    assert finish(world)
    assert not world.stores.connections.of_account(ACCOUNT)


def test_the_other_resource_of_the_mailbox_goes_on() -> None:
    world = JourneyWorld()
    world.connect()
    world.connect(ROOM)
    with_copies(world, 2)
    rooms = with_copies(world, 2, ROOM)
    mailbox = world.state().mailbox
    assert mailbox is not None
    row = Subscription("hash", mailbox, PRIMARY, "sub", "s", NOW, (ANNA, ROOM), ACCOUNT)
    world.stores.connections.save_subscription(row)

    disconnect(world)
    assert finish(world)

    assert set(rooms) <= entries(world)
    [connection] = world.stores.connections.of_account(ACCOUNT)
    assert connection.resources == (ROOM,)
    [left] = world.stores.connections.subscriptions(ACCOUNT, mailbox)
    assert left.resources == (ROOM,)
    assert world.access._open("anna").calls["unsubscribe"] == 0
    assert world.stores.credentials.load(ACCOUNT, mailbox) is not None


def test_the_last_resource_unsubscribes() -> None:
    world = JourneyWorld()
    world.connect()
    mailbox = world.state().mailbox
    assert mailbox is not None
    row = Subscription("hash", mailbox, PRIMARY, "sub", "s", NOW, (ANNA,), ACCOUNT)
    world.stores.connections.save_subscription(row)
    disconnect(world)
    finish(world)
    assert world.access._open("anna").calls["unsubscribe"] == 1
    assert world.stores.connections.subscription("hash") is None


def test_a_run_that_still_works_is_not_disturbed() -> None:
    world = JourneyWorld()
    world.connect()
    copies = with_copies(world)
    now = world.clock.now()
    lease = world.stores.leases.take(ACCOUNT, ANNA, now, now + timedelta(minutes=1))
    assert lease is not None
    disconnect(world)
    assert not finish(world)
    assert set(copies) <= entries(world)
    world.stores.leases.give_back(lease)
    assert finish(world)


def test_disconnecting_twice_is_harmless_and_told_once() -> None:
    world = JourneyWorld()
    world.connect()
    disconnect(world)
    disconnect(world)
    assert [mail.kind for mail in world.mailer.sent].count("notice") == 1


def test_a_resource_may_be_connected_again_afterwards_but_not_during() -> None:
    world = JourneyWorld()
    world.connect()
    disconnect(world)
    world.clock.advance(timedelta(hours=2))
    browser = world.browser()
    token = world.invite().token
    browser.get(f"/i/{token}").press("Continue to Microsoft").come_back(code="anna")
    finish(world)
    browser.submit("/calendars", primary=PRIMARY)
    assert world.state().status is Status.IMPORTING


def test_what_is_not_connected_cannot_be_disconnected() -> None:
    with pytest.raises(InputError, match="not_connected"):
        disconnect(JourneyWorld(), BEN)


# -- pause --------------------------------------------------------------------------------------------------------


def connected(world: JourneyWorld) -> None:
    world.connect()
    state = world.state()
    done = replace(state.moved_to(Status.CONNECTED, world.clock.now()), last_sync_at=world.clock.now())
    world.stores.resources.save(done)
    world.queue.take_all()


def test_a_pause_stops_says_who_and_ends_by_its_date() -> None:
    world = JourneyWorld()
    connected(world)
    until = world.clock.now() + timedelta(days=3)

    pause_resource(world.ports, PauseResource(ACCOUNT, ANNA, "Anna Weber", until))

    state = world.state()
    assert (state.status, state.paused_by, state.paused_until_at) == (Status.PAUSED, "Anna Weber", until)
    assert not state.may_sync
    [due] = [one for one in world.stores.due.due(until) if one.kind == "resume"]
    assert due.due_at == until
    assert "until 23 November 2026" in world.last_mail("notice").subject


def test_a_pause_may_be_made_longer_or_open_ended() -> None:
    world = JourneyWorld()
    connected(world)
    pause_resource(world.ports, PauseResource(ACCOUNT, ANNA, "Anna", world.clock.now() + timedelta(days=1)))
    pause_resource(world.ports, PauseResource(ACCOUNT, ANNA, "Anna"))
    assert world.state().paused_until_at is None
    assert not [one for one in world.stores.due.due(world.clock.now() + timedelta(days=9)) if one.kind == "resume"]


def test_resuming_reads_everything_that_changed_meanwhile() -> None:
    world = JourneyWorld()
    connected(world)
    pause_resource(world.ports, PauseResource(ACCOUNT, ANNA, "Anna"))
    state = resume_resource(world.ports, world.queue, ACCOUNT, ANNA, "Anna")
    assert state.status is Status.CONNECTED
    assert [wish.cause for wish in world.queue.take_all()] == ["full"]


def test_resuming_an_unfinished_import_goes_on_importing() -> None:
    world = JourneyWorld()
    world.connect()
    pause_resource(world.ports, PauseResource(ACCOUNT, ANNA, "Anna"))
    assert resume_resource(world.ports, world.queue, ACCOUNT, ANNA, "").status is Status.IMPORTING


def test_resuming_without_access_asks_to_sign_in() -> None:
    world = JourneyWorld()
    connected(world)
    pause_resource(world.ports, PauseResource(ACCOUNT, ANNA, "Anna"))
    [connection] = world.stores.connections.of_account(ACCOUNT)
    world.stores.connections.save(replace(connection, is_broken=True))
    assert resume_resource(world.ports, world.queue, ACCOUNT, ANNA, "").status is Status.REAUTH_REQUIRED
    assert not world.queue.take_all()


def test_pauses_that_make_no_sense_are_refused() -> None:
    world = JourneyWorld()
    with pytest.raises(InputError, match="not_connected"):
        pause_resource(world.ports, PauseResource(ACCOUNT, ANNA, "Anna"))
    connected(world)
    with pytest.raises(InputError, match="pause_in_the_past"):
        pause_resource(world.ports, PauseResource(ACCOUNT, ANNA, "Anna", world.clock.now()))
    with pytest.raises(InputError, match="not_paused"):
        resume_resource(world.ports, world.queue, ACCOUNT, ANNA, "Anna")


def test_a_left_over_resume_does_not_come_back_every_minute() -> None:
    world = JourneyWorld()
    connected(world)
    until = world.clock.now() + timedelta(days=1)
    pause_resource(world.ports, PauseResource(ACCOUNT, ANNA, "Anna", until))
    state = world.state()
    world.stores.resources.save(state.moved_to(Status.CONNECTED, world.clock.now()))
    with pytest.raises(InputError, match="not_paused"):
        resume_resource(world.ports, world.queue, ACCOUNT, ANNA, "")
    assert not [one for one in world.stores.due.due(until) if one.kind == "resume"]
