"""Invitations from the console: one person or several, with the agreement to the privacy text before the first."""

from dataclasses import dataclass

from calsync_core.domain.apps import CalendarKind
from calsync_core.domain.errors import CalsyncError, InputError
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.usecases.agree_to_privacy import agree_to_privacy
from calsync_core.usecases.invite_resource import MAX_MESSAGE, InviteResource, invite_resource
from calsync_core.usecases.send_mail import address_of
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.app_words import kind_of, offered_kinds
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.problems import status_of
from calsync_core.web.wording import wording
from calsync_core.web.wording.words import Wording

MAX_AT_ONCE = 100
_INVITABLE = {Status.NOT_INVITED, Status.DISCONNECTED}


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one invitation; `trouble` is None when it is on its way."""

    name: str
    address: str
    trouble: Wording | None


@dataclass(frozen=True, slots=True)
class InvitationPages:
    parts: ConsoleParts

    def form(self, visit: Visit) -> Answer:
        """`resource` in the address preselects."""
        chosen = {value for name, value in visit.request.query if name == "resource"}
        return self._page(visit, chosen)

    def send(self, visit: Visit) -> Answer:
        """Each person on his own: one refusal does not stop the others."""
        request = visit.request
        chosen = dict.fromkeys(request.fields("resource"))
        if not chosen or len(chosen) > MAX_AT_ONCE:
            return self._page(visit, set(chosen), InputError("nobody_chosen"))
        if not self._has_agreed(visit):
            if request.field("agree") != "yes":
                return self._page(visit, set(chosen), InputError("agreement_missing"))
            self._agree(visit)
        try:
            kind = kind_of(request.field("kind"))
        except InputError as error:
            return self._page(visit, set(chosen), error)
        results = [self._invite(visit, ResourceId(one), request.field("message"), kind) for one in chosen]
        if len(results) == 1 and results[0].trouble is None:
            return see_other("/console?done=sent")
        return self.parts.frame.show(visit, "invited", section="overview", results=results)

    def _invite(self, visit: Visit, resource: ResourceId, message: str, kind: CalendarKind | None) -> Sent:
        state = self.parts.frame.resource(visit, resource)
        address = address_of(state.resource)
        command = InviteResource(visit.account, resource, visit.who, message, kind=kind)
        try:
            invite_resource(self.parts.ports, command)
        except CalsyncError as error:
            return Sent(state.resource.name, address, wording(error.code))
        return Sent(state.resource.name, address, None)

    def _page(self, visit: Visit, chosen: set[str], error: CalsyncError | None = None) -> Answer:
        states = self.parts.ports.stores.resources.of_account(visit.account)
        invitable = sorted(
            (state for state in states if _is_invitable(state)), key=lambda state: state.resource.name.casefold()
        )
        return self.parts.frame.show(
            visit,
            "invite",
            section="overview",
            status=status_of(error) if error else 200,
            trouble=wording(error.code) if error else None,
            people=[(state, address_of(state.resource)) for state in invitable],
            chosen=chosen,
            message=visit.request.field("message")[:MAX_MESSAGE],
            max_message=MAX_MESSAGE,
            has_agreed=self._has_agreed(visit),
            deployment=self.parts.deployment,
            by=visit.who,
            kinds=offered_kinds(self.parts.ports, visit.account),
            kind=visit.request.field("kind") or self.parts.ports.stores.apps.get(visit.account).invites_to.value,
        )

    def _has_agreed(self, visit: Visit) -> bool:
        rows = self.parts.ports.stores.journeys.agreements(visit.account)
        return any(row.role == "admin" and row.text_version == self.parts.ports.text_version for row in rows)

    def _agree(self, visit: Visit) -> None:
        ports = self.parts.ports
        who = f"{visit.session.issuer}#{visit.session.subject}"
        agree_to_privacy(ports.stores.journeys, ports.clock, visit.account, who, ports.text_version)


def _is_invitable(state: ResourceState) -> bool:
    return state.resource.is_active and state.status in _INVITABLE
