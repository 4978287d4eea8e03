"""Adding persons with everything they bring: the account in the directory and the mailbox in the store."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sandbox.calendars import Mailbox, MailboxState, WorkingHours
from sandbox.entra.errors import SHAPES
from sandbox.exchange.accounts import ExchangeInput
from sandbox.mailboxes import Mailboxes
from sandbox.people import PERSONAL_TENANT_ID, Directory, DirectoryError, Person, PersonKind, Tenant, new_object_id
from sandbox.zones import windows_name


def known_block(code: int) -> int:
    """An AADSTS code that the sign-in can answer with, or 0. Raises ValueError."""
    if code and code not in SHAPES:
        raise ValueError(f"unknown code; known are {sorted(SHAPES)}")
    return code


BlockCode = Annotated[int, AfterValidator(known_block)]


class Strict(BaseModel):
    """Unknown fields are refused: a typing error in a script must not pass silently."""

    model_config = ConfigDict(extra="forbid")


class WorkingHoursInput(Strict):
    """Working hours; wall times "08:00" in the mailbox's zone unless `zone` names another."""

    days: list[str] = Field(default_factory=lambda: list(WorkingHours().days))
    start: str = Field(default="08:00", pattern=r"^\d\d:\d\d$")
    end: str = Field(default="17:00", pattern=r"^\d\d:\d\d$")
    zone: str | None = None


class CalendarInput(Strict):
    """One more calendar of a person. `supports_delta` false is an internet calendar."""

    name: str = Field(min_length=1)
    color: str = "auto"
    is_read_only: bool = False
    supports_delta: bool = True
    is_shared_old_way: bool = False


class PersonInput(Strict):
    """A person, room or equipment. Tenant: GUID, verified domain or "personal"; without password no sign-in."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    display_name: str
    tenant: str = ""
    id: str | None = None
    password: str | None = None
    kind: PersonKind = "user"
    is_admin: bool = False
    needs_mfa: bool = False
    sign_in_block: BlockCode = 0
    time_zone: str = "UTC"
    language: str = "en-US"
    mailbox_state: MailboxState = MailboxState.ENABLED
    aliases: list[str] = Field(default_factory=list)
    working_hours: WorkingHoursInput = Field(default_factory=WorkingHoursInput)
    calendars: list[CalendarInput] = Field(default_factory=list)
    has_mailbox: bool = True
    exchange: ExchangeInput | None = None


def tenant_for(directory: Directory, name: str, email: str) -> Tenant:
    """The tenant meant by a GUID, a domain, "personal", or (empty) by the domain of the address.

    Raises:
        DirectoryError: there is none.
    """
    if name == "personal":
        return directory.tenants[PERSONAL_TENANT_ID]
    domain = email.rpartition("@")[2].lower()
    if not name and domain in directory.tenants[PERSONAL_TENANT_ID].domains:
        return directory.tenants[PERSONAL_TENANT_ID]
    found = directory.tenant_named(name or domain)
    if found is None:
        raise DirectoryError(f"there is no tenant {name or domain!r}; add it first")
    return found


def add_person(directory: Directory, mailboxes: Mailboxes, wanted: PersonInput) -> Person:
    """Create the account and its mailbox.

    Raises:
        DirectoryError: unknown tenant, or the address is taken.
        UnknownZoneError: the time zone is neither a Windows nor an IANA name.
    """
    tenant = tenant_for(directory, wanted.tenant, wanted.email)
    zone = windows_name(wanted.time_zone)
    if wanted.has_mailbox and any(mailboxes.by_address(a) for a in (wanted.email, *wanted.aliases)):
        raise DirectoryError(f"{wanted.email!r} or an alias of it is a mailbox already")
    person = Person(
        id=(wanted.id or new_object_id(tenant.id)).lower(),
        tenant_id=tenant.id,
        email=wanted.email,
        display_name=wanted.display_name,
        password=wanted.password,
        kind=wanted.kind,
        is_admin=wanted.is_admin,
        needs_mfa=wanted.needs_mfa,
        sign_in_block=wanted.sign_in_block,
    )
    if person.id in directory.people:
        raise DirectoryError(f"id {person.id!r} is taken")
    directory.add_person(person)
    if wanted.has_mailbox:
        mailbox = mailboxes.add(_mailbox(person, wanted, zone))
        for calendar in wanted.calendars:
            add_calendar(mailboxes, mailbox, calendar)
    return person


def add_calendar(mailboxes: Mailboxes, mailbox: Mailbox, wanted: CalendarInput) -> str:
    """Give a mailbox one more calendar and return its store id."""
    folder = mailboxes.add_calendar(mailbox, wanted.name, is_read_only=wanted.is_read_only, color=wanted.color)
    folder.calendar.supports_delta = wanted.supports_delta
    folder.calendar.is_shared_old_way = wanted.is_shared_old_way
    return folder.folder_id


def remove_person(directory: Directory, mailboxes: Mailboxes, person: Person) -> None:
    """Delete the account and its mailbox."""
    directory.people.pop(person.id)
    mailbox = mailboxes.by_id(person.id)
    if mailbox is not None:
        mailboxes.remove(mailbox)


def working_hours(wanted: WorkingHoursInput) -> WorkingHours:
    """Working hours as the store keeps them."""
    return WorkingHours(tuple(wanted.days), f"{wanted.start}:00.0000000", f"{wanted.end}:00.0000000", wanted.zone)


def _mailbox(person: Person, wanted: PersonInput, zone: str) -> Mailbox:
    purposes: dict[PersonKind, Literal["user", "room", "equipment"]] = {
        "user": "user",
        "room": "room",
        "equipment": "equipment",
    }
    return Mailbox(
        oid=person.id,
        tenant_id=person.tenant_id,
        address=person.email,
        display_name=person.display_name,
        time_zone=zone,
        purpose=purposes[person.kind],
        is_personal=person.is_personal,
        state=wanted.mailbox_state,
        aliases=tuple(alias.lower() for alias in wanted.aliases),
        language=wanted.language,
        working_hours=working_hours(wanted.working_hours),
    )
