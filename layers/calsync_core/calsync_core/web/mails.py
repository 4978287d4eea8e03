"""Turns a draft into words: subject, text and HTML from templates/emails, every link to our own host.

A text template begins with its subject line. No pictures, no tracking, no customer data, no titles of entries.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from calsync_core.domain.appointments import When
from calsync_core.domain.journal import when_of_span
from calsync_core.ports.mails import Draft, MailKind
from calsync_core.ports.outward import Mail
from calsync_core.web.conflict_words import conflict_wording
from calsync_core.web.links import MANAGE_LIFETIME, conflict_path, invitation_path, manage_path
from calsync_core.web.render import language, render
from calsync_core.web.when import shown_when
from calsync_core.web.wording import wording

MAX_HTML = 30 * 1024
_MAX_NAME = 78
_MAY_UNSUBSCRIBE = {MailKind.REMINDER, MailKind.CONFLICT}


@dataclass(frozen=True, slots=True)
class TemplateMailWriter:
    """ports.mails.MailWriter. `key` signs links (purpose "links"); `business` is the sender that people know."""

    public_url: str
    business: str
    key: bytes
    privacy_url: str = ""

    def write(self, draft: Draft) -> Mail:
        """Raises ValueError for HTML over 30 KB: mail programs cut it there, and the button may be what is cut."""
        values = self._values(draft)
        locale = language(draft.resource.locale)
        subject, _, text = render(f"emails/{draft.kind.value}.txt", locale, values).lstrip().partition("\n")
        html = render(f"emails/{draft.kind.value}.html", locale, {**values, "subject": _one_line(subject, 200)})
        if len(html.encode()) > MAX_HTML:
            raise ValueError(f"mail {draft.kind.value} is larger than {MAX_HTML} bytes")
        return Mail(
            to=draft.to,
            subject=_one_line(subject, 200),
            text=text.strip() + "\n",
            html=html,
            kind=draft.kind.value,
            locale=locale,
            may_unsubscribe=draft.kind in _MAY_UNSUBSCRIBE,
        )

    def _values(self, draft: Draft) -> dict[str, Any]:
        facts = dict(draft.facts)
        resource = draft.resource
        code = str(facts.get("code") or "internal")
        return {
            "business": _one_line(self.business, _MAX_NAME),
            "name": _one_line(resource.owner.name or resource.name, _MAX_NAME),
            "resource_name": _one_line(resource.name, _MAX_NAME),
            "is_own": resource.owner.name == resource.name or not resource.owner.name,
            "zone": resource.time_zone,
            "now": draft.now,
            "facts": facts,
            "wording": conflict_wording(code) if draft.kind is MailKind.CONFLICT else wording(code),
            "versions": [shown_when(_when(facts, side), resource.time_zone) for side in ("booking", "calendar")],
            "link": self.public_url + self._path(draft, facts),
            "manage": self.public_url + manage_path(self.key, draft.account, resource.id, draft.now, MANAGE_LIFETIME),
            "not_me": self._not_me(draft, facts),
            "privacy_url": self.privacy_url,
        }

    def _path(self, draft: Draft, facts: dict[str, Any]) -> str:
        if draft.kind is MailKind.INVITATION:
            return f"/i/{facts['token']}"
        if draft.kind is MailKind.REMINDER:
            expires_at: datetime = facts["expires_at"]
            return invitation_path(self.key, draft.account, draft.resource.id, str(facts["invitation"]), expires_at)
        if draft.kind is MailKind.CONFLICT:
            conflict, revision = str(facts["conflict"]), int(facts["revision"])
            return conflict_path(self.key, draft.account, conflict, revision, draft.now)
        if draft.kind is MailKind.STOP_LINE:
            return f"/console/resources/{quote(draft.resource.id, safe='')}"
        if draft.kind is MailKind.KEY_EXPIRES:
            return f"/console/connections/role-accounts/{facts['role_account']}"
        path = manage_path(self.key, draft.account, draft.resource.id, draft.now, MANAGE_LIFETIME)
        is_password = draft.kind is MailKind.SIGN_IN_EXPIRED and facts.get("code") == "password_wrong"
        return f"{path}/exchange" if is_password else path

    def _not_me(self, draft: Draft, facts: dict[str, Any]) -> str:
        if draft.kind in {MailKind.INVITATION, MailKind.REMINDER}:
            return f"{self.public_url}{self._path(draft, facts)}/not-me"
        return ""


def _when(facts: dict[str, Any], side: str) -> When | None:
    return when_of_span(str(facts[side])) if facts.get(side) else None


def _one_line(text: str, longest: int) -> str:
    """Names come from elsewhere: nothing of them may become a mail header of its own."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:longest]
