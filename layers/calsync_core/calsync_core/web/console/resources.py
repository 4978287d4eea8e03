"""The page of one resource: calendars, what can be done, its invitation, conflicts and log. Each press is one use case.

Not here: its settings (settings.py) and disconnecting, which asks first (disconnecting.py).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from calsync_core.domain.conflicts import ConflictStatus
from calsync_core.domain.errors import CalsyncError, InputError
from calsync_core.domain.links import Origin
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.settings import effective
from calsync_core.ports.stores import Invitation
from calsync_core.usecases.confirm_stop_line import confirm_stop_line, count_vanished, restore_copies
from calsync_core.usecases.invite_resource import InviteResource, invite_resource
from calsync_core.usecases.pause_resource import PauseResource, pause_resource
from calsync_core.usecases.resume_resource import resume_resource
from calsync_core.usecases.send_mail import address_of
from calsync_core.usecases.sync.finish_round import STOP_LINE
from calsync_core.usecases.sync_now import sync_now
from calsync_core.usecases.try_again import TryPorts, set_aside
from calsync_core.usecases.withdraw_invitation import withdraw_invitation
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.conflict_words import KINDS, starts_at
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.listing import notice
from calsync_core.web.console.overview import PROVIDERS, named_turn
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.console.synclog import FOLDED, shown_line
from calsync_core.web.links import invitation_path
from calsync_core.web.problems import status_of
from calsync_core.web.status import shown_status
from calsync_core.web.when import shown_when
from calsync_core.web.wording import wording

LOG_READ, LOG_LINES = 60, 10
_MAY_DISCONNECT = {Status.IMPORTING, Status.CONNECTED, Status.REAUTH_REQUIRED, Status.PAUSED}
_MAY_CONNECT = {Status.NOT_INVITED, Status.AWAITING, Status.DISCONNECTED, Status.REAUTH_REQUIRED, Status.CONNECTED}


@dataclass(frozen=True, slots=True)
class ResourcePages:
    parts: ConsoleParts

    def show(self, visit: Visit, resource_id: str) -> Answer:
        return self.page(visit, self.parts.frame.resource(visit, resource_id))

    def sync(self, visit: Visit, resource_id: str) -> Answer:
        state, ports = self.parts.frame.resource(visit, resource_id), self.parts.ports
        stores = ports.stores
        try:
            sync_now(stores.resources, stores.mails, ports.queue, ports.clock, visit.account, state.resource.id)
        except CalsyncError as error:
            return self.page(visit, state, error)
        return _back(state, "syncing")

    def pause(self, visit: Visit, resource_id: str) -> Answer:
        """`until` is the first day on which it goes on, in the account's zone; empty for "until I resume"."""
        state = self.parts.frame.resource(visit, resource_id)
        try:
            until = _morning(visit.request.field("until"), self.parts.frame.zone)
            command = PauseResource(visit.account, state.resource.id, visit.who, until)
            pause_resource(self.parts.ports, command)
        except CalsyncError as error:
            return self.page(visit, state, error)
        return _back(state, "paused")

    def resume(self, visit: Visit, resource_id: str) -> Answer:
        state, ports = self.parts.frame.resource(visit, resource_id), self.parts.ports
        try:
            resume_resource(ports, ports.queue, visit.account, state.resource.id, visit.who)
        except CalsyncError as error:
            return self.page(visit, state, error)
        return _back(state, "resumed")

    def send_again(self, visit: Visit, resource_id: str) -> Answer:
        state = self.parts.frame.resource(visit, resource_id)
        message = self._message(state)
        try:
            command = InviteResource(visit.account, state.resource.id, visit.who, message)
            invite_resource(self.parts.ports, command)
        except CalsyncError as error:
            return self.page(visit, state, error)
        return _back(state, "sent")

    def copy_link(self, visit: Visit, resource_id: str) -> Answer:
        """To the invitation that waits already; without one a new invitation is made, and nothing is mailed."""
        state = self.parts.frame.resource(visit, resource_id)
        waiting = self._invitation(state)
        if waiting is not None and waiting.expires_at > self.parts.frame.clock.now():
            path = invitation_path(
                self.parts.link_key, visit.account, state.resource.id, waiting.id, waiting.expires_at
            )
            return self.page(visit, state, link=f"{self.parts.deployment.public_url}{path}")
        try:
            command = InviteResource(visit.account, state.resource.id, visit.who, self._message(state), send=False)
            invited = invite_resource(self.parts.ports, command)
        except CalsyncError as error:
            return self.page(visit, state, error)
        link = f"{self.parts.deployment.public_url}/i/{invited.token}"
        return self.page(visit, self.parts.frame.resource(visit, resource_id), link=link)

    def withdraw(self, visit: Visit, resource_id: str) -> Answer:
        state = self.parts.frame.resource(visit, resource_id)
        try:
            withdraw_invitation(self.parts.ports, visit.account, state.resource.id)
        except CalsyncError as error:
            return self.page(visit, state, error)
        return _back(state, "withdrawn")

    def stop_line(self, visit: Visit, resource_id: str) -> Answer:
        """`what` is confirm ("it was on purpose") or restore."""
        state, what = self.parts.frame.resource(visit, resource_id), visit.request.field("what")
        try:
            if what == "confirm":
                confirm_stop_line(self.parts.stop_line, visit.account, state.resource.id, by=visit.who)
                return _back(state, "confirmed")
            restore_copies(self.parts.stop_line, visit.account, state.resource.id, by=visit.who)
        except CalsyncError as error:
            return self.page(visit, state, error)
        return _back(state, "restored")

    def page(self, visit: Visit, state: ResourceState, error: CalsyncError | None = None, *, link: str = "") -> Answer:
        """The page as it is now, with what went wrong on top; the address stays the one of the press."""
        stores, shown = self.parts.ports.stores, shown_status(state)
        resource = state.resource
        own = stores.settings.resource(visit.account, resource.id)
        return self.parts.frame.show(
            visit,
            "resource",
            section="overview",
            status=status_of(error) if error else 200,
            leads_to_sign_in=True,
            trouble=wording(error.code) if error else None,
            notice=notice(visit.request) if error is None else None,
            state=state,
            resource=resource,
            address=address_of(resource),
            shown=shown,
            turn=named_turn(state, shown),
            link=link,
            own_settings=len(own.values),
            conflicts=self._conflicts(state),
            may_disconnect=state.status in _MAY_DISCONNECT,
            may_connect=state.status in _MAY_CONNECT and resource.is_active,
            is_reconnect=state.mailbox is not None,
            tomorrow=f"{self.parts.frame.clock.now() + timedelta(days=1):%Y-%m-%d}",
            log=[
                shown_line(line, {resource.id: resource.name}, resource.time_zone)
                for line in stores.log.of_resource(visit.account, resource.id, LOG_READ)
                if line.reason.value not in FOLDED
            ][:LOG_LINES],
            vanished=self._vanished(state),
            after_confirming=effective(
                stores.settings.account(visit.account).values, own.values
            ).edits.deleted_in_calendar,
            shown_when=shown_when,
            waiting=self._set_aside(state),
            invitation=self._invitation(state),
            **self._calendars(state),
        )

    def _calendars(self, state: ResourceState) -> dict[str, Any]:
        """Where it writes to; of conflict calendars the admin sees how many there are, not their names."""
        stores = self.parts.ports.stores
        connection = stores.connections.get(state.account, state.mailbox) if state.mailbox else None
        return {
            "connection": connection,
            "provider": PROVIDERS[connection.identity.provider] if connection else "",
            "more_calendars": max(0, len(state.calendars) - 1),
            "is_polled": bool(connection and state.primary in connection.polled),
            "unreached_every": connection.asked_every_minutes if connection and connection.unreached_since_at else 0,
        }

    def _conflicts(self, state: ResourceState) -> list[tuple[str, str]]:
        rows = self.parts.ports.stores.conflicts.of_resource(state.account, state.resource.id)
        zone = state.resource.time_zone
        rows = sorted((one for one in rows if one.status is ConflictStatus.OPEN), key=starts_at)
        return [(KINDS[one.kind], shown_when(one.booking_when or one.calendar_when, zone)) for one in rows]

    def _set_aside(self, state: ResourceState) -> list[tuple[str, str, str, bool]]:
        """Reference, time, reason, and whether it is a booking: of what is not tried any more."""
        ports, zone = self.parts.ports, state.resource.time_zone
        found = set_aside(TryPorts.of(ports, ports.queue), state.account, state.resource.id)
        return [
            (one.link.ref, shown_when(one.link.when, zone), wording(one.code or "entry_quarantined").title,
             one.link.origin is Origin.HOST)
            for one in found
        ]  # fmt: skip

    def _vanished(self, state: ResourceState) -> object:
        if state.degraded is None or state.degraded.reason != STOP_LINE:
            return None
        return count_vanished(self.parts.stop_line, state.account, state.resource.id)

    def _invitation(self, state: ResourceState) -> Invitation | None:
        if state.status is not Status.AWAITING or state.invitation_id is None:
            return None
        journeys = self.parts.ports.stores.journeys
        return journeys.invitation_by_id(state.account, state.resource.id, state.invitation_id)

    def _message(self, state: ResourceState) -> str:
        journeys = self.parts.ports.stores.journeys
        if state.invitation_id is None:
            return ""
        older = journeys.invitation_by_id(state.account, state.resource.id, state.invitation_id)
        return older.message if older else ""


def _back(state: ResourceState, done: str) -> Answer:
    return see_other(f"/console/resources/{quote(state.resource.id, safe='')}?done={done}")


def _morning(day: str, zone: str) -> datetime | None:
    """The beginning of that day; None for an empty field. Raises InputError for what is no day."""
    if not day:
        return None
    try:
        date = datetime.strptime(day, "%Y-%m-%d").date()  # noqa: DTZ007 - a date only
    except ValueError:
        raise InputError("until_out_of_range", field="until") from None
    return datetime.combine(date, time.min, ZoneInfo(zone)).astimezone(UTC)
