"""Taking over who there is: additions, changes, what vanishes, and races."""

from dataclasses import replace
from typing import Any

from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.usecases.refresh_resources import Refreshed, refresh_resources

from tests.console_world import MAIN, NOW, World

ANNA = ResourceId("anna")


def _refresh(world: World) -> Refreshed:
    return refresh_resources(world.host, world.stores.resources, world.stores.log, world.clock, MAIN)


def _world() -> World:
    world = World()
    world.add_resource()
    world.connect()
    return world


def test_a_second_refresh_writes_nothing() -> None:
    world = _world()
    before = world.state()

    assert _refresh(world) == Refreshed(0, 0, 0, ())
    assert world.state() == before


def test_names_and_hours_follow_and_the_status_stays() -> None:
    world = _world()
    world.system.resources[ANNA] = replace(world.system.resources[ANNA], name="Dr Anna Weber")

    assert _refresh(world).changed == 1
    assert (world.state().resource.name, world.state().status) == ("Dr Anna Weber", Status.CONNECTED)


def test_who_is_in_another_zone_wants_a_full_run_at_once() -> None:
    world = _world()
    world.system.resources[ANNA] = replace(world.system.resources[ANNA], time_zone="Asia/Kolkata")

    assert _refresh(world) == Refreshed(0, 1, 0, (ANNA,))
    assert _refresh(world).started == ()


def test_what_is_no_longer_offered_stops_and_nothing_is_deleted() -> None:
    world = _world()
    world.system.add_resource("ben")
    del world.system.resources[ANNA]

    assert _refresh(world) == Refreshed(1, 1, 1, ())
    state = world.state()
    assert (state.status, state.reason, state.mailbox is not None) == (Status.PAUSED, "resource_inactive", True)
    assert not state.resource.is_active
    assert world.stores.log.of_resource(MAIN, ANNA)[0].code == "resource_inactive"


def test_a_list_that_is_suddenly_empty_is_not_believed() -> None:
    world = _world()
    world.system.resources.clear()

    assert _refresh(world) == Refreshed(0, 0, 0, ())
    assert world.state().status is Status.CONNECTED


def test_a_pause_by_a_person_is_not_ended_by_the_booking_system() -> None:
    world = _world()
    world.stores.resources.save(replace(world.state(), status=Status.PAUSED, paused_by="A. Braun"))
    anna = world.system.resources[ANNA]
    world.system.resources[ANNA] = replace(anna, is_active=False)
    _refresh(world)
    world.system.resources[ANNA] = anna

    assert _refresh(world).started == ()
    assert world.state().paused_by == "A. Braun"


def test_an_import_that_was_cut_off_begins_anew() -> None:
    world = World()
    world.add_resource()
    world.connect(status=Status.IMPORTING, last_sync_at=None)
    anna = world.system.resources[ANNA]
    world.system.resources[ANNA] = replace(anna, is_active=False)
    _refresh(world)
    world.system.resources[ANNA] = anna

    assert _refresh(world).started == (ANNA,)
    assert world.state().status is Status.IMPORTING


class _LaggingIndex:
    """Lists what stood there before a run wrote; look-ups and writes are the real ones."""

    def __init__(self, world: World, old: list[ResourceState]) -> None:
        self._store: Any = world.stores.resources
        self._old = old

    def of_account(self, _account: str) -> list[ResourceState]:
        return self._old

    def get(self, *key: Any) -> Any:
        return self._store.get(*key)

    def save(self, state: ResourceState) -> ResourceState:
        saved: ResourceState = self._store.save(state)
        return saved


def test_an_index_that_lags_loses_neither_the_change_nor_what_a_run_wrote() -> None:
    world = _world()
    old = [world.state()]
    world.stores.resources.save(replace(world.state(), last_sync_at=NOW))
    world.system.resources[ANNA] = replace(world.system.resources[ANNA], name="Dr Anna Weber")

    refresh_resources(world.host, _LaggingIndex(world, old), world.stores.log, world.clock, MAIN)

    assert (world.state().resource.name, world.state().last_sync_at) == ("Dr Anna Weber", NOW)


def test_a_resource_that_the_index_does_not_show_yet_is_not_made_twice() -> None:
    world = _world()

    found = refresh_resources(world.host, _LaggingIndex(world, []), world.stores.log, world.clock, MAIN)

    assert found == Refreshed(0, 0, 0, ())
    assert world.state().status is Status.CONNECTED
