"""What all pages share: who is looking, the templates, times as a person reads them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox.calendars import Mailbox
from sandbox.entra.forms import form
from sandbox.microsoft import Sandbox
from sandbox.people import DirectoryError, Person
from sandbox.zones import zone_info

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["initials"] = lambda name: "".join(word[0] for word in str(name).split() if word[0].isalnum())[
    :2
].upper()
_TEMPLATES.filters["hue"] = lambda text: sum(str(text).encode()) * 47 % 360

HEADERS = {"Cache-Control": "no-store"}


@dataclass
class Visit:
    """One request of one person; `fields` are those of a posted form."""

    sandbox: Sandbox
    request: Request
    person: Person
    mailbox: Mailbox | None
    fields: dict[str, str]

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the person's mailbox."""
        return zone_info(self.mailbox.time_zone if self.mailbox else "UTC")

    @property
    def address(self) -> str:
        """Where this person's pages begin."""
        return f"/outlook/{self.person.email}"

    def page(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Render a template in the person's frame."""
        inbox = self.sandbox.inboxes.inbox(self.person.email)
        frame = {
            "person": self.person,
            "root": self.address,
            "unread": sum(not mail.is_read for mail in inbox),
            "tenant": self.sandbox.directory.tenants[self.person.tenant_id],
        }
        return page(name, status, **frame, **values)


async def visit(sandbox: Sandbox, request: Request) -> Visit | Response:
    """Who is looking; a page that says so when there is nobody of that name."""
    try:
        person = sandbox.directory.person(request.path_params["person"])
    except DirectoryError as missing:
        return page("message.html", 404, title="Nobody of that name", text=str(missing))
    mailbox = sandbox.world.mailboxes.by_id(person.id)
    fields = await form(request) if request.method == "POST" else {}
    return Visit(sandbox, request, person, mailbox, fields)


def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template."""
    return HTMLResponse(_TEMPLATES.get_template(name).render(**values), status, headers=HEADERS)


def shown_time(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """An instant as an inbox shows it: the time today, else the day."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return local.strftime("%H:%M")
    if local.year == today.year:
        return local.strftime("%a %d %b")
    return local.strftime("%d %b %Y")
