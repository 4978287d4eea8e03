"""What saving settings stores, which runs it wishes, and what it says beforehand."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.domain.appointments import Timed
from calsync_core.domain.errors import ConcurrentChangeError, InputError, NotFoundError
from calsync_core.domain.ids import CalendarId, EntryId, LinkRef, ResourceId
from calsync_core.domain.links import Link, Origin
from calsync_core.domain.resources import Status
from calsync_core.ports.outward import Wish
from calsync_core.usecases.change_settings import Change, preview_change, save_change

from tests.console_world import MAIN, NOW, World

ANNA, BEN = ResourceId("anna"), ResourceId("ben")


@pytest.fixture
def world() -> World:
    world = World()
    for name in ("anna", "ben"):
        world.add_resource(name)
        world.connect(name)
    return world


def _save(world: World, resource: ResourceId | None, **more: Any) -> Any:
    return save_change(world.parts.settings, MAIN, resource, Change(**more), by="A. Braun")


def _link(world: World, resource: ResourceId, origin: Origin, number: int) -> None:
    start = NOW + timedelta(hours=number)
    world.stores.links.put(
        MAIN,
        Link(LinkRef(f"{origin.value}-{number}"), resource, origin, CalendarId("cal"),
             Timed(start, start + timedelta(hours=1)), start, start + timedelta(hours=1),
             entry_id=EntryId(f"entry-{origin.value}-{number}")),
    )  # fmt: skip


def test_future_only_stores_and_wishes_nothing(world: World) -> None:
    stored = _save(world, None, values={"to_calendar.show_as": "tentative"})

    assert (stored.values, stored.version, stored.changed_by) == ({"to_calendar.show_as": "tentative"}, 1, "A. Braun")
    assert world.queue.wishes == []
    assert world.state().reproject_below == 0
    assert world.stores.log.of_day(MAIN, "2026-11-23")[0].detail[0] == ("keys", "to_calendar.show_as")


def test_also_in_the_window_marks_links_of_older_versions_and_wishes_full_runs(world: World) -> None:
    _save(world, ANNA, values={"window.weeks_back": 1})
    world.queue.take_all()

    _save(world, None, values={"to_calendar.show_as": "tentative"}, scope="window")

    assert world.state("anna").reproject_below == 2  # the account's version 1 and Anna's own version 1
    assert world.state("ben").reproject_below == 1
    assert sorted(wish.resource for wish in world.queue.wishes) == ["anna", "ben"]
    assert {wish.cause for wish in world.queue.wishes} == {"full"}


def test_resources_with_a_value_of_their_own_are_left_alone(world: World) -> None:
    _save(world, BEN, values={"to_calendar.show_as": "oof"})

    change = Change({"to_calendar.show_as": "tentative"}, scope="window")
    effect = preview_change(world.parts.settings, MAIN, None, change)
    _save(world, None, values=change.values, scope="window")

    assert (effect.resources, effect.left_alone) == (1, 1)
    assert world.queue.wishes == [Wish(MAIN, ANNA, "full")]
    assert world.stores.settings.resource(MAIN, BEN).values == {"to_calendar.show_as": "oof"}


@pytest.mark.parametrize(
    "values",
    [
        {"to_calendar.privacy": "anonymous"},
        {"to_calendar.fields": ["service"]},
        {"to_calendar.sensitivity": "private"},
    ],
)
def test_privacy_that_grows_always_rewrites_the_window(world: World, values: dict[str, Any]) -> None:
    effect = preview_change(world.parts.settings, MAIN, None, Change(values))
    _save(world, None, values=values, scope="future")

    assert effect.must_rewrite
    assert len(world.queue.wishes) == 2
    assert world.state().reproject_below == 1


def test_privacy_that_shrinks_applies_to_the_future_only(world: World) -> None:
    _save(world, None, values={"to_calendar.privacy": "anonymous"})
    world.queue.take_all()

    change = Change({"to_calendar.privacy": "full"}, scope="window")
    effect = preview_change(world.parts.settings, MAIN, None, change)
    _save(world, None, values=change.values, scope="window")

    assert effect.only_future
    assert world.queue.wishes == []


def test_the_person_is_told_once_when_more_is_shown_than_before(world: World) -> None:
    _save(world, None, values={"from_calendar.privacy": "anonymous", "to_calendar.privacy": "anonymous"})
    assert world.mailer.sent == []

    _save(world, ANNA, values={"from_calendar.privacy": "full"})
    _save(world, None, values={"to_calendar.show_as": "oof"})

    assert [(mail.kind, mail.to) for mail in world.mailer.sent] == [("notice", "anna@clinic.example")]


@pytest.mark.parametrize(
    ("values", "is_run"),
    [({"window.weeks_ahead": 60}, True), ({"window.weeks_back": 3}, True), ({"window.weeks_ahead": 10}, False)],
)
def test_a_larger_window_is_read_at_once_and_a_smaller_one_is_not(
    world: World, values: dict[str, Any], is_run: bool
) -> None:
    _save(world, ANNA, values=values)

    assert bool(world.queue.wishes) is is_run
    assert world.state().reproject_below == 0


def test_resources_that_are_not_connected_are_not_run(world: World) -> None:
    world.stores.resources.save(replace(world.state("ben"), status=Status.PAUSED))

    _save(world, None, values={"to_calendar.show_as": "oof"}, scope="window")

    assert world.queue.wishes == [Wish(MAIN, ANNA, "full")]
    assert world.state("ben").reproject_below == 1, "it is rewritten when it goes on"


def test_numbers_of_the_effect_come_from_the_links(world: World) -> None:
    for number in range(3):
        _link(world, ANNA, Origin.HOST, number)
    _link(world, ANNA, Origin.CALENDAR, 5)
    _link(world, BEN, Origin.CALENDAR, 6)

    narrowed = preview_change(world.parts.settings, MAIN, None, Change({"direction": "to_calendar"}))
    text = preview_change(world.parts.settings, MAIN, None, Change({"from_calendar.privacy": "full"}))
    rules = preview_change(world.parts.settings, MAIN, ANNA, Change({"from_calendar.tentative": "ignore"}))

    assert (narrowed.resources, narrowed.removed, narrowed.copies) == (2, 2, 0)
    assert (text.blocks, text.copies, text.only_future) == (2, 0, True)
    assert (rules.resources, rules.reads_again, rules.blocks) == (1, 1, 0)


def test_a_preview_stores_nothing(world: World) -> None:
    preview_change(world.parts.settings, MAIN, None, Change({"direction": "to_calendar"}, scope="window"))

    assert world.stores.settings.account(MAIN).values == {}
    assert world.queue.wishes == []
    assert world.stores.log.of_day(MAIN, "2026-11-23") == []


def test_use_default_again_takes_the_own_value_away(world: World) -> None:
    _save(world, ANNA, values={"window.weeks_ahead": 10, "direction": "to_calendar"})

    stored = _save(world, ANNA, values={}, reset=("direction",))

    assert (stored.values, stored.version) == ({"window.weeks_ahead": 10}, 2)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"values": {"nonsense": 1}}, "setting_unknown"),
        ({"values": {}, "reset": ("nonsense",)}, "setting_unknown"),
        ({"values": {"notes_format": "rtf"}}, "setting_out_of_range"),
        ({"values": {"to_calendar.title": "{service} {shoe_size}"}}, "setting_title_field_unknown"),
        ({"values": {"to_calendar.title": "{service"}}, "setting_title_field_unknown"),
        ({"values": {"to_calendar.time_zone": "Mars/Olympus"}}, "setting_zone_unknown"),
        ({"values": {"to_calendar.fields": ["shoe_size"]}}, "setting_out_of_range"),
        ({"values": {"from_calendar.exclude": {"colours": ["red"]}}}, "setting_out_of_range"),
        ({"values": {"window.weeks_ahead": 0}}, "setting_out_of_range"),
        ({"values": {"active": "perhaps"}}, "setting_out_of_range"),
        ({"values": {}, "scope": "past"}, "scope_unknown"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_stored(world: World, more: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as refused:
        _save(world, None, **more)

    assert refused.value.code == code
    assert world.stores.settings.account(MAIN).version == 0


def test_an_old_version_is_refused(world: World) -> None:
    _save(world, None, values={"direction": "to_calendar"})

    with pytest.raises(ConcurrentChangeError):
        _save(world, None, values={"direction": "from_calendar"}, version=0)


def test_an_unknown_resource_has_no_settings(world: World) -> None:
    with pytest.raises(NotFoundError):
        _save(world, ResourceId("nobody"), values={})
