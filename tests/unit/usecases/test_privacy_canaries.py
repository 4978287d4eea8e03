"""Marker words in every text of calendar and booking system, and a search for them in everything calsync leaves behind.

The clinic lives through import, edits, conflicts, quarantine, a bug and a disconnect, by the real handlers of the sync
functions. What is searched: all stores, all wishes and states, all log lines, all mails, all blocks, all copies.
"""

import io
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.domain.appointments import Customer, Notes
from calsync_core.domain.conflicts import Resolution
from calsync_core.domain.errors import AppointmentRejectedError
from calsync_core.domain.ids import ResourceId
from calsync_core.observability import logger
from calsync_core.ports.outward import Wish
from calsync_core.usecases.change_settings import Change, SettingsPorts, save_change
from calsync_core.usecases.disconnect_resource import DisconnectResource, disconnect_resource
from calsync_core.usecases.resolve_conflict import ConflictPorts, Decision, offered, resolve_conflict

from tests.function_world import FunctionWorld, forget_handlers, handler, logged
from tests.small_clinic import ACCOUNT, at

CALENDAR = ("c-title", "c-notes", "c-location", "c-category", "c-edited", "c-series", "c-instance", "c-typed")
PRIVATE = ("p-title", "p-notes", "p-location", "p-category", "p-series")
OTHER = ("o-title", "o-notes", "o-location", "o-category")  # conflict calendars: only their times are read
BOOKING = (
    "b-title",
    "b-service",
    "b-customer",
    "b-phone",
    "b-email",
    "b-notes",
    "b-location",
    "b-url",
    "b-custom",
)
SHOWN_BY_DEFAULT = {"b-service", "b-customer", "b-notes", "b-location"}


def canary(name: str) -> str:
    return f"canary{name.replace('-', '')}bird"


def entry_texts(kind: str) -> dict[str, Any]:
    return {
        "title": canary(f"{kind}-title"),
        "notes": Notes(canary(f"{kind}-notes")),
        "location": canary(f"{kind}-location"),
        "categories": (canary(f"{kind}-category"),),
    }


def booking_texts() -> dict[str, Any]:
    email = f"{canary('b-email')}@clinic.example"
    return {
        "title": canary("b-title"),
        "service_name": canary("b-service"),
        "customer": Customer(canary("b-customer"), email, canary("b-phone")),
        "notes": Notes(canary("b-notes")),
        "location": canary("b-location"),
        "url": f"https://host.example/{canary('b-url')}",
        "custom_fields": (("room", canary("b-custom")),),
    }


def words_in(value: Any, seen: set[int] | None = None) -> Iterator[str]:
    """Every text below a value, whatever holds it: attributes, keys, values, slots, sealed bytes."""
    seen = set() if seen is None else seen
    if isinstance(value, str):
        yield value
        return
    if isinstance(value, bytes):
        yield value.decode(errors="replace")
        return
    if value is None or isinstance(value, int | float | type) or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        inner = list(value)
    else:
        slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
        inner = [*vars(value).values()] if hasattr(value, "__dict__") else []
        inner += [getattr(value, name) for name in slots if hasattr(value, name)]
        inner.append(repr(value))
    for one in inner:
        yield from words_in(one, seen)


@dataclass
class Life:
    world: FunctionWorld
    travelled: list[Any] = field(default_factory=list)  # wishes, states of the machine

    @property
    def clinic(self) -> Any:
        return self.world.clinic

    def live(self) -> None:
        """Everything that happens before the disconnect."""
        self.clinic.mailbox().add_calendar("Home", may_write=False)
        self.choose_second_calendar()
        self.fill()
        self.settle("import")
        self.edit()
        self.settle()
        self.refuse()
        self.settle()
        self.break_down()
        self.settle("full")

    def choose_second_calendar(self) -> None:
        from dataclasses import replace

        state = self.clinic.stores.resources.get(ACCOUNT, ResourceId("anna"))
        other = ((state.mailbox, "calendar-2"),)
        self.clinic.stores.resources.save(replace(state, conflict_calendars=other))

    def fill(self) -> None:
        server, system = self.clinic.mailbox(), self.clinic.system
        self.entry = server.create_entry(at(1, 9), **entry_texts("c"))
        self.invited = server.create_entry(at(1, 11), **entry_texts("c"), has_attendees=True)
        self.private = server.create_entry(at(1, 13), **entry_texts("p"), is_private=True)
        server.create_entry(at(1, 15), **entry_texts("o"), calendar_id="calendar-2")
        self.series = server.create_series(at(2, 8), 4, title=canary("c-series"))
        server.create_series(at(2, 10), 4, title=canary("p-series"), is_private=True)
        self.bookings = [system.book(["anna"], at(3, hour), **booking_texts()) for hour in (8, 10, 12, 14)]
        system.book(["anna", "ben"], at(3, 16), **booking_texts())
        system.book(["anna"], at(1, 9.5), **booking_texts())  # over an entry: a conflict and its mail
        system.book(["anna"], at(1, 13.5), **booking_texts())  # over a private one
        system.book(["anna"], at(1, 15.5), **booking_texts())  # over one of the other calendar

    def copy_of(self, booking: str) -> Any:
        return next(one for one in self.clinic.copies() if one.mark.booking == booking)

    def edit(self) -> None:
        server, system = self.clinic.mailbox(), self.clinic.system
        server.retitle(self.entry, canary("c-edited"))
        server.move_entry(self.private, at(1, 14))
        server.change_occurrence(self.series, next(iter(server.items[self.series].plan)), title=canary("c-instance"))
        first, second, third, fourth = self.bookings
        server.change_entry(
            self.copy_of(first).id,
            title=canary("c-typed"),
            notes=Notes(canary("c-notes")),
            location=canary("c-location"),
        )
        server.move_entry(self.copy_of(second).id, at(4, 10))
        server.delete_entry(self.copy_of(third).id)
        server.move_entry(self.copy_of(fourth).id, at(4, 14))
        system.move_booking_by_clinic(fourth, at(5, 14))  # changed on both sides
        system.change_booking(first, notes=Notes(canary("b-notes") + " again"))

    def refuse(self) -> None:
        """A copy moved to a time that is taken; and writes that either side does not accept."""
        self.clinic.mailbox().move_entry(self.copy_of(self.bookings[1]).id, at(3, 16))
        self.clinic.mailbox().create_entry(at(6, 9), **entry_texts("c"))
        self.clinic.system.book(["anna"], at(6, 11), **booking_texts())

        def fault(operation: str, phase: str) -> None:
            if operation in {"create", "put_block"} and phase == "before":
                raise AppointmentRejectedError("entry_rejected")

        self.clinic.fault = fault
        self.settle()
        self.clinic.fault = lambda *_: None

    def break_down(self) -> None:
        """A bug whose message carries content, as those of foreign libraries do."""

        def fault(operation: str, phase: str) -> None:
            if operation == "changes":
                raise ValueError(f"cannot read {canary('c-title')} {canary('b-customer')}")

        self.clinic.fault = fault
        self.clinic.mailbox().touch(self.entry)
        event = {"account": "main", "resource": "anna", "cause": "host", "run": "broken", "round": 0}
        with pytest.raises(Exception, match=r"^internal$") as caught:
            handler("sync_job")({"step": "work", **event}, None)
        assert caught.value.__suppress_context__
        handler("sync_job")({"step": "close", **event, "code": "run_broke"}, None)
        self.clinic.fault = lambda *_: None
        self.clinic.clock.advance(timedelta(minutes=10))  # the lease that the bug left behind

    def settle(self, cause: str = "notification") -> None:
        """Runs as the machine makes them, until nobody is wished one any more."""
        wishes = [Wish(ACCOUNT, ResourceId(name), cause) for name in ("anna", "ben")]
        for _ in range(20):
            self.travelled += wishes
            for wish in wishes:
                self.run(wish)
            wishes = self.clinic.queue.take_all()
            if not wishes:
                return
        raise AssertionError("wishes never end")

    def run(self, wish: Wish) -> None:
        self.clinic.stores.leases.wish(ACCOUNT, wish.resource)
        state: dict[str, Any] = {
            "account": "main",
            "resource": wish.resource,
            "cause": wish.cause,
            "run": f"run-{len(self.travelled)}",
            "round": 0,
        }
        for _ in range(60):
            state = handler("sync_job")({"step": "work", **state}, None)
            self.travelled.append(state)
            self.clinic.clock.advance(timedelta(seconds=state["seconds"]))
            if state["outcome"] in {"done", "failed"}:
                handler("sync_job")({"step": "close", **state}, None)
                return
        raise AssertionError("the run never ends")

    def decide_everything(self) -> None:
        """A person keeps the booking wherever that is offered, else leaves both for now."""
        stores, clinic = self.clinic.stores, self.clinic
        ports = ConflictPorts(
            stores.conflicts, stores.resources, stores.links, stores.settings, stores.log, clinic.host, clinic.queue,
            clinic.clock, stores.due,
        )  # fmt: skip
        for conflict in clinic.conflicts():
            keeps = Resolution.KEEP_BOOKING in offered(conflict)
            what = Resolution.KEEP_BOOKING if keeps else Resolution.LEAVE_BOTH
            until_at = None if keeps else clinic.clock.now() + timedelta(days=7)
            resolve_conflict(ports, ACCOUNT, conflict.id, Decision(what, by="A. Braun", until_at=until_at))
        self.settle()

    def leave(self) -> None:
        command = DisconnectResource(ACCOUNT, ResourceId("anna"), "A. Braun", remove_copies=True)
        disconnect_resource(self.world.parts.journeys, self.clinic.queue, command)
        self.settle()

    def change(self, **values: str) -> None:
        stores, parts = self.clinic.stores, self.world.parts
        ports = SettingsPorts(
            stores.resources, stores.settings, stores.links, stores.log, self.clinic.queue, self.clinic.clock,
            parts.journeys,
        )  # fmt: skip
        change = Change({key.replace("__", "."): value for key, value in values.items()})
        save_change(ports, ACCOUNT, None, change, by="A. Braun")
        self.settle("full")

    # -- where texts could be -----------------------------------------------------------------------------------

    def kept(self, caplog: pytest.LogCaptureFixture, printed: str) -> dict[str, str]:
        stores = self.clinic.stores
        return {
            "stored": "\n".join(words_in(stores)),
            "queued": "\n".join(words_in([self.travelled, self.clinic.queue.wishes, self.world.importer.started])),
            "logged": logged(caplog) + printed,
            "mailed": "\n".join(words_in(self.world.mailer.sent)),
        }

    def blocks(self) -> str:
        return "\n".join(words_in(list(self.clinic.system.blocks.values())))

    def host(self) -> str:
        system = self.clinic.system
        return "\n".join(words_in([system.bookings, system.blocks, system.answers, system.told]))

    def copies(self) -> str:
        return "\n".join(words_in([self.clinic.copies("anna"), self.clinic.copies("ben")]))


def found(text: str, names: tuple[str, ...]) -> set[str]:
    return {name for name in names if canary(name) in text}


@pytest.fixture
def life(monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    forget_handlers()
    yield Life(FunctionWorld(monkeypatch))
    forget_handlers()


@pytest.fixture
def kept(
    life: Life, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], dict[str, str]]:
    # The logger of this process may write to the closed output of another test: logging would then complain about that
    # in this one's, with the source lines of this file.
    lines = io.StringIO()
    for writer in logging.getLogger(logger()._wrapped.name).handlers:
        monkeypatch.setattr(writer, "stream", lines)
    return lambda: life.kept(caplog, "".join((lines.getvalue(), *capsys.readouterr())))


def nothing_is_kept(places: dict[str, str]) -> None:
    for place, text in places.items():
        assert "anna" in text, f"{place} was not searched"
        assert not found(text, CALENDAR + PRIVATE + OTHER + BOOKING), place


def test_the_life_of_the_clinic_has_everything_that_could_leak(life: Life) -> None:
    life.live()
    reasons = [line.reason.value for line in life.clinic.stores.log.of_resource(ACCOUNT, ResourceId("anna"), 500)]
    assert {"entry_quarantined", "host_refused", "run_failed"} <= set(reasons)
    kinds = {conflict.kind.value for conflict in life.clinic.stores.conflicts.of_resource(ACCOUNT, ResourceId("anna"))}
    assert {"same_time", "copy_deleted"} <= kinds
    assert {mail.kind for mail in life.world.mailer.sent} >= {"connected", "conflict"}
    assert len(life.clinic.blocks()) > 8
    assert len(life.clinic.copies()) > 6


def test_by_default_nothing_of_the_calendar_leaves_it(life: Life, kept: Callable[[], dict[str, str]]) -> None:
    life.live()
    nothing_is_kept(kept())
    assert life.clinic.blocks()
    assert not found(life.host(), CALENDAR + PRIVATE + OTHER)

    life.leave()
    nothing_is_kept(kept())
    assert not found(life.host(), CALENDAR + PRIVATE + OTHER)
    (server,) = [one for name, one in life.clinic.servers.items() if name == "mbx-anna"]
    assert [entry for entry in server.shown() if entry.mark is not None] == []
    assert not life.clinic.blocks()
    assert "notice" in {mail.kind for mail in life.world.mailer.sent}


def test_of_bookings_only_the_chosen_fields_stand_in_copies(life: Life, kept: Callable[[], dict[str, str]]) -> None:
    life.live()
    assert found(life.copies(), BOOKING) == SHOWN_BY_DEFAULT
    assert not found(life.blocks(), BOOKING)
    nothing_is_kept(kept())


def test_with_full_details_private_entries_and_other_calendars_stay_times(
    life: Life, kept: Callable[[], dict[str, str]]
) -> None:
    life.clinic.settings(from_calendar__privacy="full")
    life.live()
    shown = found(life.blocks(), CALENDAR)
    assert {"c-title", "c-notes", "c-series"} <= shown
    assert "c-location" not in shown
    assert not found(life.host(), PRIVATE + OTHER)
    nothing_is_kept(kept())

    life.leave()
    assert not found(life.host(), CALENDAR + PRIVATE + OTHER)
    nothing_is_kept(kept())


def test_anonymous_copies_carry_no_word_of_a_booking(life: Life, kept: Callable[[], dict[str, str]]) -> None:
    life.clinic.settings(to_calendar__privacy="anonymous")
    life.live()
    assert life.clinic.copies()
    assert not found(life.copies(), BOOKING)
    nothing_is_kept(kept())


@pytest.mark.bad_input(33)
def test_what_was_shown_goes_when_the_settings_get_stricter(life: Life, kept: Callable[[], dict[str, str]]) -> None:
    """Both sides in full, then both anonymous: the window is rewritten, copies in open conflicts too (R100).

    What is left is the copy whose write the calendar itself refused: there is none.
    """
    life.clinic.settings(
        from_calendar__privacy="full", to_calendar__fields=["service", "customer", "phone", "email", "notes"]
    )
    life.live()
    assert {"b-phone", "b-email"} <= found(life.copies(), BOOKING)
    assert found(life.blocks(), CALENDAR)

    life.change(from_calendar__privacy="anonymous", to_calendar__privacy="anonymous")

    assert not found(life.host(), CALENDAR + PRIVATE + OTHER)
    contested = {one.kind.value for one in life.clinic.conflicts()}
    assert contested & {"refused", "changed_on_both", "copy_deleted"}, "some stand open all the while"
    assert len([*life.clinic.copies("anna"), *life.clinic.copies("ben")]) > 7
    assert not found(life.copies(), (*BOOKING, "c-typed", "c-notes"))

    life.decide_everything()
    assert not found(life.copies(), BOOKING)
    nothing_is_kept(kept())


def test_a_person_who_decides_a_conflict_leaves_no_text_behind(life: Life, kept: Callable[[], dict[str, str]]) -> None:
    life.live()
    assert life.clinic.conflicts()
    life.decide_everything()
    nothing_is_kept(kept())
    assert not found(life.blocks(), CALENDAR + PRIVATE + OTHER)


def test_filters_look_at_titles_and_categories_and_keep_nothing(life: Life, kept: Callable[[], dict[str, str]]) -> None:
    exclude = {"categories": [canary("c-category")], "subjects": [canary("c-series")]}
    life.clinic.settings(from_calendar__exclude=exclude)
    life.live()

    reasons = {line.code for line in life.clinic.stores.log.of_resource(ACCOUNT, ResourceId("anna"), 500)}
    places = kept()
    places["stored"] = places["stored"].replace(canary("c-category"), "").replace(canary("c-series"), "")
    nothing_is_kept(places)  # but in the setting itself, which the admin wrote
    assert not found(life.host(), CALENDAR + PRIVATE + OTHER)
    assert len(life.clinic.blocks()) < 10
    assert canary("c-category") not in str(reasons)


def test_title_template_custom_fields_and_formatting_show_only_what_is_on(
    life: Life, kept: Callable[[], dict[str, str]]
) -> None:
    life.clinic.settings(
        to_calendar__fields=["service", "custom:room"], notes_format="html",
        to_calendar__title="{service} {customer} {phone} {email} {notes} {location} {custom:room}",
    )  # fmt: skip
    life.live()

    assert found(life.copies(), BOOKING) == {"b-service", "b-custom"}
    nothing_is_kept(kept())


def test_there_are_enough_fields_and_places() -> None:
    """trust.md section 7: at least forty fields x places."""
    places = ("stored", "queued", "logged", "mailed", "blocks", "copies")
    assert len(CALENDAR + PRIVATE + OTHER + BOOKING) * len(places) >= 40
