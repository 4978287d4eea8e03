"""Sign-in and sign-out of the console: the addresses under /signin. The round trip itself is `sign_in_member`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from calsync_core.domain.errors import CalsyncError, SignInRefusedError
from calsync_core.domain.ids import AccountId
from calsync_core.observability import count, logger
from calsync_core.usecases.sign_in_member import LIFETIME, SignInPorts, finish_sign_in, start_sign_in
from calsync_core.web.answers import Answer, host_cookie, see_other
from calsync_core.web.console.frame import Frame, Visit
from calsync_core.web.request import Request
from calsync_core.web.session import LIFETIME as SESSION_LIFETIME
from calsync_core.web.session import Session, ended_session_cookie, session_cookie
from calsync_core.web.wording import wording

_COOKIE = "calsync-signin"
_PATHS = {"console": "/console", "bookings": "/bookings"}


@dataclass(frozen=True, slots=True)
class SignInPages:
    """`public_url` is the address that the issuer knows as ours; `refresh` takes over who there is."""

    frame: Frame
    ports: SignInPorts
    public_url: str
    refresh: Callable[[AccountId], object]

    def start(self, request: Request) -> Answer:
        """Without `next` a page with a link, so that signing out does not end in signing in again."""
        destination = request.argument("next")
        if not destination:
            return self._page("signin")
        started = start_sign_in(self.ports, destination=destination, redirect_uri=self._redirect_uri)
        cookie = host_cookie(_COOKIE, started.browser_key, int(LIFETIME.total_seconds()))
        return see_other(started.url, cookie)

    def finish(self, request: Request) -> Answer:
        """What the issuer sends back. A refusal keeps the browser signed out."""
        forgotten = host_cookie(_COOKIE, "", 0)
        try:
            done = finish_sign_in(
                self.ports,
                state=request.argument("state"),
                code=request.argument("code"),
                error=request.argument("error"),
                browser_key=request.cookies.get(f"__Host-{_COOKIE}", ""),
                redirect_uri=self._redirect_uri,
            )
        except SignInRefusedError as error:
            count("SignInRefused")
            return self._page("signin", refusal=wording(_shown(error.code)), status=403).with_cookies(forgotten)
        now = self.frame.clock.now()
        member = done.member
        session = Session(
            issuer=member.issuer,
            subject=member.subject,
            account=member.account,
            role=member.role,
            name=member.name or member.email,
            expires_at=now + SESSION_LIFETIME,
        )
        self._refresh(member.account)
        cookie = session_cookie(self.frame.session_key, session, now)
        return see_other(_PATHS[done.destination], cookie, forgotten)

    def sign_out(self, _visit: Visit) -> Answer:
        """Ends our session; the page then leads to the issuer, whose session would sign in again by itself.

        Not by a redirect: browsers hold a form's redirects to our own host (form-action).
        """
        try:
            url = self.ports.provider.sign_out_url(f"{self.public_url}/signin")
        except CalsyncError:
            url = None  # the issuer is down: our own session ends all the same
        return self._page("signed_out", sign_out_url=url).with_cookies(ended_session_cookie())

    def _refresh(self, account: AccountId) -> None:
        """A booking system that does not answer keeps nobody out: the list is then as old as its last event."""
        try:
            self.refresh(account)
        except CalsyncError as error:
            logger().info("resources not refreshed", code=error.code)

    @property
    def _redirect_uri(self) -> str:
        return f"{self.public_url}/signin/callback"

    def _page(self, template: str, *, status: int = 200, **values: Any) -> Answer:
        return self.frame.pages.page(
            f"console/{template}.html",
            locale=self.frame.locale,
            status=status,
            **{"refusal": None, "sign_out_url": None, **values},
        )


def _shown(code: str) -> str:
    """The catalogue's texts of these codes speak to someone who connects a calendar; the console has its own."""
    return code if code == "not_a_member" else f"console_{'declined' if code == 'declined' else 'sign_in_refused'}"
