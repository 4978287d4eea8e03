"""The Exchange sign-in: e-mail and password, and server and user name only where they cannot be found.

The password is read from the form, handed to the use case and never shown again. Looking changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from calsync_core.domain.apps import CalendarKind
from calsync_core.domain.errors import (
    CalsyncError,
    InputError,
    LinkInvalidError,
    MailboxTakenError,
    SignInRefusedError,
)
from calsync_core.domain.resources import ResourceState
from calsync_core.observability import count, logger
from calsync_core.ports.stores import Invitation
from calsync_core.usecases.enter_exchange_password import EnterPassword, enter_exchange_password
from calsync_core.usecases.read_invitation import read_invitation
from calsync_core.usecases.send_mail import address_of
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.exchange_help import HELP
from calsync_core.web.problems import status_of
from calsync_core.web.public.invitation import InvitationPages
from calsync_core.web.public.manage import CONNECTED, ManagePages
from calsync_core.web.public.site import Site
from calsync_core.web.request import Request
from calsync_core.web.wording import wording

# Which fields help after which refusal: the server is asked for only where it cannot be found.
ASKS_FOR_SERVER = {"server_not_found", "server_address", "server_not_chosen", "name_not_found"}
ASKS_FOR_LOGIN = {*ASKS_FOR_SERVER, "password_wrong", "mailbox_missing"}


@dataclass(frozen=True, slots=True)
class _Form:
    """Where the form is sent, for whom, and what its fields hold now. The password is none of them."""

    action: str
    back: str
    state: ResourceState
    address: str
    invitation_id: str | None = None
    login: str = ""
    server: str = ""
    server_name: str = ""
    is_offered: bool = True


@dataclass(frozen=True, slots=True)
class ExchangePages:
    site: Site
    invitation: InvitationPages
    manage: ManagePages

    def of_invitation(self, request: Request, token: str) -> Answer:
        try:
            form = self._invited(token)
            return self._show(request, form) if form.is_offered else see_other(form.back)
        except LinkInvalidError as error:
            return self.invitation.show_link_state(request, token, error)

    def enter_by_invitation(self, request: Request, token: str) -> Answer:
        key = self.site.check_form(request)
        try:
            return self._enter(request, self._invited(token), key)
        except LinkInvalidError as error:
            return self.invitation.show_link_state(request, token, error)

    def of_resource(self, request: Request, link: str) -> Answer:
        """From the manage page or a mail: a new password, or other calendars."""
        return self._show(request, self._managed(link, self.manage.read(link), None))

    def enter_by_resource(self, request: Request, link: str) -> Answer:
        key = self.site.check_form(request)
        state = self.manage.read(link)
        invitation_id = None if state.status in CONNECTED else self.manage.right_to_connect(state, key)
        return self._enter(request, self._managed(link, state, invitation_id), key)

    def _invited(self, token: str) -> _Form:
        """Raises the LinkInvalidError family."""
        found = read_invitation(self.site.ports, self.invitation.read_link(token))
        invitation = found.invitation
        return _Form(
            f"/i/{token}/exchange",
            f"/i/{token}",
            found.state,
            invitation.address,
            invitation.id,
            is_offered=_is_offered(invitation),
        )

    def _managed(self, link: str, state: ResourceState, invitation_id: str | None) -> _Form:
        connection = self.site.ports.stores.connections.get(state.account, state.mailbox) if state.mailbox else None
        address = connection.address if connection else address_of(state.resource)
        invitation = (
            self.site.ports.stores.journeys.invitation_by_id(state.account, state.resource.id, invitation_id)
            if invitation_id
            else None
        )
        is_offered = invitation is None or _is_offered(invitation)
        return _Form(f"/m/{link}/exchange", f"/m/{link}", state, address, invitation_id, is_offered=is_offered)

    def _enter(self, request: Request, form: _Form, key: str) -> Answer:
        if not form.is_offered:
            return see_other(form.back)
        typed = _Form(
            form.action,
            form.back,
            form.state,
            request.field("address").strip()[:254],
            form.invitation_id,
            request.field("login").strip()[:254],
            request.field("server").strip()[:64],
            request.field("server_name").strip()[:500],
        )
        if self._needs_agreement(form.state) and request.field("agree") != "yes":
            return self._show(request, typed, InputError("agreement_missing", field="agree"))
        command = EnterPassword(
            account=form.state.account,
            resource=form.state.resource.id,
            browser_key=key,
            who=form.address,
            address=typed.address,
            password=request.field("password"),
            login=typed.login,
            server=typed.server,
            server_name=typed.server_name,
            invitation_id=form.invitation_id,
            invited_address=form.address,
        )
        try:
            result = enter_exchange_password(self.site.ports, command)
        except LinkInvalidError:
            raise
        except MailboxTakenError as error:
            return self._taken(request, form, error)
        except CalsyncError as error:
            if isinstance(error, SignInRefusedError):
                count("SignInRefused")
            logger().info("exchange sign-in refused", code=error.code, resource=form.state.resource.id)
            return self._show(request, typed, error)
        path = self.site.manage_path(form.state.account, form.state.resource.id)
        if result.is_renewed:
            return see_other(f"{path}/progress")
        is_confirmed = result.grant is not None and result.grant.is_confirmed
        return see_other(f"{path}/calendars" if is_confirmed else f"{path}/account")

    def _show(self, request: Request, form: _Form, error: CalsyncError | None = None) -> Answer:
        code = error.code if error else ""
        asks_server = code in ASKS_FOR_SERVER or bool(form.server or form.server_name)
        servers = self.site.ports.stores.servers.of_account(form.state.account)
        return self.site.show(
            request,
            "exchange",
            status=status_of(error) if error else 200,
            leads_to_sign_in=True,
            form=form,
            state=form.state,
            servers=servers if asks_server and servers else (),
            asks_server=asks_server,
            asks_login=code in ASKS_FOR_LOGIN or bool(form.login),
            needs_agreement=self._needs_agreement(form.state),
            wrong=wording(code) if code else None,
            wrong_field=_field_of(error),
            until=_until(error),
            code=code,
            is_microsoft=code == "microsoft365",
            microsoft_action=self._microsoft_action(form),
            is_service=self._is_service(form.state),
            help=HELP,
            zone=form.state.resource.time_zone,
        )

    def _taken(self, request: Request, form: _Form, error: MailboxTakenError) -> Answer:
        return self.site.show(
            request,
            "not_connected",
            status=status_of(error),
            state=form.state,
            back=form.action,
            wording=wording(error.code),
            code=error.code,
            is_declined=False,
            is_taken=True,
        )

    def _needs_agreement(self, state: ResourceState) -> bool:
        """Once per person and version; who only gives a new password has agreed before."""
        ports = self.site.ports
        return not any(
            row.resource == state.resource.id and row.role == "resource" and row.text_version == ports.text_version
            for row in ports.stores.journeys.agreements(state.account)
        )

    def _microsoft_action(self, form: _Form) -> str:
        """Where "Continue to Microsoft" is sent; a connection that is an Exchange mailbox is not replaced that way."""
        return f"{form.back}/continue" if form.back.startswith("/i/") else ""

    def _is_service(self, state: ResourceState) -> bool:
        connection = self.site.ports.stores.connections.get(state.account, state.mailbox) if state.mailbox else None
        return connection is not None and connection.access != "own" and state.status in CONNECTED


def _is_offered(invitation: Invitation) -> bool:
    """An invitation for Microsoft 365 alone asks nobody for a password."""
    return invitation.kind is not CalendarKind.OFFICE365


def _field_of(error: CalsyncError | None) -> str:
    if error is None:
        return ""
    if error.code == "password_wrong":
        return "password"
    return {"server": "server_name"}.get(str(error.detail.get("field", "")), str(error.detail.get("field", "")))


def _until(error: CalsyncError | None) -> datetime | None:
    until = error.detail.get("until") if error else None
    return datetime.fromisoformat(str(until)) if until else None
