"""The frame of every console page: who is signed in, whose account, the form token, the shared parts of the page.

A view gets a `Visit`, whose account comes from the signed session and from nowhere else. Not here: any page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from calsync_core.domain.conflicts import ConflictStatus
from calsync_core.domain.errors import InputError, NotFoundError
from calsync_core.domain.ids import LONGEST_ID, AccountId, ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.ports.outward import Clock
from calsync_core.ports.stores import Stores
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.csrf import FIELD, check_csrf, csrf_token
from calsync_core.web.render import Pages
from calsync_core.web.request import Request
from calsync_core.web.session import COOKIE, Session, read_session

View = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in member. `account` is the session's: the only one this request may touch."""

    request: Request
    session: Session

    @property
    def account(self) -> AccountId:
        return AccountId(self.session.account)

    @property
    def who(self) -> str:
        """For the log and for "by whom"; the name that the identity provider gave."""
        return self.session.name or self.session.subject


@dataclass(frozen=True, slots=True)
class Frame:
    """`zone` and `locale` are the account's: pages show times in that zone."""

    pages: Pages
    stores: Stores
    clock: Clock
    session_key: bytes
    csrf_key: bytes
    zone: str
    locale: str

    def read(self, view: View) -> View:
        """For GET: without a session the browser is led to the sign-in."""

        def guarded(request: Request, **path: str) -> Answer:
            session = self._session(request)
            if session is None:
                return see_other("/signin?next=console")
            return view(Visit(request, session), **_unquoted(path))

        return guarded

    def change(self, view: View) -> View:
        """For POST: session, form token and role are checked before the view runs."""

        def guarded(request: Request, **path: str) -> Answer:
            session = self._session(request)
            if session is None:
                raise InputError("session_missing")
            check_csrf(self.csrf_key, request.cookies.get(COOKIE, ""), request.field(FIELD))
            if session.role != "admin":
                raise InputError("role_missing")
            return view(Visit(request, session), **_unquoted(path))

        return guarded

    def show(self, visit: Visit, template: str, *, section: str, **values: Any) -> Answer:
        """A page with what the frame of every page needs."""
        open_conflicts = self.stores.conflicts.open(visit.account)
        return self.pages.page(
            f"console/{template}.html",
            locale=self.locale,
            section=section,
            session=visit.session,
            csrf=self.token(visit.request),
            csrf_field=FIELD,
            zone=self.zone,
            now=self.clock.now(),
            open_conflicts=sum(one.status is ConflictStatus.OPEN for one in open_conflicts),
            **values,
        )

    def token(self, request: Request) -> str:
        return csrf_token(self.csrf_key, request.cookies.get(COOKIE, ""))

    def resource(self, visit: Visit, resource_id: str) -> ResourceState:
        """Of the session's account. Raises NotFoundError for unknown and foreign ids alike."""
        known = len(resource_id) <= LONGEST_ID
        state = self.stores.resources.get(visit.account, ResourceId(resource_id)) if known else None
        if state is None:
            raise NotFoundError("resource_unknown")
        return state

    def _session(self, request: Request) -> Session | None:
        event = {"cookies": [f"{COOKIE}={request.cookies.get(COOKIE, '')}"]}
        return read_session(event, self.session_key, self.clock.now())


def _unquoted(path: dict[str, str]) -> dict[str, str]:
    """Ids may hold `@`, `:` and `=`, which some clients quote; none may hold `%`."""
    return {name: unquote(value) for name, value in path.items()}
