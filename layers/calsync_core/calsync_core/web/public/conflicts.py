"""The page behind the link in a conflict mail: both times, and a choice that nothing makes for the person.

The link dies when the conflict changes. No title of any entry or booking is shown: the link alone opens this page.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from calsync_core.domain.conflicts import Conflict, ConflictKind, ConflictStatus, Resolution
from calsync_core.domain.errors import ConcurrentChangeError, InputError, LinkUnknownError, RefusedError
from calsync_core.domain.ids import ConflictId
from calsync_core.domain.resources import ResourceState
from calsync_core.usecases.resolve_conflict import ConflictPorts, Decision, offered, resolve_conflict
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.conflict_words import CHOICES_BY_KIND, KINDS
from calsync_core.web.links import Purpose, read_link
from calsync_core.web.problems import status_of
from calsync_core.web.public.site import Site
from calsync_core.web.request import Request
from calsync_core.web.when import shown_when
from calsync_core.web.wording import wording


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


_CHOICES = {
    Resolution.KEEP_BOOKING: _("Keep the booking's time"),
    Resolution.TAKE_CALENDAR: _("Take the calendar's time"),
    Resolution.NEXT_FREE: _("Move the booking to the next free time"),
    Resolution.LEAVE_BOTH: _("Leave both until"),
}


@dataclass(frozen=True, slots=True)
class ConflictPage:
    site: Site

    def show(self, request: Request, link: str) -> Answer:
        return self._show(request, link)

    def resolve(self, request: Request, link: str) -> Answer:
        self.site.check_form(request)
        conflict, state, is_current = self._read(link)
        if not is_current:
            return self._show(request, link)
        try:
            resolve_conflict(
                ConflictPorts.of(self.site.ports), state.account, conflict.id, _decision(request, conflict, state)
            )
        except (InputError, RefusedError, ConcurrentChangeError) as error:
            return self._show(request, link, error)
        return see_other(f"/c/{link}")

    def _show(
        self,
        request: Request,
        link: str,
        error: InputError | RefusedError | ConcurrentChangeError | None = None,
    ) -> Answer:
        conflict, state, is_current = self._read(link)
        zone = state.resource.time_zone
        return self.site.show(
            request,
            "conflict",
            status=status_of(error) if error else 200,
            link=link,
            state=state,
            title=KINDS[conflict.kind],
            booking_when=shown_when(conflict.booking_when, zone),
            calendar_when=shown_when(conflict.calendar_when, zone),
            chosen=request.field("resolution") if isinstance(error, InputError) else "",
            until=request.field("until") or f"{self.site.ports.clock.now() + timedelta(days=7):%Y-%m-%d}",
            tomorrow=f"{self.site.ports.clock.now() + timedelta(days=1):%Y-%m-%d}",
            choices=[
                (one.value, CHOICES_BY_KIND.get((conflict.kind, one), _CHOICES[one])) for one in offered(conflict)
            ],
            is_deleted=conflict.kind is ConflictKind.COPY_DELETED,
            ended=conflict.status is not ConflictStatus.OPEN,
            is_current=is_current,
            cause=wording(conflict.code) if conflict.code else None,
            wrong=wording(error.code) if error else None,
        )

    def _read(self, link: str) -> tuple[Conflict, ResourceState, bool]:
        """The conflict and whether it is still the one the mail was about. Raises the LinkInvalidError family."""
        ports = self.site.ports
        signed = read_link(self.site.link_key, Purpose.CONFLICT, link, ports.clock.now())
        conflict = ports.stores.conflicts.get(signed.account, ConflictId(signed.subject))
        state = ports.stores.resources.get(signed.account, conflict.resource_id) if conflict else None
        if conflict is None or state is None:
            raise LinkUnknownError
        is_open = conflict.status is ConflictStatus.OPEN
        return conflict, state, is_open and str(conflict.revision) == signed.detail


def _decision(request: Request, conflict: Conflict, state: ResourceState) -> Decision:
    """Raises InputError: resolution_unknown, until_out_of_range."""
    chosen = request.field("resolution")
    if chosen not in set(Resolution):
        raise InputError("resolution_unknown", field="resolution")
    until = None
    if chosen == Resolution.LEAVE_BOTH:
        try:
            day = datetime.fromisoformat(request.field("until")).date()
        except ValueError:
            raise InputError("until_out_of_range", field="until") from None
        until = datetime.combine(day, time(23, 59), ZoneInfo(state.resource.time_zone)).astimezone(UTC)
    by = state.resource.owner.name or state.resource.name
    return Decision(Resolution(chosen), by, conflict.revision, until)
