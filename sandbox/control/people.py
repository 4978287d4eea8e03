"""Control of people: accounts, rooms and equipment with their mailboxes, calendars and grants."""

from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute

from sandbox.calendars import MailboxState, Role
from sandbox.control.answers import NotThereError, plain, read, route
from sandbox.exchange.accounts import ExchangeInput, change_account, put_account
from sandbox.graph import ids
from sandbox.microsoft import Sandbox
from sandbox.people import DirectoryError, Person
from sandbox.population import (
    BlockCode,
    CalendarInput,
    PersonInput,
    Strict,
    WorkingHoursInput,
    add_calendar,
    add_person,
    remove_person,
    working_hours,
)
from sandbox.zones import windows_name


class PersonChange(Strict):
    """What may change at a person and his mailbox."""

    display_name: str | None = None
    password: str | None = None
    is_admin: bool | None = None
    needs_mfa: bool | None = None
    sign_in_block: BlockCode | None = None
    consents: dict[str, list[str]] | None = None
    mailbox_state: MailboxState | None = None
    time_zone: str | None = None
    working_hours: WorkingHoursInput | None = None
    exchange: ExchangeInput | None = None


class ShareInput(Strict):
    """Share a calendar with somebody: freeBusyRead, read, write or owner."""

    person: str
    role: Role = "read"


class RevokeInput(Strict):
    """Which grants end; `access_tokens` ends the running access tokens too."""

    client_id: str | None = None
    access_tokens: bool = False


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """All addresses of this file."""
    table: list[tuple[str, str, Any, int]] = [
        ("GET", "/control/people", _people, 200),
        ("POST", "/control/people", _add_person, 201),
        ("GET", "/control/people/{person}", _one_person, 200),
        ("PATCH", "/control/people/{person}", _change_person, 200),
        ("DELETE", "/control/people/{person}", _remove_person, 204),
        ("POST", "/control/people/{person}/revoke", _revoke, 200),
        ("POST", "/control/people/{person}/calendars", _add_calendar, 201),
        ("POST", "/control/people/{person}/calendars/{calendar}/share", _share, 201),
    ]
    return [route(sandbox, method, path, handler, status) for method, path, handler, status in table]


async def _people(sandbox: Sandbox, _request: Request) -> Any:
    return [_shown(sandbox, person) for person in sandbox.directory.people.values()]


async def _add_person(sandbox: Sandbox, request: Request) -> Any:
    wanted = await read(request, PersonInput)
    if wanted.exchange is not None:
        wanted.exchange.check(sandbox.exchange.state, wanted.email)
    person = add_person(sandbox.directory, sandbox.world.mailboxes, wanted)
    if wanted.exchange is not None:
        put_account(sandbox.exchange.state, person, wanted.exchange)
    return _shown(sandbox, person)


def _person(sandbox: Sandbox, request: Request) -> Person:
    try:
        return sandbox.directory.person(request.path_params["person"])
    except DirectoryError as missing:
        raise NotThereError(str(missing)) from missing


async def _one_person(sandbox: Sandbox, request: Request) -> Any:
    return _shown(sandbox, _person(sandbox, request))


async def _change_person(sandbox: Sandbox, request: Request) -> Any:
    person = _person(sandbox, request)
    wanted = await read(request, PersonChange)
    of_mailbox = {"mailbox_state", "time_zone", "working_hours", "exchange"}
    if wanted.exchange is not None:
        change_account(sandbox.exchange.state, person, wanted.exchange)
    for name, value in wanted.model_dump(exclude_unset=True, exclude=of_mailbox).items():
        setattr(person, name, value)
    mailbox = sandbox.world.mailboxes.by_id(person.id)
    if mailbox is not None:
        mailbox.display_name = person.display_name
        if wanted.mailbox_state is not None:
            mailbox.state = wanted.mailbox_state
        if wanted.time_zone is not None:
            mailbox.time_zone = windows_name(wanted.time_zone)
        if wanted.working_hours is not None:
            mailbox.working_hours = working_hours(wanted.working_hours)
    return _shown(sandbox, person)


async def _remove_person(sandbox: Sandbox, request: Request) -> None:
    person = _person(sandbox, request)
    remove_person(sandbox.directory, sandbox.world.mailboxes, person)
    sandbox.exchange.forget(person.id)


async def _revoke(sandbox: Sandbox, request: Request) -> Any:
    wanted = await read(request, RevokeInput)
    person = _person(sandbox, request)
    ended = sandbox.tokens.revoke(person.id, wanted.client_id, access_tokens=wanted.access_tokens)
    return {"revoked": ended}


async def _add_calendar(sandbox: Sandbox, request: Request) -> Any:
    person = _person(sandbox, request)
    wanted = await read(request, CalendarInput)
    mailbox = sandbox.world.mailboxes.by_id(person.id)
    if mailbox is None:
        raise NotThereError(f"{person.email} has no mailbox")
    add_calendar(sandbox.world.mailboxes, mailbox, wanted)
    return _shown(sandbox, person)


async def _share(sandbox: Sandbox, request: Request) -> Any:
    """`{calendar}` is a store id, a Graph id, or "default"."""
    person = _person(sandbox, request)
    wanted = await read(request, ShareInput)
    mailboxes = sandbox.world.mailboxes
    owner = mailboxes.by_id(person.id)
    reader = mailboxes.by_id(sandbox.directory.person(wanted.person).id)
    if owner is None or reader is None:
        raise NotThereError("both must have a mailbox")
    named = request.path_params["calendar"]
    for folder in owner.own_folders():
        is_default = named == "default" and folder.calendar.is_default
        if is_default or named in (folder.folder_id, ids.calendar_id(owner, folder), folder.name):
            mailboxes.share(folder.calendar, reader, wanted.role)
            return _shown(sandbox, sandbox.directory.person(wanted.person))
    raise NotThereError(f"{person.email} has no calendar {named!r}")


def _shown(sandbox: Sandbox, person: Person) -> dict[str, Any]:
    """A person with the mailbox beside it. Passwords are shown: this is a stand-in's control page."""
    shown: dict[str, Any] = plain(person) | {"exchange": plain(sandbox.exchange.state.accounts.get(person.id))}
    mailbox = sandbox.world.mailboxes.by_id(person.id)
    if mailbox is None:
        return shown | {"mailbox_state": None, "calendars": []}
    calendars = [
        {
            "id": ids.calendar_id(mailbox, folder),
            "store_id": folder.folder_id,
            "name": folder.name,
            "role": folder.role,
            "is_default": folder.calendar.is_default and folder.calendar.mailbox_oid == mailbox.oid,
            "can_edit": folder.can_edit,
            "entries": len(folder.calendar.entries),
        }
        for folder in mailbox.folders.values()
    ]
    return shown | {"mailbox_state": mailbox.state.value, "time_zone": mailbox.time_zone, "calendars": calendars}
