"""/v1/conflicts: where both cannot be true, and ending it."""

from dataclasses import dataclass

from calsync_core.domain.conflicts import Conflict, ConflictStatus, Resolution
from calsync_core.domain.errors import InputError, NotFoundError
from calsync_core.domain.ids import LONGEST_ID, ConflictId
from calsync_core.usecases.resolve_conflict import ConflictPorts, Decision, offered, resolve_conflict
from calsync_core.web.answers import Answer
from calsync_core.web.api import schemas
from calsync_core.web.api.frame import ApiFrame, Call, answer, list_page, read_body

READ_AT_MOST = 1000
_LIVE = {ConflictStatus.OPEN, ConflictStatus.LEFT}


@dataclass(frozen=True, slots=True)
class ConflictRoutes:
    frame: ApiFrame

    def list(self, call: Call) -> Answer:
        """Open or ended ones, newest first; `resource_id` filters."""
        wanted, status = call.request.argument("resource_id"), call.request.argument("status", "open")
        if wanted:
            self.frame.resource(call, wanted)
        if status not in ("open", "ended"):
            raise InputError("input_invalid", field="status")
        store, is_open = self.frame.ports.stores.conflicts, status == "open"
        rows = [
            one
            for one in (store.open(call.account) if is_open else store.ended(call.account, READ_AT_MOST))
            if (one.status is ConflictStatus.OPEN) is is_open and (not wanted or one.resource_id == wanted)
        ]
        page, cursor = list_page(call, rows, lambda one: one.id)
        items = [conflict_out(one) for one in page]
        return answer(schemas.Page[schemas.ConflictOut](items=items, next_cursor=cursor))

    def one(self, call: Call, conflict_id: str) -> Answer:
        known = len(conflict_id) <= LONGEST_ID
        found = self.frame.ports.stores.conflicts.get(call.account, ConflictId(conflict_id)) if known else None
        if found is None:
            raise NotFoundError("conflict_unknown")
        return answer(conflict_out(found))

    def resolve(self, call: Call, conflict_id: str) -> Answer:
        asked = read_body(call, schemas.ResolutionIn)
        decision = Decision(Resolution(asked.resolution), call.who, asked.revision, asked.until)
        try:
            ended = resolve_conflict(
                ConflictPorts.of(self.frame.ports), call.account, ConflictId(conflict_id), decision
            )
        except NotFoundError:
            raise NotFoundError("conflict_unknown") from None
        return answer(conflict_out(ended))


def conflict_out(conflict: Conflict) -> schemas.ConflictOut:
    return schemas.ConflictOut(
        id=conflict.id,
        resource_id=conflict.resource_id,
        kind=conflict.kind.value,
        status=conflict.status.value,
        booking_id=conflict.booking_id,
        booking_time=schemas.when_out(conflict.booking_when),
        calendar_time=schemas.when_out(conflict.calendar_when),
        code=conflict.code,
        opened=conflict.opened_at,
        until=conflict.left_until_at,
        ended=conflict.ended_at,
        ended_by=conflict.ended_by,
        resolution=conflict.resolution.value if conflict.resolution else None,
        revision=conflict.revision,
        resolutions=[one.value for one in offered(conflict)] if conflict.status in _LIVE else [],
    )
