"""A small clinic that lives: every step that a person, the clinic, an admin or the services may take, by name.

Who does what: person.py, front_desk.py, admin.py, services.py, what is taken back second_thoughts.py, what is rare
circumstances.py. Here stand how the clinic is opened, what is counted, and what a run meets.

Three resources: anna and anna-north share one mailbox (one person, two locations), bert has his own. Another mailbox,
"home", belongs to anna and is only checked (a conflict calendar), as is bert's second calendar. Each mailbox is at
Microsoft 365, or at an Exchange server where the life's opening says so. Both harnesses use it:
seeded schedules (simulation.py) and Hypothesis (test_sync_machine.py). All arguments are plain, so that a script of
steps can be printed and replayed.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer
from calsync_core.adapters.memory.mailbox import DEFAULT, MemoryMailboxServer
from calsync_core.adapters.memory.outward import MemoryMailer
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import MailboxId, ResourceId
from calsync_core.domain.resources import Status
from calsync_core.domain.settings import SyncSettings
from calsync_core.domain.values import replace
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.mails import Draft
from calsync_core.ports.outward import Mail
from calsync_core.usecases.sync.sync_resource import Outcome, Result

from tests.properties.admin import Admin
from tests.properties.circumstances import Circumstances
from tests.properties.faults import CrashError, Faults, watched
from tests.properties.front_desk import FrontDesk
from tests.properties.looking import AT_HOME, HOME, MAILBOX_AT, MAILBOX_OF, PLACES, RESOURCES
from tests.properties.person import Person
from tests.properties.repeats import OTHERWISE
from tests.properties.second_thoughts import SecondThoughts
from tests.properties.services import Moody, MoodyExchange, Services
from tests.small_clinic import ACCOUNT, a_clinic

WRITES = ("create", "update", "delete", "put_block", "delete_block", "move_booking", "cancel_booking")
PAGES = ("changes", "bookings")
FEW_CALLS = 40
"""What a call of *work* may ask about nothing at all: four feeds, subscriptions, marks."""


class PlainWriter:
    def write(self, draft: Draft) -> Mail:
        return Mail(draft.to, f"{draft.kind} {draft.facts.get('what', '')}", "text", "html", draft.kind.value)


class Life(Person, FrontDesk, Admin, Services, SecondThoughts, Circumstances):
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
        self.kept: set[str] = set()
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
            links = self._count_links()
            try:
                return work(*asked)
            finally:
                if sum(self.calls.values()) - sum(before.values()) - self.of_others.total() > FEW_CALLS:
                    used = self.calls - Counter(before) - self.of_others
                    self._note_unbounded(used, asked, max(links, self._count_links()))
                self.of_others = of_others
                if self.depth:
                    of_others.update(self.calls - Counter(before))

        return measured

    def _count_links(self) -> int:
        shelf = self.stores.links._shelf  # type: ignore[attr-defined]
        return sum(len(shelf(ACCOUNT, ResourceId(who)).links) for who in RESOURCES)

    def _note_unbounded(self, used: Counter[str], asked: object, links: int) -> None:
        """`links`: those that were there before as well. One that had no copy (yet) goes without a write."""
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

    # -- what happens while a run is under way -------------------------------------------------------------------------

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

    # -- runs, with faults ---------------------------------------------------------------------------------------------

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
