"""The mail about a conflict: to whom the settings say, one per resource and day at most, never with a title."""

from datetime import datetime

from calsync_core.domain.appointments import When
from calsync_core.domain.conflicts import Conflict
from calsync_core.domain.ids import short_hash
from calsync_core.domain.journal import span
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.settings import effective
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.mails import Draft, MailKind
from calsync_core.usecases.send_mail import address_of, addresses_of_admins, send_or_note


def tell_conflict(ports: JourneyPorts, conflict: Conflict, business_address: str = "") -> None:
    """A mail that cannot be sent stands in the log; it never fails the run that found the conflict."""
    state = ports.stores.resources.get(conflict.account, conflict.resource_id)
    if state is None:
        return
    stored = ports.stores.settings
    settings = effective(
        stored.account(conflict.account).values, stored.resource(conflict.account, conflict.resource_id).values
    )
    whom = settings.conflicts.notify
    if whom in ("resource", "both") and address_of(state.resource):
        _tell(ports, state, conflict, "resource", address_of(state.resource))
    if whom in ("admin", "both"):
        for address in addresses_of_admins(ports.stores, conflict.account, business_address):
            _tell(ports, state, conflict, f"admin-{short_hash(address)[:8]}", address)


def _tell(ports: JourneyPorts, state: ResourceState, conflict: Conflict, role: str, address: str) -> None:
    now = ports.clock.now()
    when = conflict.booking_when or conflict.calendar_when
    facts: dict[str, str | int | datetime | None] = {
        "conflict": conflict.id,
        "revision": conflict.revision,
        "at": _start(when, state.resource.time_zone) if when else now,
        "code": conflict.kind.value,
        "booking": span(conflict.booking_when) if conflict.booking_when else None,
        "calendar": span(conflict.calendar_when) if conflict.calendar_when else None,
    }
    draft = Draft(MailKind.CONFLICT, conflict.account, state.resource, address, now, facts)
    send_or_note(ports, draft, f"{role}-{now:%Y-%m-%d}")


def _start(when: When, zone: str) -> datetime:
    return when.interval(zone)[0]
