"""/v1/resources: who there is, when they are free, what was done, and the buttons of the console for programs."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from calsync_core.domain.apps import CalendarKind
from calsync_core.domain.availability import Occupied
from calsync_core.domain.conflicts import ConflictStatus
from calsync_core.domain.errors import InputError
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.synclog import LogEntry
from calsync_core.usecases.agree_to_privacy import agree_to_privacy
from calsync_core.usecases.check_resource import CheckPorts, check_resource
from calsync_core.usecases.disconnect_resource import REMOVE_COPIES, DisconnectResource, disconnect_resource
from calsync_core.usecases.invite_resource import InviteResource, invite_resource
from calsync_core.usecases.look_up_availability import AvailabilityAnswer, AvailabilityPorts, look_up_availability
from calsync_core.usecases.look_up_free_busy import look_up_unconnected
from calsync_core.usecases.pause_resource import PauseResource, pause_resource
from calsync_core.usecases.resume_resource import resume_resource
from calsync_core.usecases.sync_now import sync_now
from calsync_core.web.answers import Answer
from calsync_core.web.api import schemas
from calsync_core.web.api.frame import ApiFrame, Call, answer, instant_argument, list_page, read_body
from calsync_core.web.status import shown_status
from calsync_core.web.wording import wording

LOG_LINES = 1000


@dataclass(frozen=True, slots=True)
class ResourceRoutes:
    frame: ApiFrame
    public_url: str

    def list(self, call: Call) -> Answer:
        stores = self.frame.ports.stores
        states = sorted(stores.resources.of_account(call.account), key=lambda state: state.resource.id)
        page, cursor = list_page(call, states, lambda state: state.resource.id)
        conflicts = Counter(
            one.resource_id for one in stores.conflicts.open(call.account) if one.status is ConflictStatus.OPEN
        )
        items = [resource_out(state, conflicts[state.resource.id]) for state in page]
        return answer(schemas.Page[schemas.ResourceOut](items=items, next_cursor=cursor))

    def one(self, call: Call, resource_id: str) -> Answer:
        return answer(self._one(call, resource_id))

    def availability(self, call: Call, resource_id: str) -> Answer:
        stores, clock = self.frame.ports.stores, self.frame.ports.clock
        state = self.frame.resource(call, resource_id)
        start, end = instant_argument(call, "from"), instant_argument(call, "to")
        ports = AvailabilityPorts(stores.resources, stores.cursors, stores.links, stores.settings, clock)
        found = look_up_unconnected(self.frame.ports, state, start, end) or look_up_availability(
            ports, call.account, state.resource.id, start, end
        )
        return answer(schemas.AvailabilityOut(**_availability(state, found)))

    def check(self, call: Call, resource_id: str) -> Answer:
        ports, stores = self.frame.ports, self.frame.ports.stores
        state = self.frame.resource(call, resource_id)
        asked = read_body(call, schemas.CheckIn)
        check_ports = CheckPorts(stores.resources, stores.links, stores.settings, ports.calendars, ports.clock)
        found = check_resource(check_ports, call.account, state.resource.id, asked.start, asked.end)
        return answer(schemas.CheckOut(**_availability(state, found), result=_result(found)))

    def log(self, call: Call, resource_id: str) -> Answer:
        state = self.frame.resource(call, resource_id)
        lines = self.frame.ports.stores.log.of_resource(call.account, state.resource.id, LOG_LINES)
        page, cursor = list_page(call, lines, _line_key)
        items = [log_out(line) for line in page]
        return answer(schemas.Page[schemas.LogOut](items=items, next_cursor=cursor))

    def invite(self, call: Call, resource_id: str) -> Answer:
        ports, state = self.frame.ports, self.frame.resource(call, resource_id)
        asked = read_body(call, schemas.InvitationIn)
        if asked.agree_to_privacy_version is not None:
            if asked.agree_to_privacy_version != ports.text_version:
                raise InputError("agreement_missing", field="agree_to_privacy_version")
            who = f"api-key:{call.key.id}"
            agree_to_privacy(ports.stores.journeys, ports.clock, call.account, who, ports.text_version)
        kind = CalendarKind(asked.calendar) if asked.calendar else None
        command = InviteResource(
            call.account, state.resource.id, call.key.name, asked.message, send=asked.send, kind=kind
        )
        invited = invite_resource(ports, command)
        out = schemas.InvitationOut(
            resource_id=state.resource.id,
            address=invited.invitation.address,
            expires=invited.invitation.expires_at,
            link=None if asked.send else f"{self.public_url}/i/{invited.token}",
        )
        return answer(out, 201)

    def sync(self, call: Call, resource_id: str) -> Answer:
        ports, state = self.frame.ports, self.frame.resource(call, resource_id)
        stores = ports.stores
        sync_now(stores.resources, stores.mails, ports.queue, ports.clock, call.account, state.resource.id)
        return answer(schemas.AcceptedOut(), 202)

    def pause(self, call: Call, resource_id: str) -> Answer:
        state = self.frame.resource(call, resource_id)
        asked = read_body(call, schemas.PauseIn)
        pause_resource(self.frame.ports, PauseResource(call.account, state.resource.id, call.who, asked.until))
        return answer(self._one(call, resource_id))

    def resume(self, call: Call, resource_id: str) -> Answer:
        state, ports = self.frame.resource(call, resource_id), self.frame.ports
        resume_resource(ports, ports.queue, call.account, state.resource.id, call.who)
        return answer(self._one(call, resource_id))

    def disconnect(self, call: Call, resource_id: str) -> Answer:
        state, ports = self.frame.resource(call, resource_id), self.frame.ports
        asked = read_body(call, schemas.DisconnectIn)
        command = DisconnectResource(
            call.account, state.resource.id, call.who, remove_copies=asked.copies == REMOVE_COPIES
        )
        disconnect_resource(ports, ports.queue, command)
        return answer(self._one(call, resource_id))

    def _one(self, call: Call, resource_id: str) -> schemas.ResourceOut:
        state = self.frame.resource(call, resource_id)
        rows = self.frame.ports.stores.conflicts.of_resource(call.account, ResourceId(resource_id))
        shown = resource_out(state, sum(one.status is ConflictStatus.OPEN for one in rows))
        connections = self.frame.ports.stores.connections
        connection = connections.get(call.account, state.mailbox) if state.mailbox else None
        if connection is None or connection.unreached_since_at is None:
            return shown
        return shown.model_copy(update={"checked_every_minutes": connection.asked_every_minutes})


def resource_out(state: ResourceState, open_conflicts: int) -> schemas.ResourceOut:
    shown, resource = shown_status(state), state.resource
    is_awaiting = state.status.value == "awaiting_confirmation"
    status = schemas.StatusOut(
        state=state.status.value,
        label=shown.word,
        invitation=state.invitation.value if state.invitation and is_awaiting else None,
        degraded=state.degraded.reason if state.degraded else None,
        since=shown.since_at,
        next_actor=shown.actor.value,
        percent=shown.percent,
    )
    return schemas.ResourceOut(
        id=resource.id,
        name=resource.name,
        kind=resource.kind.value,
        email=resource.email,
        time_zone=resource.time_zone,
        active=resource.is_active,
        status=status,
        last_sync=state.last_sync_at,
        calendars=len(state.calendars),
        open_conflicts=open_conflicts,
    )


def _availability(state: ResourceState, found: AvailabilityAnswer) -> dict[str, Any]:
    return {
        "resource_id": state.resource.id,
        "start": found.start_at,
        "end": found.end_at,
        "known": found.is_known,
        "intervals": [
            schemas.IntervalOut(start=one.start_at, end=one.end_at, status=one.occupied.value)
            for one in found.intervals
        ],
        "sources": [
            schemas.SourceOut(name=one.name, known=one.is_known, as_of=one.as_of, reason=one.reason)
            for one in found.sources
        ],
    }


def _result(found: AvailabilityAnswer) -> Literal["free", "busy", "unknown"]:
    """Busy is certain whatever else is unknown; free only when everybody answered."""
    words = {one.occupied for one in found.intervals}
    if words - {Occupied.UNKNOWN}:
        return "busy"
    return "free" if found.is_known and not words else "unknown"


def log_out(line: LogEntry) -> schemas.LogOut:
    return schemas.LogOut(
        at=line.at,
        resource_id=line.resource_id,
        code=line.reason.value,
        text=wording(line.reason.value).title,
        way=line.way.value,
        rule=line.rule,
        reference=line.ref,
        cause=line.code,
        problem=line.is_problem,
        appointment=schemas.when_out(line.when),
        detail=dict(line.detail),
    )


def _line_key(line: LogEntry) -> str:
    return f"{line.at.isoformat()}/{line.reason.value}/{line.ref or ''}/{line.run or ''}"
