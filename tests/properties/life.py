"""A small clinic that lives: every step that a person, the clinic, an admin or the services may take, by name.

Three resources: anna and anna-north share one mailbox (one person, two locations), bert has his own. Another mailbox,
"home", belongs to anna and is only checked (a conflict calendar), as is bert's second calendar. Each mailbox is at
Microsoft 365, or at an Exchange server where the life's opening says so. Both harnesses use it:
seeded schedules (simulation.py) and Hypothesis (test_sync_machine.py). All arguments are plain, so that a script of
steps can be printed and replayed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer
from calsync_core.adapters.memory.mailbox import DEFAULT, MemoryMailboxServer
from calsync_core.adapters.memory.outward import MemoryMailer
from calsync_core.domain.appointments import AllDay, Booking, Busy, Entry, Kind, Response, When
from calsync_core.domain.conflicts import Resolution
from calsync_core.domain.connections import Connection, MailboxIdentity, ProviderKind
from calsync_core.domain.errors import (
    CalsyncError,
    ConcurrentChangeError,
    ProviderUnavailableError,
    RefusedError,
)
from calsync_core.domain.ids import BookingId, CalendarId, EntryId, MailboxId, ResourceId
from calsync_core.domain.links import Origin
from calsync_core.domain.resources import Progress, ResourceState, Status
from calsync_core.domain.settings import SyncSettings, effective
from calsync_core.domain.values import replace
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarPage, Content
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.mails import Draft
from calsync_core.ports.outward import Mail
from calsync_core.usecases.change_settings import Change, SettingsPorts, save_change
from calsync_core.usecases.confirm_stop_line import StopLinePorts, confirm_stop_line
from calsync_core.usecases.disconnect_resource import DisconnectResource, disconnect_resource
from calsync_core.usecases.pause_resource import PauseResource, pause_resource
from calsync_core.usecases.resolve_conflict import ConflictPorts, Decision, offered, resolve_conflict
from calsync_core.usecases.resume_resource import resume_resource
from calsync_core.usecases.sync.finish_round import STOP_LINE
from calsync_core.usecases.sync.sync_resource import Outcome, Result

from tests.properties.attentive import AttentiveProvider
from tests.properties.circumstances import OTHER, Circumstances
from tests.properties.faults import CrashError, Faults, watched
from tests.properties.repeats import IN_OTHER_WORDS, OTHERWISE, repeating_otherwise
from tests.properties.second_thoughts import SecondThoughts
from tests.small_clinic import ACCOUNT, a_clinic, at

RESOURCES = ("anna", "anna-north", "bert")
HOME = MailboxId("mbx-home")
MAILBOX_OF = {"anna": MailboxId("mbx-anna"), "anna-north": MailboxId("mbx-anna"), "bert": MailboxId("mbx-bert")}
PLACES = ("anna", "bert", "home")
MAILBOX_AT = {"anna": MailboxId("mbx-anna"), "bert": MailboxId("mbx-bert"), "home": HOME}
BESIDE = CalendarId("calendar-2")
AT_HOME = CalendarId("calendar-home")
SECRET = "SECRET"
BERLIN = ZoneInfo("Europe/Berlin")
WRITES = ("create", "update", "delete", "put_block", "delete_block", "move_booking", "cancel_booking")
PAGES = ("changes", "bookings")
FEW_CALLS = 40
"""What a call of *work* may ask about nothing at all: four feeds, subscriptions, marks."""


class Moody(AttentiveProvider):
    """May give a page of the feed twice, as the real one does after a fault inside it."""

    repeats = False

    def changes(self, calendar_id: CalendarId, cursor: str | None, window: Window, content: Content) -> CalendarPage:
        page = super().changes(calendar_id, cursor, window, content)
        if self.repeats and cursor is not None:
            self.repeats = False
            return replace(page, next_cursor=cursor, is_last=False)
        return page


class MoodyExchange(Moody, MemoryExchangeCalendarProvider):
    """The same at an Exchange server."""


def _as_ours(entry: Entry) -> Entry:
    """R123: what another installation wrote is an entry like any other."""
    is_other = entry.mark is not None and entry.mark.installation == OTHER
    return replace(entry, mark=None) if is_other else entry


class PlainWriter:
    def write(self, draft: Draft) -> Mail:
        return Mail(draft.to, f"{draft.kind} {draft.facts.get('what', '')}", "text", "html", draft.kind.value)


class Life(SecondThoughts, Circumstances):
    """`clinic` as it stands, and what an honest observer remembers of it: who cloned what, which settings were ever in
    force since a window was last rewritten, which copies a person has edited."""

    def __init__(
        self, page_size: int = 3, moved: str = "apply", deleted: str = "flag", exchange: Sequence[str] = ()
    ) -> None:
        """`exchange`: the places whose mailbox is at an Exchange server."""
        self.at_exchange = {MAILBOX_AT[place] for place in exchange}
        self.faults = Faults()
        self.faults.moods = {
            "edited meanwhile": self._edit_meanwhile, "slow": self._be_slow, "overtaken": self._overtake,
            "page repeated": self._repeat_page, "touched by the server": self._touch,
            "settings changed": self._change_mood,
        }  # fmt: skip
        self.clones: set[str] = set()
        self.edited: set[str] = set()
        self.kept_blocks: set[str] = set()
        self.orphans: set[str] = set()
        self.has_moved_blocks = False
        self.went_back = timedelta(0)
        self.busy_with: str | None = None
        self.depth = 0
        self.calls: Counter[str] = Counter()
        self.of_others: Counter[str] = Counter()
        self.unbounded: list[str] = []
        self.steps = 0
        self._open_clinic(page_size)
        self.clinic.settings(edits__moved_in_calendar=moved, edits__deleted_in_calendar=deleted)
        self.in_force: dict[str, list[SyncSettings]] = {who: [self.settings(who)] for who in RESOURCES}

    def _open_clinic(self, page_size: int) -> None:
        clinic = self.clinic = a_clinic(page_size)
        for mailbox in sorted(self.at_exchange):
            clinic.servers[mailbox] = MemoryExchangeMailboxServer(clinic.clock.now)
        for who, mailbox in MAILBOX_OF.items():
            clinic.connect(who, mailbox)
            self._add_connection(mailbox, who)
        self._add_mailbox(HOME, "anna")
        # No two mailboxes give the same id: what stands in one is never taken for what stands in another.
        clinic.servers[MAILBOX_OF["bert"]]._ids = count(5_000)
        for mailbox, server in clinic.servers.items():
            server.page_size = page_size
            kind = MoodyExchange if mailbox in self.at_exchange else Moody
            clinic.providers[mailbox] = kind(server, clinic._fault)
        clinic.servers[MAILBOX_OF["bert"]].add_calendar("Band")
        for side in (*clinic.providers.values(), clinic.host):
            side.calls = self.calls
        clinic.work = self._measured(clinic.work)  # type: ignore[method-assign]
        self.stores = clinic.stores
        self.choose_conflict_calendars("anna", True)
        self.choose_conflict_calendars("bert", True)
        clinic.fault = self.faults.__call__  # bound, and so cheaper to call than the object: it is called all the time
        self.ports = clinic.ports
        object.__setattr__(clinic.ports, "stores", watched(clinic.stores, self.faults.__call__))
        self.mails = MailPorts(stores=clinic.stores, mailer=MemoryMailer(), writer=PlainWriter(), clock=clinic.clock)

    def _measured(self, work: Callable[..., Outcome]) -> Callable[..., Outcome]:
        """P12: one call of *work* asks and writes as often as there is something to ask about, and reads no more pages
        than its feeds ever had. A run that overtakes another counts by itself."""

        def measured(*asked: Any) -> Outcome:
            before, of_others, self.of_others = dict(self.calls), self.of_others, Counter()
            try:
                return work(*asked)
            finally:
                if sum(self.calls.values()) - sum(before.values()) - self.of_others.total() > FEW_CALLS:
                    used = self.calls - Counter(before) - self.of_others
                    self._note_unbounded(used, asked)
                self.of_others = of_others
                if self.depth:
                    of_others.update(self.calls - Counter(before))

        return measured

    def _note_unbounded(self, used: Counter[str], asked: object) -> None:
        """A link that was there before and is gone went with what it led to: that is one of the writes."""
        links = sum(len(list(self.stores.links.all(ACCOUNT, ResourceId(who)))) for who in RESOURCES)
        size = links + sum(len(self.shown(place)) for place in PLACES) + len(self.clinic.system.bookings)
        size += sum(used[operation] for operation in WRITES)
        pages = sum(used[operation] for operation in PAGES)
        told = self.clinic.system.seq + sum(server.seq for server in self.clinic.servers.values())
        # A page that tells of a series asks about the series itself, however small the pages are.
        if used.total() - pages > FEW_CALLS + 4 * size + pages or pages > FEW_CALLS + told + size:
            self.unbounded.append(f"P12 {used} about {size} appointments: {asked}")

    def _add_mailbox(self, mailbox: MailboxId, owner: str) -> None:
        """Its ids are no other mailbox's: a resource tells its calendars apart by their ids alone."""
        server = self.clinic.servers.setdefault(mailbox, MemoryMailboxServer(self.clinic.clock.now))
        calendar = server.calendars.pop(DEFAULT)
        server.calendars[AT_HOME], server.feeds[AT_HOME] = replace(calendar, id=AT_HOME), server.feeds.pop(DEFAULT)
        server._ids = count(10_000)
        self._add_connection(mailbox, owner)

    def _add_connection(self, mailbox: MailboxId, who: str) -> None:
        connections = self.clinic.stores.connections
        old = connections.get(ACCOUNT, mailbox)
        if old is not None:
            if who not in old.resources:
                connections.save(replace(old, resources=(*old.resources, ResourceId(who))))
            return
        owner = self.clinic.system.resources[ResourceId(who)].owner
        provider = ProviderKind.EXCHANGE if mailbox in self.at_exchange else ProviderKind.OFFICE365
        identity = MailboxIdentity(provider, "tenant", mailbox)
        connections.save(Connection(mailbox, ACCOUNT, identity, owner.email, owner.name, owner.id, (ResourceId(who),)))

    # -- looking -----------------------------------------------------------------------------------------------------

    def state(self, who: str) -> ResourceState:
        state = self.stores.resources.get(ACCOUNT, ResourceId(who))
        assert state is not None
        return state

    def settings(self, who: str) -> SyncSettings:
        stored = self.stores.settings
        return effective(stored.account(ACCOUNT).values, stored.resource(ACCOUNT, ResourceId(who)).values)

    def server(self, place: str) -> MemoryMailboxServer:
        return self.clinic.servers[MAILBOX_AT[place]]

    def shown(self, place: str) -> list[Entry]:
        server = self.server(place)
        return [_as_ours(entry) for calendar in server.calendars for entry in server.shown(calendar)]

    def marked(self, place: str, entries: Iterable[Entry]) -> list[Entry]:
        """An occurrence of a series of ours stands for one booking: it is shown with the mark that it would have."""
        of_series: dict[BookingId, dict[date, list[Booking]]] = {}
        found: list[Entry] = []
        for entry in map(_as_ours, entries):
            mark = self.server(place).items[entry.series_id].entry.mark if entry.series_id else None
            if mark is None or entry.mark is not None:
                found.append(entry)
                continue
            by_day = of_series.get(mark.booking)
            if by_day is None:
                by_day = of_series[mark.booking] = self._by_day(mark.booking)
            day = self._day(entry.original_start_at, entry.when)
            booking = self._that_stands_there(entry, by_day.get(day, ())) or f"{mark.booking} has none on {day}"
            found.append(replace(entry, mark=replace(mark, booking=BookingId(booking))))
        return found

    def _by_day(self, series_id: BookingId) -> dict[date, list[Booking]]:
        days: dict[date, list[Booking]] = {}
        for one in self.clinic.system.occurrences(series_id):
            days.setdefault(self._day(one.original_start_at, one.when), []).append(one)
        return days

    @staticmethod
    def _that_stands_there(entry: Entry, of_day: Iterable[Booking]) -> BookingId | None:
        """Of the bookings of the entry's day: the one at its time, else the one whose place in the series it is."""
        first = min(
            of_day, default=None,
            key=lambda one: (
                one.when != entry.when, one.original_start_at != entry.original_start_at,
                one.status.value == "cancelled",
            ),
        )  # fmt: skip
        return first.id if first else None

    @staticmethod
    def _day(start: datetime | None, when: When) -> date:
        return (start or when.interval("Europe/Berlin")[0]).astimezone(BERLIN).date()

    def copies(self, place: str) -> list[Entry]:
        """What the person sees of bookings, of whichever resource."""
        return [entry for entry in self.marked(place, self.shown(place)) if entry.mark is not None]

    def _single(self, place: str, pick: int) -> Entry | None:
        entries = [entry for entry in self.shown(place) if entry.kind is Kind.SINGLE]
        return entries[pick % len(entries)] if entries else None

    def _booking(self, pick: int):
        found = [one for one in self.clinic.system.bookings.values() if one.status.value != "cancelled"]
        return found[pick % len(found)] if found else None

    # -- a person in Outlook -----------------------------------------------------------------------------------------

    def create_entry(
        self, place: str, day: int, hour: float, busy: str = "busy", private: bool = False, answer: str = "none",
        all_day: bool = False, beside: bool = False,
    ) -> None:  # fmt: skip
        when: When = at(day, hour)
        if all_day:
            first = at(day, 0).start_at.date()
            when = AllDay(first, first + timedelta(days=1))
        server = self.server(place)
        calendar = BESIDE if beside and BESIDE in server.calendars else next(iter(server.calendars))
        server.create_entry(
            when, f"{SECRET} lunch", calendar_id=calendar, busy=Busy(busy), is_private=private,
            response=Response(answer),
        )  # fmt: skip

    def move_entry(self, place: str, pick: int, day: int, hour: float) -> None:
        if entry := self._single(place, pick):
            self.server(place).move_entry(entry.id, at(day, hour))

    def move_far_away(self, place: str, pick: int) -> None:
        entry = self._single(place, pick)
        if entry is not None and entry.mark is None:
            self.server(place).move_entry(entry.id, at(900, 9))

    def delete_entry(self, place: str, pick: int) -> None:
        if entry := self._single(place, pick):
            self.server(place).delete_entry(entry.id)

    def move_to_other_calendar(self, place: str, pick: int, beside: bool) -> None:
        entry = self._single(place, pick)
        target = BESIDE if beside else DEFAULT
        if entry is None or entry.mark is not None or entry.calendar_id == target:
            return
        if target in self.server(place).calendars:
            self.server(place).move_to_calendar(entry.id, target)

    def change_busy(self, place: str, pick: int, busy: str) -> None:
        if entry := self._single(place, pick):
            self.server(place).set_busy(entry.id, Busy(busy))
            self.edited.add(entry.id)

    def answer(self, place: str, pick: int, answer: str) -> None:
        entry = self._single(place, pick)
        if entry is not None and entry.mark is None:
            self.server(place).respond(entry.id, Response(answer))

    def cancel_entry(self, place: str, pick: int) -> None:
        entry = self._single(place, pick)
        if entry is not None and entry.mark is None:
            self.server(place).cancel(entry.id)

    def rename(self, place: str, pick: int) -> None:
        if entry := self._single(place, pick):
            self.server(place).retitle(entry.id, f"{SECRET} renamed")
            self.edited.add(entry.id)

    def invite_people(self, place: str, pick: int) -> None:
        """A person invites others to our copy: from then on every write of ours would mail them."""
        entry = self._single(place, pick)
        if entry is not None and entry.mark is not None and self.is_own(entry):
            self.server(place).change_entry(entry.id, has_attendees=True)

    def clone_copy(self, place: str, pick: int, day: int, hour: float) -> None:
        """A person can only copy what a completed write shows; before that nobody could tell the two apart."""
        entry = self._single(place, pick)
        if entry is None or entry.mark is None or entry.id in self.clones or not self.is_own(entry):
            return
        self.clones.add(self.server(place).copy_entry(entry.id, at(day, hour)))

    def is_own(self, entry: Entry) -> bool:
        """Some link knows it as the copy of its booking."""
        return any(
            link.entry_id == entry.id and link.origin is Origin.HOST
            for who in RESOURCES
            for link in self.stores.links.all(ACCOUNT, ResourceId(who))
        )

    def create_series(self, place: str, day: int, hour: float, count: int) -> None:
        server = self.server(place)
        server.create_series(at(day, hour), count, calendar_id=next(iter(server.calendars)))

    def change_occurrence(self, place: str, pick: int, what: str, day: int) -> None:
        marked = self.marked(place, [entry for entry in self.shown(place) if entry.series_id])
        # what of a series of ours lies beyond the window is not looked at yet
        found = [entry for entry in marked if entry.mark is None or self.is_own(entry)]
        if not found:
            return
        one, server = found[pick % len(found)], self.server(place)
        if what == "delete":
            server.delete_occurrence(one.series_id, one.original_start_at)
        elif what == "move":
            server.move_occurrence(one.series_id, one.original_start_at, at(day, 7))
        else:
            self.edited.add(one.id)
            server.change_occurrence(one.series_id, one.original_start_at, busy=Busy.FREE)

    def move_series(self, place: str, pick: int, day: int, count: int) -> None:
        series = sorted({entry.series_id for entry in self.shown(place) if entry.series_id})
        if series:
            moved = series[pick % len(series)]
            was_strange = self._is_strange(place, moved)
            self.server(place).move_series(moved, at(day, 12), count)
            if was_strange:
                self._leave_to_strangers_all_of(place, moved)

    def change_pattern(self, place: str, pick: int, how: str) -> None:
        """How a series repeats, a person's own or a copy of ours."""
        series = sorted({entry.series_id for entry in self.shown(place) if entry.series_id})
        item = self.server(place).items[series[pick % len(series)]] if series else None
        if item is None or item.entry.recurrence is None:
            return
        said = repeating_otherwise(item.entry.recurrence, how, len(item.plan))
        was_strange = self._is_strange(place, item.entry.id)
        if how == IN_OTHER_WORDS:
            self.server(place).change_entry(item.entry.id, recurrence=said)
        else:
            self.server(place).change_pattern(item.entry.id, said)
        if was_strange:
            self._leave_to_strangers_all_of(place, item.entry.id)

    def _is_strange(self, place: str, series_id: EntryId) -> bool:
        return any(one.id in self.orphans for one in self.shown(place) if one.series_id == series_id)

    def _leave_to_strangers_all_of(self, place: str, series_id: EntryId) -> None:
        """Its occurrences have new ids, and are nobody's as before."""
        new = {one.id for one in self.shown(place) if series_id in (one.series_id, one.id)}
        self.orphans |= new
        self.clones |= new

    def delete_series(self, place: str, pick: int) -> None:
        found = sorted({entry.series_id for entry in self.shown(place) if entry.series_id})
        if found:
            self.server(place).delete_entry(found[pick % len(found)])

    # -- the clinic --------------------------------------------------------------------------------------------------

    def book(self, who: list[str], day: int, hour: float) -> None:
        self.clinic.system.book(who, at(day, hour), "Visit", service_name="Massage")

    def book_series(self, who: list[str], day: int, hour: float, rule: str) -> None:
        self.clinic.system.book_series(who, at(day, hour), rule, "Course", service_name="Course")

    def change_rule(self, pick: int, rule: str) -> None:
        found = [one for one in self.clinic.system.bookings.values() if one.is_series_master]
        series = [one for one in found if one.status.value != "cancelled"]
        if series:
            self.clinic.system.change_rule(series[pick % len(series)].id, rule)

    def move_booking(self, pick: int, day: int, hour: float) -> None:
        if booking := self._booking(pick):
            self.clinic.system.move_booking_by_clinic(booking.id, at(day, hour))

    def change_booking(self, pick: int, what: str) -> None:
        if booking := self._booking(pick):
            system = self.clinic.system
            if what == "remove" and booking.is_series_master:
                for one in system.occurrences(booking.id):
                    system.remove_booking(one.id)
            if what == "retitle":
                system.change_booking(booking.id, service_name=f"Massage {self.steps}")
            else:
                {"cancel": system.cancel, "remove": system.remove_booking}[what](booking.id)

    def reassign(self, pick: int, who: list[str]) -> None:
        if booking := self._booking(pick):
            self.clinic.system.reassign(booking.id, who)

    def touch_block(self, pick: int, day: int, remove: bool) -> None:
        """Somebody moves or removes a block in the booking system; a full check puts it back."""
        refs = sorted(self.clinic.system.blocks)
        if refs:
            self.has_moved_blocks = True
            if remove:
                self.clinic.system.remove_block_by_clinic(refs[pick % len(refs)])
            else:
                self.clinic.system.move_block_by_clinic(refs[pick % len(refs)], at(day, 6))

    # -- the admin ---------------------------------------------------------------------------------------------------

    def change_settings(self, who: str | None, values: dict, scope: str) -> None:
        clinic = self.clinic
        ports = SettingsPorts(
            self.stores.resources, self.stores.settings, self.stores.links, self.stores.log, clinic.queue, clinic.clock,
            self.mails,
        )  # fmt: skip
        before = {name: self.state(name).reproject_below for name in RESOURCES}
        kept = clinic.fault
        clinic.fault = lambda _operation, _phase: None
        try:
            save_change(ports, ACCOUNT, ResourceId(who) if who else None, Change(values, scope=scope), by="admin")  # type: ignore[arg-type]
        finally:
            clinic.fault = kept
        for name in RESOURCES:
            new = self.settings(name)
            if self.state(name).reproject_below > before[name]:
                self.in_force[name] = [*self.in_force[name], "rewritten", new]  # type: ignore[list-item]
            elif new != self.in_force[name][-1]:
                self.in_force[name].append(new)

    def choose_conflict_calendars(self, who: str, on: bool) -> None:
        """As the choice page does: the state is saved and an import follows."""
        pair = {"anna": (HOME, AT_HOME), "bert": (MAILBOX_OF["bert"], BESIDE)}.get(who)
        state = self.state(who)
        if pair is None or not state.may_sync or (pair in state.conflict_calendars) == on:
            return
        chosen = (pair,) if on else ()
        new = replace(
            state.moved_to(Status.IMPORTING, self.clinic.clock.now()), conflict_calendars=chosen, progress=Progress()
        )
        self.stores.resources.save(new)

    def choose_primary(self, who: str, beside: bool) -> None:
        state, target = self.state(who), BESIDE if beside else DEFAULT
        if who != "bert" or not state.may_sync or state.primary == target:
            return
        others = tuple(pair for pair in state.conflict_calendars if pair[1] != target)
        new = replace(
            state.moved_to(Status.IMPORTING, self.clinic.clock.now()), primary=target, conflict_calendars=others,
            progress=Progress(),
        )  # fmt: skip
        self.stores.resources.save(new)

    def decide(self, pick: int, which: int) -> None:
        found = sorted(self.clinic.conflicts(), key=lambda one: one.id)
        if not found:
            return
        conflict, stores = found[pick % len(found)], self.stores
        ways = offered(conflict)
        way = ways[which % len(ways)]
        until = self.clinic.clock.now() + timedelta(days=30) if way is Resolution.LEAVE_BOTH else None
        ports = ConflictPorts(
            conflicts=stores.conflicts, resources=stores.resources, links=stores.links, settings=stores.settings,
            log=stores.log, host=self.clinic.host, queue=self.clinic.queue, clock=self.clinic.clock, due=stores.due,
        )  # fmt: skip
        try:
            resolve_conflict(ports, ACCOUNT, conflict.id, Decision(way, "admin", until_at=until))
        except (ConcurrentChangeError, RefusedError, CalsyncError):
            return  # the page says so; nothing is promised

    def confirm_stop_lines(self) -> bool:
        """What disappeared at once was meant: an admin says so where a run had stopped."""
        stores = self.stores
        ports = StopLinePorts(stores.resources, stores.links, stores.log, self.clinic.queue, self.clinic.clock)
        stopped = [
            who for who in RESOURCES
            if (degraded := self.state(who).degraded) is not None and degraded.reason == STOP_LINE
        ]  # fmt: skip
        for who in stopped:
            confirm_stop_line(ports, ACCOUNT, ResourceId(who), by="admin")
        return bool(stopped)

    def pause(self, who: str) -> None:
        if self.state(who).may_sync:
            pause_resource(self.mails, PauseResource(ACCOUNT, ResourceId(who), "admin"))

    def resume(self, who: str) -> None:
        if self.state(who).status is Status.PAUSED:
            resume_resource(self.mails, self.clinic.queue, ACCOUNT, ResourceId(who), "admin")

    def disconnect(self, who: str, remove: bool) -> None:
        if self.state(who).status not in (Status.IMPORTING, Status.CONNECTED, Status.PAUSED):
            return
        if not remove:
            self._keep(who)
        disconnect_resource(
            self.mails, self.clinic.queue, DisconnectResource(ACCOUNT, ResourceId(who), "admin", remove)
        )

    def _keep(self, who: str) -> None:
        """What stays behind without a link is a stranger's from then on."""
        self.kept_blocks |= {ref for ref, one in self.clinic.system.blocks.items() if one.resource_id == who}
        self.orphans |= {
            entry.id for place in PLACES for entry in self.copies(place) if entry.mark and entry.mark.resource == who
        }
        self.clones |= self.orphans

    def reconnect(self, who: str) -> None:
        """A new sign-in after access was lost or after leaving."""
        state, mailbox = self.state(who), MAILBOX_OF[who]
        if state.status is Status.DISCONNECTED and state.mailbox is not None:
            return  # still leaving
        if state.status not in (Status.DISCONNECTED, Status.REAUTH_REQUIRED):
            return
        conflicts = {"anna": ((HOME, AT_HOME),), "bert": ((mailbox, BESIDE),)}.get(who, ())
        self._add_connection(mailbox, who)
        for other, _ in conflicts:
            self._add_connection(other, who)
        new = replace(
            state.moved_to(Status.IMPORTING, self.clinic.clock.now()), mailbox=mailbox, primary=DEFAULT,
            conflict_calendars=conflicts, progress=Progress(), attempt=state.attempt + 1, degraded=None,
        )  # fmt: skip
        self.stores.resources.save(new)

    # -- the services' own moods -------------------------------------------------------------------------------------

    def expire_cursors(self, place: str) -> None:
        self.server(place).expire_cursors()

    def expire_host_cursors(self) -> None:
        self.clinic.system.expire_cursors()

    def rotate_change_keys(self, place: str) -> None:
        self.server(place).rotate_created()

    def hold_feed(self, place: str) -> None:
        self.server(place).hold_feed()

    def release_feed(self, place: str) -> None:
        self.server(place).release_feed()

    def time_passes(self, hours: float) -> None:
        self.clinic.clock.advance(timedelta(hours=hours))
        self.went_back += max(timedelta(hours=-hours), timedelta(0))

    # -- what happens while a run is under way -----------------------------------------------------------------------

    def _edit_meanwhile(self, random: Random) -> None:
        place, day, hour, pick = (
            random.choice(PLACES),
            random.randint(1, 12),
            random.choice((8, 9, 10.5)),
            random.randint(0, 99),
        )
        edits: list[Callable[[], None]] = [
            lambda: self.create_entry(place, day, hour), lambda: self.move_entry(place, pick, day, hour),
            lambda: self.delete_entry(place, pick), lambda: self.rename(place, pick),
            lambda: self.move_booking(pick, day, hour), lambda: self.change_booking(pick, "cancel"),
            lambda: self.change_booking(pick, "retitle"), lambda: self.book([random.choice(RESOURCES)], day, hour),
            lambda: self.reassign(pick, [random.choice(RESOURCES)]), lambda: self.pause(random.choice(RESOURCES)),
        ]  # fmt: skip
        chosen = random.choice(edits)
        if pick % 12 == 0:
            self.change_pattern(place, pick, OTHERWISE[day % len(OTHERWISE)])
        else:
            chosen()

    def _be_slow(self, _random: Random) -> None:
        self.clinic.clock.advance(timedelta(seconds=55))

    def _overtake(self, _random: Random) -> None:
        """The lease runs out while this run hangs; another one takes over and finishes first. The hung one
        meets no further fault: that it hangs inside a write to the booking system and dies right after is
        healed by the full check only."""
        if self.busy_with is None or self.depth:
            return
        self.depth = 1
        self.clinic.clock.advance(self.clinic.ports.lease_for + timedelta(seconds=1))
        try:
            self.clinic.run(self.busy_with)
        finally:
            self.depth = 0
        self.faults.is_calm = True

    def _repeat_page(self, _random: Random) -> None:
        for provider in self.clinic.providers.values():
            provider.repeats = True  # type: ignore[attr-defined]

    def _touch(self, _random: Random) -> None:
        for server in self.clinic.servers.values():
            last = server.items.get(server.writes[-1].entry_id) if server.writes else None
            if last is not None and not last.is_gone:
                server.touch(last.entry.id)

    # -- runs, with faults -------------------------------------------------------------------------------------------

    def run(self, who: str, seed: int = 0, share: float = 0.0, cause: str = "notification") -> None:
        """One message of the queue and its machine, cut short by whatever happens."""
        if share:
            self.faults.start(seed, share)
        self.busy_with = who
        try:
            self.stores.leases.wish(ACCOUNT, ResourceId(who))
            for round_ in range(6):
                if self.clinic.work(who, cause, round_).result in (Result.DONE, Result.FAILED):
                    break
        except (CrashError, ProviderUnavailableError):  # the machine's own Retry and the due item bring it back
            self.clinic.clock.advance(self.clinic.ports.lease_for + timedelta(seconds=1))
        finally:
            self.faults.stop()
            self.busy_with = None

    def heal(self) -> None:
        """Everybody is let in again, feeds catch up, left-over leases run out."""
        self.heal_circumstances()
        for server in self.clinic.servers.values():
            server.release_feed()
        for provider in self.clinic.providers.values():
            provider.repeats = False  # type: ignore[attr-defined]
        self.clinic.clock.advance(
            timedelta(minutes=5) + self.went_back
        )  # a clock that went back prolonged what is held
        self.went_back = timedelta(0)
        for who in (None, *RESOURCES):
            values = (
                self.stores.settings.resource(ACCOUNT, ResourceId(who))
                if who
                else self.stores.settings.account(ACCOUNT)
            )
            if values.values.get("active") is False:
                self.change_settings(who, {"active": True}, "future")
        for who in RESOURCES:
            self.resume(who)
            if self.state(who).status is Status.DISCONNECTED and self.state(who).mailbox is not None:
                self.clinic.run(who)
            self.reconnect(who)
