"""An admin connects a calendar himself, without a mail; the rest is everybody's journey (web/public)."""

from dataclasses import dataclass
from urllib.parse import quote

from calsync_core.domain.errors import CalsyncError
from calsync_core.usecases.connect_own_calendar import ConnectOwnCalendar, connect_own_calendar
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.console.resources import ResourcePages
from calsync_core.web.visit import browser_key, visit_cookie


@dataclass(frozen=True, slots=True)
class OwnCalendarPages:
    parts: ConsoleParts
    pages: ResourcePages

    def begin(self, visit: Visit, resource_id: str) -> Answer:
        """To Microsoft, with this browser bound to the round trip; pressing agrees to the privacy text."""
        state = self.parts.frame.resource(visit, resource_id)
        present = browser_key(visit.request)
        key = present or self.parts.ports.ids.token()
        command = ConnectOwnCalendar(
            account=visit.account,
            resource=state.resource.id,
            who=f"{visit.session.issuer}#{visit.session.subject}",
            browser_key=key,
            back=f"/console/resources/{quote(state.resource.id, safe='')}",
        )
        try:
            url = connect_own_calendar(self.parts.ports, command)
        except CalsyncError as error:
            return self.pages.page(visit, state, error)
        return see_other(url, *(() if present else (visit_cookie(key),)))
