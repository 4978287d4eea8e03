"""Disconnecting asks first: how many entries go, what stays, and whether copies are removed or kept."""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import quote

from calsync_core.domain.errors import InputError
from calsync_core.domain.links import Origin
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.settings import effective
from calsync_core.usecases.disconnect_resource import (
    KEEP_COPIES,
    REMOVE_COPIES,
    DisconnectResource,
    disconnect_resource,
)
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.problems import status_of
from calsync_core.web.wording import wording

MAX_COUNTED = 20_000


@dataclass(frozen=True, slots=True)
class DisconnectPages:
    parts: ConsoleParts

    def ask(self, visit: Visit, resource_id: str) -> Answer:
        return self._page(visit, self.parts.frame.resource(visit, resource_id))

    def do(self, visit: Visit, resource_id: str) -> Answer:
        """`copies` says what becomes of what calsync wrote; `sure` is the second press."""
        state = self.parts.frame.resource(visit, resource_id)
        copies = visit.request.field("copies")
        if copies not in (REMOVE_COPIES, KEEP_COPIES) or visit.request.field("sure") != "yes":
            return self._page(visit, state, InputError("confirmation_missing"))
        command = DisconnectResource(visit.account, state.resource.id, visit.who, remove_copies=copies == REMOVE_COPIES)
        try:
            disconnect_resource(self.parts.ports, self.parts.ports.queue, command)
        except InputError as error:
            return self._page(visit, state, error)
        return see_other(f"/console/resources/{quote(state.resource.id, safe='')}?done=disconnected")

    def _page(self, visit: Visit, state: ResourceState, error: InputError | None = None) -> Answer:
        stores = self.parts.ports.stores
        counted: Counter[Origin] = Counter()
        for number, link in enumerate(stores.links.all(visit.account, state.resource.id)):
            if number >= MAX_COUNTED:
                break
            counted[link.origin] += 1
        values = (
            stores.settings.account(visit.account).values,
            stores.settings.resource(visit.account, state.resource.id).values,
        )
        return self.parts.frame.show(
            visit,
            "disconnect",
            section="overview",
            status=status_of(error) if error else 200,
            trouble=wording(error.code) if error else None,
            resource=state.resource,
            copies=counted[Origin.HOST],
            blocks=counted[Origin.CALENDAR],
            is_at_least=counted.total() >= MAX_COUNTED,
            chosen=effective(*values).on_disconnect,
        )
