"""What every public page needs: the visitor's cookie, form tokens, our signed links, the page frame, the error edge."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from calsync_core.domain.errors import CalsyncError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.settings import SyncSettings, effective
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.web.answers import Answer
from calsync_core.web.csrf import FIELD, check_csrf, csrf_token
from calsync_core.web.links import manage_path
from calsync_core.web.problems import problem_page
from calsync_core.web.render import Pages
from calsync_core.web.request import Request
from calsync_core.web.visit import browser_key, visit_cookie

CHOICE_LIFETIME = timedelta(hours=1)
"""Of the manage link that a sign-in leads to: as long as the grant that it is there for."""


@dataclass(frozen=True, slots=True)
class Site:
    pages: Pages
    ports: JourneyPorts
    link_key: bytes
    csrf_key: bytes

    def show(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Answer:
        """A page whose forms are bound to this browser; the cookie is made on the first visit, nothing is stored."""
        key = browser_key(request)
        cookies: tuple[str, ...] = ()
        if not key:
            key = self.ports.ids.token()
            cookies = (visit_cookie(key),)
        return self.pages.page(
            f"pages/{template}.html",
            status=status,
            cookies=cookies,
            csrf=csrf_token(self.csrf_key, key),
            csrf_field=FIELD,
            now=self.ports.clock.now(),
            **values,
        )

    def check_form(self, request: Request) -> str:
        """The browser's key. Raises InputError("form_expired")."""
        key = browser_key(request)
        check_csrf(self.csrf_key, key, request.field(FIELD))
        return key

    def manage_path(self, account: AccountId, resource: ResourceId, lifetime: timedelta = CHOICE_LIFETIME) -> str:
        return manage_path(self.link_key, account, resource, self.ports.clock.now(), lifetime)

    def settings(self, state: ResourceState) -> SyncSettings:
        """The effective ones, because the pages say what others will see."""
        settings = self.ports.stores.settings
        account, own = settings.account(state.account), settings.resource(state.account, state.resource.id)
        return effective(account.values, own.values)

    def on_error(self, _request: Request | None, error: CalsyncError) -> Answer:
        return problem_page(self.pages, error)
