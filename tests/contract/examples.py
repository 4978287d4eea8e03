"""Values for the store contracts; each test changes what it is about."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from calsync_core.domain.appointments import AllDay, Timed
from calsync_core.domain.conflicts import Conflict, ConflictKind
from calsync_core.domain.connections import Connection, MailboxIdentity, ProviderKind, Subscription
from calsync_core.domain.ids import (
    AccountId,
    BookingId,
    CalendarId,
    ConflictId,
    EntryId,
    LinkRef,
    MailboxId,
    ResourceId,
)
from calsync_core.domain.links import Agreed, Link, Origin
from calsync_core.domain.resources import Owner, Resource, ResourceKind, ResourceState
from calsync_core.domain.windows import Window
from calsync_core.ports.stores import CursorRow, Grant, Invitation, PendingSignIn

A, B = AccountId("a"), AccountId("b")
R = ResourceId("anna@clinic")
M = MailboxId("mailbox-1")
CAL = CalendarId("AQMkADAwATM0MDAAMS0yMGZhLWI")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
IDENTITY = MailboxIdentity(ProviderKind.OFFICE365, "tenant", "object")


def a_link(ref: str = "e-1", start_at: datetime = NOW, length: timedelta = HOUR, **changes: Any) -> Link:
    link = Link(
        ref=LinkRef(ref),
        resource_id=R,
        origin=Origin.CALENDAR,
        calendar_id=CAL,
        when=Timed(start_at, start_at + length),
        start_at=start_at,
        end_at=start_at + length,
        entry_id=EntryId(f"entry-of-{ref}"),
        calendar=Agreed("version", "time", "rest"),
    )
    return replace(link, **changes)


def a_day_link(ref: str, first: date, days: int) -> Link:
    start_at = datetime(first.year, first.month, first.day, tzinfo=UTC)
    when = AllDay(first, first + timedelta(days=days))
    return a_link(ref, start_at, timedelta(days=days), when=when)


def a_state(resource: ResourceId = R, account: AccountId = A) -> ResourceState:
    owner = Owner("o1", "Anna", "anna@example.com")
    return ResourceState(
        account, Resource(resource, "Anna", "anna@example.com", ResourceKind.STAFF, "Europe/Berlin", "de", owner)
    )


def a_cursor(feed: str = "host", cursor: str = "1") -> CursorRow:
    return CursorRow(feed, cursor, Window(NOW, NOW + timedelta(weeks=54)), opened_at=NOW)


def a_connection(mailbox: MailboxId = M, account: AccountId = A, identity: MailboxIdentity = IDENTITY) -> Connection:
    return Connection(mailbox, account, identity, "anna@example.com", "Anna", "o1", resources=(R,))


def a_subscription(path_hash: str = "hash-1", mailbox: MailboxId = M, account: AccountId = A) -> Subscription:
    return Subscription(path_hash, mailbox, CAL, "sub-1", "secret-hash", NOW, (R,), account)


def an_invitation(id_: str = "i1", account: AccountId = A) -> Invitation:
    expires_at = NOW + timedelta(days=14)
    return Invitation(id_, f"hash-{id_}-{account}", account, R, "anna@example.com", NOW, expires_at, "admin")


def a_sign_in(state_hash: str = "s1") -> PendingSignIn:
    return PendingSignIn(state_hash, A, R, "i1", "cookie", b"\x00flow\xff", NOW + timedelta(minutes=10))


def a_grant(cookie_hash: str = "c1") -> Grant:
    return Grant(cookie_hash, A, R, "i1", IDENTITY, "anna@example.com", "Anna", b"\x00cache\xff", NOW + HOUR)


def a_conflict(id_: str = "k1", account: AccountId = A, opened_at: datetime = NOW, **changes: Any) -> Conflict:
    conflict = Conflict(
        id=ConflictId(id_),
        account=account,
        resource_id=R,
        kind=ConflictKind.SAME_TIME,
        booking_ref=LinkRef("b-1"),
        booking_id=BookingId("booking"),
        other_ref=LinkRef("e-1"),
        entry_id=EntryId("entry"),
        booking_when=Timed(NOW, NOW + HOUR),
        calendar_when=AllDay(date(2026, 3, 2), date(2026, 3, 3)),
        opened_at=opened_at,
    )
    return replace(conflict, **changes)
