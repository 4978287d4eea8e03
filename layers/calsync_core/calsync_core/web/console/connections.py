"""Connections: API keys, which are shown once, and what Microsoft, mail and the booking system still need."""

from dataclasses import dataclass
from datetime import timedelta

from calsync_core.domain.errors import CalsyncError, InputError
from calsync_core.usecases.manage_api_keys import SCOPES, NewApiKey, create_api_key, revoke_api_key
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.app_words import offered_kinds, shown_apps
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.listing import notice
from calsync_core.web.console.overview import PROVIDERS
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.console.role_accounts import shown_roles
from calsync_core.web.links import Purpose, SignedLink, make_link
from calsync_core.web.problems import status_of
from calsync_core.web.wording import wording
from calsync_core.web.wording.words import Wording

APPROVAL_LIFETIME = timedelta(days=30)  # an IT department takes its time


@dataclass(frozen=True, slots=True)
class ConnectionPages:
    parts: ConsoleParts

    def show(self, visit: Visit) -> Answer:
        return self.page(visit)

    def create_key(self, visit: Visit) -> Answer:
        """The secret stands in this one answer and nowhere else; reloading the page does not show it again."""
        request, ports = visit.request, self.parts.ports
        try:
            made = create_api_key(
                ports.stores.access,
                ports.clock,
                ports.ids,
                visit.account,
                name=request.field("name"),
                scope=request.field("scope", "read"),
            )
        except InputError as error:
            return self.page(visit, status=status_of(error), trouble=wording(error.code))
        return self.page(visit, made=made)

    def revoke_key(self, visit: Visit, key_id: str) -> Answer:
        revoke_api_key(self.parts.ports.stores.access, visit.account, key_id)
        return see_other("/console/connections?done=revoked")

    def _approval_url(self, visit: Visit) -> str:
        """Where an administrator of the organisation approves calsync; "" while Microsoft is not set up."""
        ports = self.parts.ports
        if not self.parts.deployment.has_entra_client:
            return ""
        expires_at = ports.clock.now() + APPROVAL_LIFETIME
        state = make_link(self.parts.link_key, SignedLink(Purpose.ADMIN_CONSENT, visit.account, "", expires_at))
        return ports.sign_in.admin_consent_url(state=state, redirect_uri=ports.redirect_uri)

    def page(
        self,
        visit: Visit,
        *,
        made: NewApiKey | None = None,
        trouble: Wording | None = None,
        status: int = 200,
        app_error: CalsyncError | None = None,
    ) -> Answer:
        stores = self.parts.ports.stores
        keys = sorted(stores.access.api_keys(visit.account), key=lambda key: (key.is_revoked, key.name.casefold()))
        connections = sorted(stores.connections.of_account(visit.account), key=lambda one: one.address)
        return self.parts.frame.show(
            visit,
            "connections",
            section="connections",
            status=status_of(app_error) if app_error else status,
            app_trouble=wording(app_error.code) if app_error else None,
            apps=shown_apps(self.parts.ports, visit.account),
            kinds=offered_kinds(self.parts.ports, visit.account),
            invites_to=stores.apps.get(visit.account).invites_to,
            servers=stores.servers.of_account(visit.account),
            roles=shown_roles(self.parts, visit),
            wording=wording,
            keys=keys,
            made=made,
            trouble=trouble,
            given_name=visit.request.field("name") if trouble else "",
            scopes=SCOPES,
            connections=connections,
            providers=PROVIDERS,
            deployment=self.parts.deployment,
            account=visit.account,
            approval_url=self._approval_url(visit),
            notice=notice(visit.request),
        )
