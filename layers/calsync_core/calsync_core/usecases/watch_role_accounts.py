"""The end of a role account's secret or certificate: mails to the admins 60, 30, 7 and 1 days before, and on the day.

The sweep hands over due items of kind `role_expiry`; each watch schedules the next one. A late one tells once, not once
for every mark that has passed meanwhile.
"""

from datetime import datetime, timedelta

from calsync_core.domain.ids import ResourceId, RoleAccountId, short_hash
from calsync_core.domain.resources import Owner, Resource, ResourceKind
from calsync_core.domain.role_accounts import RoleAccount
from calsync_core.domain.values import value
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.mails import Draft, Facts, MailKind
from calsync_core.ports.outward import Clock
from calsync_core.ports.stores import Due, Stores
from calsync_core.usecases.send_mail import addresses_of_admins, send_mail

DUE_KIND = "role_expiry"
MARKS = (60, 30, 7, 1, 0)  # days before the end
EXPIRED = "role_key_expired"
EXPIRES = "role_key_expires"


@value(frozen=True, slots=True)
class Admins:
    """`fallback` is written to while no admin has signed in; `locale` and `time_zone` are the account's."""

    fallback: str = ""
    locale: str = "en"
    time_zone: str = "UTC"


def expiry_code(role: RoleAccount, now: datetime) -> str:
    """Empty while there is time; else what the console says about the key."""
    if role.expires_at is None or role.expires_at - now > timedelta(days=MARKS[0]):
        return ""
    return EXPIRED if role.expires_at <= now else EXPIRES


def days_left(role: RoleAccount, now: datetime) -> int | None:
    """Whole days, rounded down; below zero once it has ended."""
    return None if role.expires_at is None else (role.expires_at - now).days


def schedule_watch(stores: Stores, clock: Clock, role: RoleAccount) -> None:
    """The next mark; one that was scheduled for an older key is replaced."""
    if role.expires_at is None:
        cancel_watch(stores, role)
        return
    now = clock.now()
    marks = [role.expires_at - timedelta(days=days) for days in MARKS]
    later = [mark for mark in marks if mark > now]
    if later:
        stores.due.schedule(Due(DUE_KIND, role.account, role.id, later[0]))
    elif not role.version:  # entered when it had ended already: told by the page and its test
        cancel_watch(stores, role)


def cancel_watch(stores: Stores, role: RoleAccount) -> None:
    stores.due.cancel(DUE_KIND, role.account, role.id)


def watch_role_account(ports: MailPorts, due: Due, admins: Admins) -> None:
    """Tell the admins what mark is reached, and schedule the next. Raises what sending raises: it stays due then."""
    role = ports.stores.role_accounts.get(due.account, RoleAccountId(due.subject))
    if role is None or role.expires_at is None:
        return
    now = ports.clock.now()
    left = role.expires_at - now
    reached = [days for days in MARKS if left <= timedelta(days=days)]
    if reached:
        for address in addresses_of_admins(ports.stores, role.account, admins.fallback):
            _tell(ports, role, role.expires_at, address, admins, reached[-1])
    schedule_watch(ports.stores, ports.clock, role)


def _tell(ports: MailPorts, role: RoleAccount, expires_at: datetime, address: str, admins: Admins, mark: int) -> None:
    now = ports.clock.now()
    facts: Facts = {
        "code": expiry_code(role, now) or EXPIRES,
        "expires_at": expires_at,
        "role_account": role.id,
        "days": max(0, (expires_at - now).days),
    }
    draft = Draft(MailKind.KEY_EXPIRES, role.account, _about(role, address, admins), address, now, facts)
    cause = f"{role.id}-{expires_at:%Y-%m-%d}-{mark}-{short_hash(address.casefold())[:8]}"
    send_mail(ports, draft, cause)


def _about(role: RoleAccount, address: str, admins: Admins) -> Resource:
    """Mails are written about somebody; here about the role account, whose id no booking system gives."""
    nobody = Owner("", "", address)
    return Resource(
        ResourceId(f"role-account:{role.id}"),
        role.title,
        address,
        ResourceKind.EQUIPMENT,
        admins.time_zone,
        admins.locale,
        nobody,
    )
