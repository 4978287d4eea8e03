"""The mail about a stop-line: to the admins, once for each time that a calendar was stopped (R50, R112)."""

from calsync_core.domain.ids import short_hash
from calsync_core.domain.resources import ResourceState
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.mails import Draft, Facts, MailKind
from calsync_core.usecases.send_mail import addresses_of_admins, send_or_note


def tell_stop_line(ports: JourneyPorts, state: ResourceState, business_address: str = "") -> None:
    """May be repeated. A mail that cannot be sent stands in the log; it never fails the run that stopped."""
    if state.degraded is None:
        return
    now, since_at = ports.clock.now(), state.degraded.since_at
    facts: Facts = {"code": state.degraded.reason, "since_at": since_at}
    for address in addresses_of_admins(ports.stores, state.account, business_address):
        draft = Draft(MailKind.STOP_LINE, state.account, state.resource, address, now, facts)
        send_or_note(ports, draft, f"since-{since_at:%Y-%m-%dT%H:%M:%S}-{short_hash(address)[:8]}")
