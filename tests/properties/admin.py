"""What an admin does on calsync's pages, and the person on those of a journey: steps of a life (life.py)."""

from datetime import timedelta

from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.appointments import Entry
from calsync_core.domain.conflicts import Resolution
from calsync_core.domain.connections import Connection, MailboxIdentity, ProviderKind
from calsync_core.domain.errors import CalsyncError, ConcurrentChangeError, RefusedError
from calsync_core.domain.ids import MailboxId, ResourceId
from calsync_core.domain.resources import Progress, Status
from calsync_core.domain.values import replace
from calsync_core.usecases.change_settings import Change, SettingsPorts, save_change
from calsync_core.usecases.confirm_stop_line import StopLinePorts, confirm_stop_line
from calsync_core.usecases.disconnect_resource import DisconnectResource, disconnect_resource
from calsync_core.usecases.pause_resource import PauseResource, pause_resource
from calsync_core.usecases.resolve_conflict import ConflictPorts, Decision, offered, resolve_conflict
from calsync_core.usecases.resume_resource import resume_resource
from calsync_core.usecases.sync.finish_round import STOP_LINE

from tests.properties.looking import AT_HOME, BESIDE, HOME, MAILBOX_OF, PLACES, RESOURCES, Looking
from tests.small_clinic import ACCOUNT


def _generation(entry: Entry) -> int:
    return entry.mark.generation if entry.mark is not None else 0


class Admin(Looking):
    """`who` is a resource; of settings None stands for the whole account."""

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
        left = [one for place in PLACES for one in self.copies(place) if one.mark and one.mark.resource == who]
        last: dict[str, Entry] = {}  # what was written earlier, and not deleted after a crash, may as well be pasted
        for one in sorted((one for one in left if one.id not in self.clones), key=_generation):
            last[one.mark.booking] = one  # type: ignore[union-attr]
        self.kept |= {one.id for one in last.values()}
        self.orphans |= {one.id for one in left}
        self.clones |= self.orphans

    def reconnect(self, who: str, beside: bool = False) -> None:
        """A new sign-in after access was lost or after leaving; `beside`: bert chooses his other calendar this time."""
        state, mailbox = self.state(who), MAILBOX_OF[who]
        if state.status is Status.DISCONNECTED and state.mailbox is not None:
            return  # still leaving
        if state.status not in (Status.DISCONNECTED, Status.REAUTH_REQUIRED):
            return
        primary, other = (BESIDE, DEFAULT) if beside and who == "bert" else (DEFAULT, BESIDE)
        conflicts = {"anna": ((HOME, AT_HOME),), "bert": ((mailbox, other),)}.get(who, ())
        self._add_connection(mailbox, who)
        for other, _ in conflicts:
            self._add_connection(other, who)
        new = replace(
            state.moved_to(Status.IMPORTING, self.clinic.clock.now()), mailbox=mailbox, primary=primary,
            conflict_calendars=conflicts, progress=Progress(), attempt=state.attempt + 1, degraded=None,
        )  # fmt: skip
        self.stores.resources.save(new)
        # R32: what stands in the primary calendar is found where the window shows it, wherever its booking is by now.
        self.kept -= {entry.id for place in PLACES for entry in self.shown(place) if entry.calendar_id == primary}
        self.forget_kept()

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
