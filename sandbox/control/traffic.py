"""Control of time, traffic and mail: clock, settings, faults, request log, outbox, inboxes, saving and resetting."""

from datetime import timedelta
from typing import Any

from pydantic import AwareDatetime, Field, TypeAdapter
from starlette.requests import Request
from starlette.routing import BaseRoute

from sandbox.control.answers import NotThereError, number, read, route
from sandbox.faults import FaultRule
from sandbox.inboxes import ReceivedMail
from sandbox.microsoft import Sandbox
from sandbox.population import Strict
from sandbox.world import Settings


class ClockInput(Strict):
    """Move the clock by seconds (back with a minus), or set it to an instant, or back to real time."""

    advance_seconds: float | None = None
    set: AwareDatetime | None = None
    real: bool = False


class MailPolicy(Strict):
    """Who gets mail: addresses that refuse in any case, and whether strangers have inboxes."""

    refused_addresses: list[str] | None = None
    accepts_unknown: bool | None = None


class ResetInput(Strict):
    """What stays over a reset."""

    keep_apps: bool = Field(default=False)


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """All addresses of this file."""
    table: list[tuple[str, str, Any, int]] = [
        ("GET", "/control", _index, 200),
        ("GET", "/control/clock", _clock, 200),
        ("POST", "/control/clock", _move_clock, 200),
        ("GET", "/control/settings", _settings, 200),
        ("PATCH", "/control/settings", _change_settings, 200),
        ("GET", "/control/faults", _faults, 200),
        ("POST", "/control/faults", _add_fault, 201),
        ("DELETE", "/control/faults", _clear_faults, 204),
        ("DELETE", "/control/faults/{rule}", _remove_fault, 204),
        ("GET", "/control/log", _log, 200),
        ("DELETE", "/control/log", _clear_log, 204),
        ("GET", "/control/outbox", _outbox, 200),
        ("DELETE", "/control/outbox", _clear_outbox, 204),
        ("GET", "/control/mail", _mails, 200),
        ("DELETE", "/control/mail", _clear_mail, 204),
        ("GET", "/control/mail/refused", _refused, 200),
        ("GET", "/control/mail/complaints", _complaints, 200),
        ("GET", "/control/mail/policy", _mail_policy, 200),
        ("PATCH", "/control/mail/policy", _change_mail_policy, 200),
        ("GET", "/control/mail/{mail:int}", _mail, 200),
        ("POST", "/control/reset", _reset, 204),
        ("POST", "/control/save", _save, 204),
    ]
    return [route(sandbox, method, path, handler, status) for method, path, handler, status in table]


async def _index(sandbox: Sandbox, _request: Request) -> Any:
    return {
        "addresses": sandbox.addresses.as_json(sandbox.state_folder),
        "now": sandbox.world.clock.now(),
        "people": len(sandbox.directory.people),
        "mails": len(sandbox.inboxes.mails),
        "log_id": sandbox.log.last_id,
        "faults": len(sandbox.faults.rules),
    }


async def _clock(sandbox: Sandbox, _request: Request) -> Any:
    return {"now": sandbox.world.clock.now()}


async def _move_clock(sandbox: Sandbox, request: Request) -> Any:
    wanted = await read(request, ClockInput)
    clock = sandbox.world.clock
    if wanted.real:
        clock.advance(-clock.offset)
    if wanted.set is not None:
        clock.set(wanted.set)
    if wanted.advance_seconds is not None:
        clock.advance(timedelta(seconds=wanted.advance_seconds))
    sandbox.world.mailboxes.run_due()
    sandbox.subscriptions.look_at_clock()
    return {"now": clock.now()}


async def _settings(sandbox: Sandbox, _request: Request) -> Any:
    return sandbox.world.settings


async def _change_settings(sandbox: Sandbox, request: Request) -> Any:
    """Take fields of `world.Settings`; durations are seconds."""
    settings = sandbox.world.settings
    given = TypeAdapter(dict[str, Any]).validate_json(await request.body() or b"{}")
    known = Settings.__dataclass_fields__
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"unknown settings {unknown}; known are {sorted(known)}")
    types: dict[str, Any] = {name: one.type for name, one in known.items()}
    checked = {name: TypeAdapter(types[name]).validate_python(value) for name, value in given.items()}
    for name, value in checked.items():
        setattr(settings, name, value)
    return settings


async def _faults(sandbox: Sandbox, _request: Request) -> Any:
    return [rule.model_dump(mode="json") for rule in sandbox.faults.rules]


async def _add_fault(sandbox: Sandbox, request: Request) -> FaultRule:
    rule = await read(request, FaultRule)
    sandbox.faults.rules.append(rule)
    return rule


async def _clear_faults(sandbox: Sandbox, _request: Request) -> None:
    sandbox.faults.rules.clear()


async def _remove_fault(sandbox: Sandbox, request: Request) -> None:
    wanted = request.path_params["rule"]
    if not any(rule.id == wanted for rule in sandbox.faults.rules):
        raise NotThereError(f"there is no rule {wanted!r}")
    sandbox.faults.rules = [rule for rule in sandbox.faults.rules if rule.id != wanted]


async def _log(sandbox: Sandbox, request: Request) -> Any:
    since, limit = number(request, "since", 0), number(request, "limit", 1000)
    entries = sandbox.log.since(since, request.query_params.get("path", ""), limit)
    return {"last_id": sandbox.log.last_id, "entries": entries}


async def _clear_log(sandbox: Sandbox, _request: Request) -> None:
    sandbox.log.clear()


async def _outbox(sandbox: Sandbox, request: Request) -> Any:
    since = number(request, "since", 0)
    mails = sandbox.world.mailboxes.outbox
    return {"last_id": len(mails), "mails": mails[since:]}


async def _clear_outbox(sandbox: Sandbox, _request: Request) -> None:
    sandbox.world.mailboxes.outbox.clear()


async def _mails(sandbox: Sandbox, request: Request) -> Any:
    since, inbox = number(request, "since", 0), request.query_params.get("inbox", "").lower()
    fitting = [m for m in sandbox.inboxes.mails if m.id > since and inbox in ("", m.inbox)]
    last_id = max((m.id for m in sandbox.inboxes.mails), default=0)
    return {"last_id": last_id, "mails": [_mail_head(mail) for mail in fitting]}


async def _mail(sandbox: Sandbox, request: Request) -> Any:
    mail = sandbox.inboxes.mail(request.path_params["mail"])
    if mail is None:
        raise NotThereError("there is no such mail")
    return _mail_head(mail) | {"headers": _headers(mail), "text": mail.part("plain"), "html": mail.part("html")}


def _headers(mail: "ReceivedMail") -> dict[str, str]:
    return {name: str(value) for name, value in mail.message.items()}


def _mail_head(mail: "ReceivedMail") -> dict[str, Any]:
    return {
        "id": mail.id,
        "inbox": mail.inbox,
        "from": mail.sender,
        "subject": mail.subject,
        "received_at": mail.received_at,
        "is_read": mail.is_read,
    }


async def _clear_mail(sandbox: Sandbox, _request: Request) -> None:
    sandbox.inboxes.mails.clear()
    sandbox.inboxes.refused.clear()


async def _refused(sandbox: Sandbox, request: Request) -> Any:
    since = number(request, "since", 0)
    refused = [r for r in sandbox.inboxes.refused if r.id > since]
    return {"last_id": max((r.id for r in sandbox.inboxes.refused), default=since), "refused": refused}


async def _complaints(sandbox: Sandbox, request: Request) -> Any:
    """Mails that their readers called junk; ids of complaints rise, so that a reader can go on where he stood."""
    since = number(request, "since", 0)
    mails = sorted((m for m in sandbox.inboxes.mails if m.complaint_id > since), key=lambda m: m.complaint_id)
    found = [
        {"id": m.complaint_id, "mail": m.id, "recipient": m.inbox, "headers": _headers(m), "at": m.received_at}
        for m in mails
    ]
    return {"last_id": found[-1]["id"] if found else since, "complaints": found}


async def _mail_policy(sandbox: Sandbox, _request: Request) -> Any:
    inboxes = sandbox.inboxes
    return {"refused_addresses": inboxes.refused_addresses, "accepts_unknown": inboxes.accepts_unknown}


async def _change_mail_policy(sandbox: Sandbox, request: Request) -> Any:
    wanted = await read(request, MailPolicy)
    if wanted.refused_addresses is not None:
        sandbox.inboxes.refused_addresses = {a.lower() for a in wanted.refused_addresses}
    if wanted.accepts_unknown is not None:
        sandbox.inboxes.accepts_unknown = wanted.accepts_unknown
    return await _mail_policy(sandbox, request)


async def _reset(sandbox: Sandbox, request: Request) -> None:
    wanted = await read(request, ResetInput)
    sandbox.reset(keep_apps=wanted.keep_apps)
    if sandbox.own_ports is not None:
        await sandbox.own_ports.apply()


async def _save(sandbox: Sandbox, _request: Request) -> None:
    sandbox.save()
