"""After the sign-in: is it the right account, which calendars, and how far the import is."""

from dataclasses import dataclass
from datetime import timedelta

from calsync_core.domain.errors import InputError, SignInRefusedError
from calsync_core.domain.ids import CalendarId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.ports.stores import Grant
from calsync_core.usecases.choose_calendars import MAX_CONFLICT_CALENDARS, ChooseCalendars, choose_calendars
from calsync_core.usecases.list_calendars import CalendarChoice, confirm_account, find_grant, list_calendars
from calsync_core.usecases.send_mail import address_of
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.links import MANAGE_LIFETIME
from calsync_core.web.public.manage import ManagePages
from calsync_core.web.public.site import Site
from calsync_core.web.request import Request
from calsync_core.web.visit import browser_key
from calsync_core.web.wording import wording

JUST_SAVED = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class CalendarPages:
    """`manage` reads the signed link; the grant behind the browser's cookie is what gives the right to choose."""

    site: Site
    manage: ManagePages

    def ask_account(self, request: Request, link: str) -> Answer:
        """Signed in with another address than the invited one: show both and ask."""
        state, grant = self._of_this_browser(request, link)
        return self.site.show(
            request,
            "other_account",
            leads_to_sign_in=True,
            link=link,
            state=state,
            grant=grant,
            invited_address=self._invited_address(state, grant),
        )

    def use_account(self, request: Request, link: str) -> Answer:
        key = self.site.check_form(request)
        self._of_this_browser(request, link)
        confirm_account(self.site.ports, key)
        return see_other(f"/m/{link}/calendars")

    def ask_calendars(self, request: Request, link: str) -> Answer:
        self._of_this_browser(request, link)
        try:
            choice = list_calendars(self.site.ports, browser_key(request))
        except SignInRefusedError as error:
            if error.code == "wrong_account":
                return see_other(f"/m/{link}/account")
            raise
        state = choice.state
        chosen = {calendar for mailbox, calendar in state.conflict_calendars if mailbox == state.mailbox}
        return self._form(request, link, choice, state.primary or _default(choice), chosen)

    def choose(self, request: Request, link: str) -> Answer:
        key = self.site.check_form(request)
        primary = CalendarId(request.field("primary"))
        conflicts = tuple(CalendarId(one) for one in request.fields("conflicts"))
        try:
            self._of_this_browser(request, link)
            state = choose_calendars(self.site.ports, ChooseCalendars(key, primary, conflicts))
        except SignInRefusedError as error:
            if error.code == "grant_missing" and self._was_just_saved(link):
                return see_other(f"/m/{link}/progress")  # the button was pressed twice
            raise
        except InputError as error:
            if not error.code.startswith("calendar"):
                raise
            choice = list_calendars(self.site.ports, key)
            return self._form(request, link, choice, primary, set(conflicts), error)
        path = self.site.manage_path(state.account, state.resource.id, MANAGE_LIFETIME)
        return see_other(f"{path}/progress")

    def _form(
        self,
        request: Request,
        link: str,
        choice: CalendarChoice,
        primary: CalendarId | None,
        chosen: set[CalendarId],
        error: InputError | None = None,
    ) -> Answer:
        return self.site.show(
            request,
            "calendars",
            status=422 if error else 200,
            leads_to_sign_in=True,
            link=link,
            state=choice.state,
            grant=choice.grant,
            calendars=choice.calendars,
            primary=primary,
            chosen=chosen,
            settings=self.site.settings(choice.state),
            most=MAX_CONFLICT_CALENDARS,
            wrong=wording(error.code) if error else None,
        )

    def _of_this_browser(self, request: Request, link: str) -> tuple[ResourceState, Grant]:
        """Link and grant must mean the same resource. Raises the LinkInvalidError family, SignInRefusedError."""
        state = self.manage.read(link)
        grant = find_grant(self.site.ports, browser_key(request))
        if (grant.account, grant.resource) != (state.account, state.resource.id):
            raise SignInRefusedError("grant_missing")
        return state, grant

    def _was_just_saved(self, link: str) -> bool:
        state = self.manage.read(link)
        since = state.since_at
        is_under_way = state.status in {Status.IMPORTING, Status.CONNECTED}
        return is_under_way and since is not None and self.site.ports.clock.now() - since < JUST_SAVED

    def _invited_address(self, state: ResourceState, grant: Grant) -> str:
        if grant.invitation_id is not None:
            row = self.site.ports.stores.journeys.invitation_by_id(
                state.account, state.resource.id, grant.invitation_id
            )
            if row is not None:
                return row.address
        return address_of(state.resource)


def _default(choice: CalendarChoice) -> CalendarId | None:
    """A room's own calendar, shared with its custodian, before his: its bookings are none of his business hours."""
    address = choice.state.resource.email.casefold()
    writable = [one for one in choice.calendars if one.may_write]
    own = [one for one in writable if one.is_shared and address and one.owner_address.casefold() == address]
    return next((one.id for one in (*own, *writable) if one in own or one.is_default), None)
