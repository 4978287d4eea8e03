"""The page behind an invitation's link, and what its buttons do. Opening it changes nothing: mail scanners do that."""

from dataclasses import dataclass
from datetime import UTC, datetime

from calsync_core.domain.errors import LinkInvalidError, LinkUnknownError
from calsync_core.domain.ids import ResourceId
from calsync_core.usecases.decline_invitation import decline_invitation
from calsync_core.usecases.open_invitation import OpenInvitation, open_invitation
from calsync_core.usecases.read_invitation import (
    FoundInvitation,
    InvitationLink,
    find_invitation,
    read_invitation,
)
from calsync_core.usecases.renew_invitation import renew_invitation
from calsync_core.usecases.send_manage_link import send_manage_link
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.links import Purpose, SignedLink, make_link, read_link
from calsync_core.web.problems import status_of
from calsync_core.web.public.site import Site
from calsync_core.web.request import Request
from calsync_core.web.wording import wording

# The invitation's own end decides, so that an expired signed link still says "expired" and offers the way on.
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_RENEWABLE = {"link_expired", "link_replaced"}


@dataclass(frozen=True, slots=True)
class InvitationPages:
    site: Site

    def landing(self, request: Request, token: str) -> Answer:
        try:
            found = read_invitation(self.site.ports, self.read_link(token))
        except LinkInvalidError as error:
            return self.show_link_state(request, token, error)
        return self.site.show(
            request,
            "landing",
            token=token,
            leads_to_sign_in=True,
            state=found.state,
            settings=self.site.settings(found.state),
            invitation=found.invitation,
            kind=found.invitation.kind.value,
        )

    def go_on(self, request: Request, token: str) -> Answer:
        """Continue was pressed."""
        key = self.site.check_form(request)
        try:
            command = OpenInvitation(
                link=self.read_link(token),
                browser_key=key,
                back=f"/i/{token}",
                use_hint=request.field("account") != "other",
            )
            return see_other(open_invitation(self.site.ports, command))
        except LinkInvalidError as error:
            return self.show_link_state(request, token, error)

    def renew(self, request: Request, token: str) -> Answer:
        """The same answer whatever the limits said: the page is no way to learn about a mailbox."""
        self.site.check_form(request)
        link = self.read_link(token)
        try:
            renew_invitation(self.site.ports, link)
        except LinkInvalidError as error:
            return self.show_link_state(request, token, error)
        return self.site.show(request, "mail_sent")

    def send_manage_link(self, request: Request, token: str) -> Answer:
        self.site.check_form(request)
        found = find_invitation(self.site.ports, self.read_link(token))
        send_manage_link(self.site.ports, found.invitation.account, found.invitation.resource)
        return self.site.show(request, "mail_sent")

    def ask_not_me(self, request: Request, token: str) -> Answer:
        try:
            found = read_invitation(self.site.ports, self.read_link(token))
        except LinkInvalidError as error:
            return self.show_link_state(request, token, error)
        return self._not_me(request, token, found)

    def not_me(self, request: Request, token: str) -> Answer:
        """Robots press buttons: without a choice of one's own nothing happens."""
        self.site.check_form(request)
        why = request.field("why")
        try:
            if why == "not_wanted":
                decline_invitation(self.site.ports, self.read_link(token), "not_wanted")
            elif why == "not_me":
                decline_invitation(self.site.ports, self.read_link(token), "not_me")
            else:
                found = read_invitation(self.site.ports, self.read_link(token))
                return self._not_me(request, token, found, status=422)
        except LinkInvalidError as error:
            return self.show_link_state(request, token, error)
        return self.site.show(request, "declined")

    def for_it(self, request: Request, token: str) -> Answer:
        """The text for IT, with the address where an administrator approves for the whole organisation."""
        try:
            found = read_invitation(self.site.ports, self.read_link(token))
        except LinkInvalidError as error:
            return self.show_link_state(request, token, error)
        return self.site.show(
            request,
            "for_it",
            back=f"/i/{token}",
            approval_url=self._approval_url(found),
            state=found.state,
        )

    def help(self, request: Request) -> Answer:
        return self.site.show(request, "help")

    def _approval_url(self, found: FoundInvitation) -> str:
        link = SignedLink(
            Purpose.ADMIN_CONSENT,
            found.invitation.account,
            found.invitation.resource,
            found.invitation.expires_at,
        )
        state = make_link(self.site.link_key, link)
        return self.site.ports.sign_in.admin_consent_url(state=state, redirect_uri=self.site.ports.redirect_uri)

    def _not_me(self, request: Request, token: str, found: FoundInvitation, status: int = 200) -> Answer:
        return self.site.show(request, "not_me", status=status, token=token, state=found.state, is_wrong=status == 422)

    def read_link(self, token: str) -> InvitationLink:
        """A token of 256 bits, or a link that we signed (it has a dot). Raises LinkUnknownError."""
        if "." not in token:
            return InvitationLink(token=token)
        link = read_link(self.site.link_key, Purpose.INVITATION, token, now=_BEGINNING)
        return InvitationLink(account=link.account, resource=ResourceId(link.subject), invitation_id=link.detail)

    def show_link_state(self, request: Request, token: str, error: LinkInvalidError) -> Answer:
        """Says which, and offers the way on; an unknown link gets no hint whether it ever existed."""
        return self.site.show(
            request,
            "link_state",
            status=status_of(error),
            wording=wording(error.code),
            code=error.code,
            token="" if isinstance(error, LinkUnknownError) else token,
            can_renew=error.code in _RENEWABLE,
            is_connected=error.code == "link_used",
        )
