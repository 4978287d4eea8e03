"""The console's presses about apps: an access code of the operator, and what invitations are for."""

from dataclasses import dataclass

from calsync_core.domain.apps import CalendarKind
from calsync_core.domain.errors import InputError
from calsync_core.usecases.use_app import LONGEST_CODE, choose_invitation_kind, unlock_app
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.app_words import kind_of
from calsync_core.web.console.connections import ConnectionPages
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.parts import ConsoleParts


@dataclass(frozen=True, slots=True)
class AppPages:
    parts: ConsoleParts
    pages: ConnectionPages

    def unlock(self, visit: Visit) -> Answer:
        """An access code; at most five tries an hour."""
        try:
            unlock_app(self.parts.ports, visit.account, visit.request.field("code")[:LONGEST_CODE], visit.who)
        except InputError as error:
            return self.pages.page(visit, app_error=error)
        return see_other("/console/connections?done=unlocked#apps")

    def choose(self, visit: Visit) -> Answer:
        """What invitations are for where nobody says."""
        try:
            kind = kind_of(visit.request.field("kind")) or CalendarKind.OFFICE365
            choose_invitation_kind(self.parts.ports, visit.account, kind)
        except InputError as error:
            return self.pages.page(visit, app_error=error)
        return see_other("/console/connections?done=saved#apps")
