"""An admin connects a resource to an Exchange mailbox himself: with its own password, or by a service account."""

from dataclasses import dataclass
from urllib.parse import quote

from calsync_core.domain.errors import CalsyncError, InputError
from calsync_core.domain.ids import ServerId
from calsync_core.domain.resources import ResourceState
from calsync_core.usecases.connect_by_service import ConnectByService, connect_by_service
from calsync_core.usecases.enter_exchange_password import EnterPassword, enter_exchange_password
from calsync_core.usecases.grant_access import SignInResult
from calsync_core.usecases.send_mail import address_of
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.exchange_help import HELP
from calsync_core.web.links import manage_path
from calsync_core.web.problems import status_of
from calsync_core.web.public.site import CHOICE_LIFETIME
from calsync_core.web.visit import browser_key, visit_cookie
from calsync_core.web.wording import wording


@dataclass(frozen=True, slots=True)
class ExchangeConnectPages:
    parts: ConsoleParts

    def ask(self, visit: Visit, resource_id: str) -> Answer:
        return self._page(visit, self.parts.frame.resource(visit, resource_id))

    def by_password(self, visit: Visit, resource_id: str) -> Answer:
        """The resource's own login; the password is tried once, sealed and shown nowhere."""
        state, request = self.parts.frame.resource(visit, resource_id), visit.request
        key, cookies = self._browser(visit)
        command = EnterPassword(
            account=visit.account,
            resource=state.resource.id,
            browser_key=key,
            who=_who(visit),
            address=request.field("address").strip()[:254],
            password=request.field("password"),
            login=request.field("login").strip()[:254],
            server=request.field("server").strip()[:64],
            server_name=request.field("server_name").strip()[:500],
            invited_address=address_of(state.resource),
            for_resource=True,
        )
        try:
            self._check_agreement(visit)
            result = enter_exchange_password(self.parts.ports, command)
        except CalsyncError as error:
            return self._page(visit, state, error, "password").with_cookies(*cookies)
        return self._go_on(state, result, cookies)

    def by_service(self, visit: Visit, resource_id: str) -> Answer:
        state, request = self.parts.frame.resource(visit, resource_id), visit.request
        key, cookies = self._browser(visit)
        command = ConnectByService(
            account=visit.account,
            resource=state.resource.id,
            server=ServerId(request.field("server").strip()[:64]),
            mailbox=request.field("mailbox").strip()[:254],
            who=_who(visit),
            browser_key=key,
        )
        try:
            self._check_agreement(visit)
            result = connect_by_service(self.parts.ports, command)
            if result.error is not None:
                raise result.error
        except CalsyncError as error:
            return self._page(visit, state, error, "service").with_cookies(*cookies)
        return self._go_on(state, result, cookies)

    def _browser(self, visit: Visit) -> tuple[str, tuple[str, ...]]:
        """The grant that waits for the calendar choice belongs to this browser."""
        present = browser_key(visit.request)
        key = present or self.parts.ports.ids.token()
        return key, (() if present else (visit_cookie(key),))

    def _check_agreement(self, visit: Visit) -> None:
        if visit.request.field("agree") != "yes":
            raise InputError("agreement_missing", field="agree")

    def _go_on(self, state: ResourceState, result: SignInResult, cookies: tuple[str, ...]) -> Answer:
        """Everybody's pages follow: whose mailbox answered, then the calendars."""
        now = self.parts.ports.clock.now()
        path = manage_path(self.parts.link_key, state.account, state.resource.id, now, CHOICE_LIFETIME)
        if result.is_renewed:
            return see_other(f"{path}/progress", *cookies)
        is_confirmed = result.grant is not None and result.grant.is_confirmed
        return see_other(f"{path}/calendars" if is_confirmed else f"{path}/account", *cookies)

    def _page(
        self, visit: Visit, state: ResourceState, error: CalsyncError | None = None, place: str = "password"
    ) -> Answer:
        request, resource = visit.request, state.resource
        servers = self.parts.ports.stores.servers.of_account(visit.account)
        address = resource.email or address_of(resource)
        return self.parts.frame.show(
            visit,
            "exchange_connect",
            section="overview",
            status=status_of(error) if error else 200,
            state=state,
            resource=resource,
            base=f"/console/resources/{quote(resource.id, safe='')}",
            servers=servers,
            service_servers=[one for one in servers if one.service is not None],
            trouble=wording(error.code) if error else None,
            place=place,
            address=request.field("address").strip()[:254] or address,
            mailbox=request.field("mailbox").strip()[:254] or address,
            login=request.field("login").strip()[:254],
            server=request.field("server")[:64],
            server_name=request.field("server_name").strip()[:500],
            deployment=self.parts.deployment,
            help=HELP,
        )


def _who(visit: Visit) -> str:
    return f"{visit.session.issuer}#{visit.session.subject}"
