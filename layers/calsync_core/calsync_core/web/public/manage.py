"""The page behind the link in every mail: how it stands, pause, other calendars, disconnect.

The link alone shows no calendar names and no entries: choosing calendars and signing in again ask Microsoft first.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from calsync_core.domain.apps import CalendarKind
from calsync_core.domain.conflicts import ConflictStatus
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import (
    CalsyncError,
    InputError,
    LinkExpiredError,
    LinkUnknownError,
)
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.links import Origin
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.observability import logger
from calsync_core.usecases.begin_connection import secret_hash
from calsync_core.usecases.connect_own_calendar import ConnectOwnCalendar, connect_own_calendar
from calsync_core.usecases.disconnect_resource import DisconnectResource, disconnect_resource
from calsync_core.usecases.finish_disconnect import finish_disconnect
from calsync_core.usecases.follow_mailbox import has_moved
from calsync_core.usecases.pause_resource import PauseResource, pause_resource
from calsync_core.usecases.read_invitation import InvitationLink, read_invitation
from calsync_core.usecases.resume_resource import resume_resource
from calsync_core.usecases.send_mail import address_of
from calsync_core.usecases.send_manage_link import send_manage_link
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.conflict_words import KINDS, starts_at
from calsync_core.web.links import Purpose, SignedLink, conflict_path, read_link
from calsync_core.web.problems import status_of
from calsync_core.web.public.site import Site
from calsync_core.web.request import Request
from calsync_core.web.status import shown_status
from calsync_core.web.visit import browser_key
from calsync_core.web.when import shown_when
from calsync_core.web.wording import wording

AT_ONCE = timedelta(seconds=8)
"""How long the page removes copies itself before it leaves the rest to the run that was wished for."""

CONNECTED = {Status.IMPORTING, Status.CONNECTED, Status.REAUTH_REQUIRED, Status.PAUSED}


@dataclass(frozen=True, slots=True)
class ManagePages:
    site: Site

    def overview(self, request: Request, link: str) -> Answer:
        try:
            state = self.read(link)
        except LinkExpiredError as error:
            return self._expired(request, link, error)
        connection = self.site.ports.stores.connections.get(state.account, state.mailbox) if state.mailbox else None
        return self.site.show(
            request,
            "manage",
            leads_to_sign_in=True,
            link=link,
            state=state,
            shown=shown_status(state),
            connection=connection,
            is_exchange=self.is_exchange(request, state),
            zone=state.resource.time_zone,
            is_connected=state.status in CONNECTED,
            also_checked=len(state.conflict_calendars),
            conflicts=self._conflicts(state) if state.status in CONNECTED else [],
            why=wording(state.reason) if state.status is Status.REAUTH_REQUIRED and state.reason else None,
        )

    def _conflicts(self, state: ResourceState) -> list[tuple[str, str, str]]:
        """What waits for a decision, the next first: its kind, its time, and our path of its page. A mail tells of one
        of them, and of none besides on the same day."""
        rows = self.site.ports.stores.conflicts.of_resource(state.account, state.resource.id)
        now, zone = self.site.ports.clock.now(), state.resource.time_zone
        return [
            (
                KINDS[one.kind], shown_when(one.booking_when or one.calendar_when, zone),
                conflict_path(self.site.link_key, state.account, one.id, one.revision, now),
            )
            for one in sorted(rows, key=starts_at)
            if one.status is ConflictStatus.OPEN
        ]  # fmt: skip

    def progress(self, request: Request, link: str) -> Answer:
        """The page polls the part that changes; without JavaScript the person reloads, or waits for the mail."""
        state = self.read(link)
        asked = request.argument("n")
        number = int(asked) if asked.isdecimal() and len(asked) < 6 else 0
        shown = shown_status(state)
        return self.site.show(
            request,
            "progress_part" if request.is_fragment else "progress",
            link=link,
            state=state,
            shown=shown,
            number=number,
            wait_seconds=_wait(number) if state.status is Status.IMPORTING else None,
            why=wording(state.reason or "internal"),
        )

    def pause(self, request: Request, link: str) -> Answer:
        self.site.check_form(request)
        state = self.read(link)
        until = _midnight(request.field("until"), state.resource.time_zone)
        by = state.resource.owner.name or state.resource.name
        pause_resource(self.site.ports, PauseResource(state.account, state.resource.id, by, until))
        return see_other(f"/m/{link}")

    def resume(self, request: Request, link: str) -> Answer:
        self.site.check_form(request)
        state = self.read(link)
        by = state.resource.owner.name or state.resource.name
        resume_resource(self.site.ports, self.site.ports.queue, state.account, state.resource.id, by)
        return see_other(f"/m/{link}")

    def sign_in(self, request: Request, link: str) -> Answer:
        """Sign in again, choose other calendars, or try once more after a failure: at Microsoft, or with a password."""
        key = self.site.check_form(request)
        state = self.read(link)
        if self.is_exchange(request, state):
            return see_other(f"/m/{link}/exchange")
        invitation_id = None if state.status in CONNECTED else self.right_to_connect(state, key)
        command = ConnectOwnCalendar(
            account=state.account,
            resource=state.resource.id,
            who=address_of(state.resource),
            browser_key=key,
            back=f"/m/{link}",
            invitation_id=invitation_id,
        )
        return see_other(connect_own_calendar(self.site.ports, command))

    def ask_disconnect(self, request: Request, link: str) -> Answer:
        return self._disconnect_form(request, link, self.read(link))

    def disconnect(self, request: Request, link: str) -> Answer:
        """A choice of one's own and a tick, because robots press buttons and people slip."""
        self.site.check_form(request)
        state = self.read(link)
        copies = request.field("copies")
        if copies not in {"remove", "keep"} or request.field("sure") != "yes":
            return self._disconnect_form(request, link, state, status=422)
        by = state.resource.owner.name or state.resource.name
        command = DisconnectResource(state.account, state.resource.id, by, remove_copies=copies == "remove")
        disconnect_resource(self.site.ports, self.site.ports.queue, command)
        self._finish_at_once(state)
        return see_other(f"/m/{link}")

    def send_new_link(self, request: Request, link: str) -> Answer:
        """Also for an expired link, as long as we signed it: the new one goes to the person's own address."""
        self.site.check_form(request)
        old = read_link(self.site.link_key, Purpose.MANAGE, link, now=_BEGINNING)
        try:
            send_manage_link(self.site.ports, old.account, ResourceId(old.subject))
        except InputError as error:
            if error.code != "invited_recently":
                raise
        return self.site.show(request, "mail_sent")

    def read(self, link: str) -> ResourceState:
        """Raises LinkUnknownError, LinkExpiredError."""
        signed: SignedLink = read_link(self.site.link_key, Purpose.MANAGE, link, self.site.ports.clock.now())
        state = self.site.ports.stores.resources.get(signed.account, ResourceId(signed.subject))
        if state is None:
            raise LinkUnknownError
        return state

    def is_exchange(self, request: Request, state: ResourceState) -> bool:
        """Whether this resource's sign-in is a password: by its connection, the grant under way, or the invitation."""
        stores = self.site.ports.stores
        if state.mailbox is not None and state.status in CONNECTED:
            connection = stores.connections.get(state.account, state.mailbox)
            is_exchange = connection is not None and connection.identity.provider is ProviderKind.EXCHANGE
            return is_exchange and not has_moved(connection)
        key = browser_key(request)
        grant = stores.journeys.grant(secret_hash(key), self.site.ports.clock.now()) if key else None
        if grant is not None and (grant.account, grant.resource) == (state.account, state.resource.id):
            return grant.identity.provider is ProviderKind.EXCHANGE
        row = stores.journeys.invitation_by_id(state.account, state.resource.id, state.invitation_id or "")
        return row is not None and row.kind is CalendarKind.EXCHANGE

    def right_to_connect(self, state: ResourceState, key: str) -> str | None:
        """A resource that is not connected needs a sign-in under way in this browser, or an invitation that works.

        Gives that invitation's id, None for an admin's own sign-in. Raises the LinkInvalidError family.
        """
        grant = self.site.ports.stores.journeys.grant(secret_hash(key), self.site.ports.clock.now())
        if grant is not None and (grant.account, grant.resource) == (state.account, state.resource.id):
            return grant.invitation_id
        invited = InvitationLink(
            account=state.account, resource=state.resource.id, invitation_id=state.invitation_id or ""
        )
        return read_invitation(self.site.ports, invited).invitation.id

    def _finish_at_once(self, state: ResourceState) -> None:
        """Most mailboxes are done before the page is answered; else the due item and the wished run go on."""
        ports = self.site.ports
        until = ports.clock.now() + AT_ONCE
        try:
            finish_disconnect(
                ports.stores,
                ports.host,
                ports.calendars.of_mailbox,
                ports.clock,
                state.account,
                state.resource.id,
                until,
            )
        except CalsyncError as error:
            logger().info("disconnect goes on later", code=error.code, resource=state.resource.id)

    def _disconnect_form(self, request: Request, link: str, state: ResourceState, status: int = 200) -> Answer:
        if state.status not in CONNECTED:
            return see_other(f"/m/{link}")
        in_calendar = in_host = 0
        for one in self.site.ports.stores.links.all(state.account, state.resource.id):
            in_calendar += one.origin is Origin.HOST
            in_host += one.origin is Origin.CALENDAR
        return self.site.show(
            request,
            "disconnect",
            status=status,
            link=link,
            state=state,
            in_calendar=in_calendar,
            in_host=in_host,
            is_wrong=status == 422,
        )

    def _expired(self, request: Request, link: str, error: LinkExpiredError) -> Answer:
        return self.site.show(
            request, "manage_expired", status=status_of(error), link=link, wording=wording(error.code)
        )


_BEGINNING = datetime(2000, 1, 1, tzinfo=ZoneInfo("UTC"))


def _wait(number: int) -> int:
    """Every 3 s for a minute, every 10 s for ten minutes, then every 30 s."""
    return 3 if number < 20 else 10 if number < 80 else 30


def _midnight(day: str, zone: str) -> datetime | None:
    """The start of a day in the resource's zone; None for "until I resume". Raises InputError("pause_in_the_past")."""
    if not day:
        return None
    try:
        return datetime.combine(datetime.fromisoformat(day).date(), time.min, ZoneInfo(zone)).astimezone(
            ZoneInfo("UTC")
        )
    except ValueError:
        raise InputError("date_invalid", field="until") from None
