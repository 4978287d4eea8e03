"""The inbox: mails that arrived by SMTP, shown as they are, with links that work."""

import html
import re

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.inboxes import ReceivedMail
from sandbox.microsoft import Sandbox
from sandbox.outlook.views import Visit, page, shown_time
from sandbox.zones import zone_info

# A mail is a stranger's HTML: no scripts, no forms, nothing loaded; its links open in the whole window. Without
# scripts allow-same-origin gives it nothing, but Chromium ignores clicks in a foreign frame that has just appeared.
_BODY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:; form-action 'none'; "
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


def home(sandbox: Sandbox, _request: Request) -> Response:
    """Choose whose Outlook to open."""
    cards = []
    for person in sorted(sandbox.directory.people.values(), key=lambda p: (p.kind != "user", p.display_name)):
        inbox = sandbox.inboxes.inbox(person.email)
        tenant = sandbox.directory.tenants[person.tenant_id]
        cards.append((person, tenant, sum(not mail.is_read for mail in inbox)))
    return page("home.html", cards=cards, mails=len(sandbox.inboxes.mails))


def all_mail(sandbox: Sandbox, _request: Request) -> Response:
    """Every mail of every inbox, newest first, and what was refused."""
    now, zone = sandbox.now(), zone_info("UTC")
    rows = []
    for mail in reversed(sandbox.inboxes.mails):
        person = sandbox.directory.person_called(mail.inbox)
        rows.append((mail, person, shown_time(mail.received_at, zone, now)))
    refused = [(r, shown_time(r.at, zone, now)) for r in reversed(sandbox.inboxes.refused)]
    return page("all_mail.html", rows=rows, refused=refused)


def inbox(visit: Visit) -> Response:
    """A person's mails."""
    return visit.page("mail.html", rows=_rows(visit), mail=None, section="mail")


def one_mail(visit: Visit) -> Response:
    """One mail beside the list; opening it marks it as read."""
    mail = _named(visit)
    if mail is None:
        return visit.page("message_in.html", 404, title="This mail is gone", text="", section="mail")
    mail.is_read = True
    received = mail.received_at.astimezone(visit.zone).strftime("%A %d %B %Y, %H:%M")
    to = str(mail.message.get("to", mail.inbox))
    return visit.page("mail.html", rows=_rows(visit), mail=mail, received=received, to=to, section="mail")


def body(visit: Visit) -> Response:
    """The mail's own HTML (or its text with links), for the frame inside the page."""
    mail = _named(visit)
    if mail is None:
        return HTMLResponse("", 404)
    text = mail.part("html")
    if text:
        content = f'<base target="_top">{text}'
    else:
        content = (
            f'<base target="_top"><pre style="font:inherit;white-space:pre-wrap">{_linked(mail.part("plain"))}</pre>'
        )
    shell = (
        '<!doctype html><meta charset="utf-8"><style>body{font:15px/1.5 "Segoe UI",system-ui,sans-serif;'
        f"margin:16px;color:#222}}</style>{content}"
    )
    return HTMLResponse(shell, headers={"Content-Security-Policy": _BODY_POLICY, "Cache-Control": "no-store"})


def delete(visit: Visit) -> Response:
    """Throw a mail away."""
    mail = _named(visit)
    if mail is not None:
        visit.sandbox.inboxes.mails.remove(mail)
    return RedirectResponse(f"{visit.address}/mail", 303)


def report_junk(visit: Visit) -> Response:
    """Call a mail junk: its sender hears of it as a complaint."""
    mail = _named(visit)
    if mail is not None:
        visit.sandbox.inboxes.report_junk(mail)
    return RedirectResponse(str(visit.request.url.path).removesuffix("/junk"), 303)


def _named(visit: Visit) -> ReceivedMail | None:
    mail = visit.sandbox.inboxes.mail(visit.request.path_params["mail"])
    return mail if mail is not None and mail.inbox == visit.person.email else None


def _rows(visit: Visit) -> list[tuple[ReceivedMail, str, str, str]]:
    now = visit.sandbox.now()
    rows = []
    for mail in visit.sandbox.inboxes.inbox(visit.person.email):
        sender = re.sub(r"\s*<[^>]*>\s*$", "", mail.sender).strip('" ') or mail.sender
        preview = " ".join(mail.part("plain").split())[:110]
        rows.append((mail, sender, preview, shown_time(mail.received_at, visit.zone, now)))
    return rows


def _linked(text: str) -> str:
    """Escaped text whose addresses are links."""
    parts, end = [], 0
    for match in _LINK.finditer(text):
        address = html.escape(match[0])
        parts += [html.escape(text[end : match.start()]), f'<a href="{address}">{address}</a>']
        end = match.end()
    return "".join(parts) + html.escape(text[end:])
