"""What a signed-in person may choose from, read live at the provider; nothing of it is stored."""

from calsync_core.domain.connections import Calendar
from calsync_core.domain.errors import NotFoundError, SignInRefusedError
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.values import replace, value
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import Grant
from calsync_core.usecases.begin_connection import secret_hash
from calsync_core.usecases.grant_access import grant_context


@value(frozen=True, slots=True)
class CalendarChoice:
    """`calendars`: the default one first, writable ones before the others."""

    state: ResourceState
    grant: Grant
    calendars: tuple[Calendar, ...]


def list_calendars(ports: JourneyPorts, browser_key: str) -> CalendarChoice:
    """Raises SignInRefusedError: "grant_missing", "wrong_account" (not confirmed yet); what the provider raises."""
    grant = find_grant(ports, browser_key)
    if not grant.is_confirmed:
        raise SignInRefusedError("wrong_account", resource=grant.resource)
    state = ports.stores.resources.get(grant.account, grant.resource)
    if state is None:
        raise NotFoundError("resource_unknown", resource=grant.resource)
    calendars = open_grant(ports, grant).calendars()
    ordered = sorted(calendars, key=lambda one: (not one.is_default, not one.may_write, one.name.casefold()))
    return CalendarChoice(state, grant, tuple(ordered))


def find_grant(ports: JourneyPorts, browser_key: str) -> Grant:
    """Raises SignInRefusedError("grant_missing")."""
    grant = ports.stores.journeys.grant(secret_hash(browser_key), ports.clock.now()) if browser_key else None
    if grant is None:
        raise SignInRefusedError("grant_missing")
    return grant


def open_grant(ports: JourneyPorts, grant: Grant) -> CalendarProvider:
    return ports.calendars.of_grant(grant.account, unseal_grant(ports, grant))


def unseal_grant(ports: JourneyPorts, grant: Grant) -> bytes:
    """Raises InstallationError("unsealing_failed")."""
    return ports.sealer.unseal(grant.account, grant.sealed_cache, grant_context(grant.cookie_hash))


def confirm_account(ports: JourneyPorts, browser_key: str) -> Grant:
    """ "Use this account": the person saw both addresses and decided. Raises SignInRefusedError("grant_missing")."""
    grant = replace(find_grant(ports, browser_key), is_confirmed=True)
    ports.stores.journeys.save_grant(grant)
    return grant
