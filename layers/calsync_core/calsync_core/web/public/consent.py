"""Where Microsoft sends the browser back to: the end of a sign-in, and an administrator's approval."""

from dataclasses import dataclass
from datetime import timedelta

from calsync_core.domain.errors import (
    AdminApprovalError,
    CalsyncError,
    LinkInvalidError,
    MailboxTakenError,
    SignInRefusedError,
)
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.observability import count, logger
from calsync_core.usecases.grant_access import CameBack, SignInResult, grant_access
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.links import Purpose, SignedLink, make_link, read_link
from calsync_core.web.problems import status_of
from calsync_core.web.public.site import Site
from calsync_core.web.request import Request
from calsync_core.web.visit import browser_key
from calsync_core.web.wording import wording

APPROVAL_LIFETIME = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ConsentPages:
    site: Site

    def callback(self, request: Request) -> Answer:
        """One redirect address for both answers: an approval's state is a link that we signed, with a dot in it."""
        if "." in request.argument("state"):
            return self.approval(request)
        try:
            result = grant_access(
                self.site.ports, CameBack(answer=dict(request.query), browser_key=browser_key(request))
            )
        except SignInRefusedError as error:
            count("SignInRefused")
            logger().warning("sign-in refused", code=error.code)
            raise
        if result.error is not None:
            return self._refused(request, result, result.error)
        path = self.site.manage_path(result.state.account, result.state.resource.id)
        if result.is_renewed:
            return see_other(f"{path}/progress")
        is_confirmed = result.grant is not None and result.grant.is_confirmed
        return see_other(f"{path}/calendars" if is_confirmed else f"{path}/account")

    def approval(self, request: Request) -> Answer:
        """An administrator pressed Accept or Cancel at Microsoft. The answer is believed for the thank-you page only.

        No directory is bound to an account by it: the query can be written by anybody (design.md section 9).
        """
        try:
            link = read_link(
                self.site.link_key,
                Purpose.ADMIN_CONSENT,
                request.argument("state"),
                self.site.ports.clock.now(),
            )
        except LinkInvalidError:
            raise SignInRefusedError("state_unknown") from None
        is_approved = request.argument("admin_consent").lower() == "true" and not request.argument("error")
        code = "approved" if is_approved else "approval_refused"
        line = LogEntry(
            link.account,
            ResourceId(link.subject) or None,
            self.site.ports.clock.now(),
            Reason.SIGNED_IN,
            code=code,
        )
        self.site.ports.stores.log.add([line])
        return self.site.show(request, "approved", is_approved=is_approved)

    def _refused(self, request: Request, result: SignInResult, error: CalsyncError) -> Answer:
        logger().info("not connected", code=error.code, resource=result.state.resource.id)
        approval_url = ""
        if isinstance(error, AdminApprovalError):
            expires_at = self.site.ports.clock.now() + APPROVAL_LIFETIME
            link = SignedLink(Purpose.ADMIN_CONSENT, result.state.account, result.state.resource.id, expires_at)
            approval_url = self.site.ports.sign_in.admin_consent_url(
                state=make_link(self.site.link_key, link), redirect_uri=self.site.ports.redirect_uri
            )
        return self.site.show(
            request,
            "for_it" if approval_url else "not_connected",
            status=status_of(error),
            approval_url=approval_url,
            state=result.state,
            back=result.back,
            wording=wording(error.code),
            code=error.code,
            is_declined=error.code == "declined",
            is_taken=isinstance(error, MailboxTakenError),
        )
