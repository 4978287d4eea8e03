"""Fills the demo clinic: people at the sandbox, resources and a few bookings at the booking system.

Everything goes the way a person or a script would go: the sandbox's control address and the Host Connector. What
exists already stays as it is, so a restart changes nothing.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from local.cloud import TENANT_DOMAIN, LocalCloud
from local.host import Host
from local.people import BOOKABLES, ERIK, MAILBOXES, ROOM, TIME_ZONE, Bookable, Mailbox

_WEEK = [{"day": day, "start": "08:00", "end": "18:00"} for day in ("mon", "tue", "wed", "thu", "fri")]


def add_people(cloud: LocalCloud) -> None:
    """Accounts and mailboxes; the room's calendar is shared with its custodian."""
    for mailbox in MAILBOXES:
        cloud.control.person(mailbox.email, mailbox.display_name, **_facts(cloud, mailbox))
    _share_room(cloud)


def add_resources(host: Host) -> None:
    """Staff and rooms of the booking system, with their working hours."""
    known = {resource["id"] for resource in host.list("/resources")}
    for bookable in BOOKABLES:
        if bookable.id not in known:
            host.call("POST", "/resources", _resource(bookable))


def add_bookings(host: Host) -> None:
    """A few appointments in the next working days, so that a week page is not empty."""
    for number, bookable in enumerate(BOOKABLES):
        for offset, hour in ((1, 9 + number % 3), (2, 13), (3, 10 + number % 3)):
            day = _working_day(offset)
            start = datetime.combine(day, time(hour), ZoneInfo(TIME_ZONE))
            booking = {
                "id": f"demo-{bookable.id}-{offset}",
                "resource_ids": [bookable.id],
                "start": start.isoformat(),
                "end": (start + timedelta(minutes=45)).isoformat(),
                "title": "First visit",
                "service_name": "Consultation",
                "customer": {"name": "Petra Sommer", "phone": "+49 30 5550199", "email": "petra@example.org"},
            }
            # 409: it stands there since an earlier start (or someone has booked that time since).
            host.call("POST", "/bookings", booking, accepted=(201, 409, 422))


def _facts(cloud: LocalCloud, mailbox: Mailbox) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": mailbox.kind, "time_zone": TIME_ZONE, "is_admin": mailbox.is_admin}
    if mailbox.may_sign_in:
        facts["password"] = cloud.state.password
    if mailbox.calendars:
        facts["calendars"] = [{"name": name} for name in mailbox.calendars]
    if mailbox.is_on_premises:
        facts |= {"tenant": TENANT_DOMAIN, "mailbox_state": "no_rest"}
        facts["exchange"] = {"is_org_wide": mailbox.is_role_account}
    return facts


def _share_room(cloud: LocalCloud) -> None:
    if cloud.state.notes.get("room_is_shared"):
        return
    room = cloud.control.call("GET", f"/people/{ROOM}")
    calendar = next(one for one in room["calendars"] if one["is_default"])
    cloud.control.call("POST", f"/people/{ROOM}/calendars/{calendar['id']}/share", {"person": ERIK, "role": "write"})
    cloud.state.notes["room_is_shared"] = True


def _resource(bookable: Bookable) -> dict[str, Any]:
    return {
        "id": bookable.id,
        "name": bookable.name,
        "email": bookable.mailbox,
        "kind": bookable.kind,
        "time_zone": TIME_ZONE,
        "locale": "en",
        "owner": {"id": bookable.owner_id, "name": bookable.owner_name, "email": bookable.owner_email},
        "working_hours": {"weekly": _WEEK, "exceptions": []},
    }


def _working_day(offset: int) -> Any:
    day = datetime.now(UTC).date()
    while offset:
        day += timedelta(days=1)
        offset -= day.weekday() < 5
    return day
