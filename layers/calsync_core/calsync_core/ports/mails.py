"""Writing a mail: a use case says which one, to whom and with which facts; web/mails.py turns it into words.

Facts are ids, names, instants and codes. Addresses of pages are made by the writer, so that every link in every mail
leads to our own host.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from calsync_core.domain.ids import AccountId
from calsync_core.domain.resources import Resource
from calsync_core.domain.values import value
from calsync_core.ports.outward import Mail


class MailKind(StrEnum):
    """The rows of the mail table (reference ux.md section 5); one text and one HTML template each."""

    INVITATION = "invitation"
    REMINDER = "reminder"
    CONNECTED = "connected"
    NOT_CONNECTED = "not_connected"
    SIGN_IN_EXPIRED = "sign_in_expired"
    CONFLICT = "conflict"
    NOTICE = "notice"  # paused, resumed, disconnected, shows_more
    NEW_LINK = "new_link"  # the person asked for a new manage link
    STOP_LINE = "stop_line"  # to the admins: much disappeared at once, and nothing was deleted
    KEY_EXPIRES = "key_expires"  # to the admins: a role account's secret or certificate ends


Facts = Mapping[str, str | int | datetime | None]


@value(frozen=True, slots=True)
class Draft:
    """What a mail is about. `facts` by kind:

    INVITATION: token, expires_at, invited_by, message, kind.
    REMINDER: invitation (its id), expires_at, invited_by, is_stuck.
    CONNECTED: entries. NOT_CONNECTED: code.
    SIGN_IN_EXPIRED: code, since_at. CONFLICT: conflict, revision, at (instant), code. NOTICE: what (paused, resumed,
    disconnected, shows_more), by, until_at, copies (removed, kept). NEW_LINK: nothing.
    STOP_LINE: code, since_at. KEY_EXPIRES: code, expires_at, days, role_account (its id).
    """

    kind: MailKind
    account: AccountId
    resource: Resource
    to: str
    now: datetime
    facts: Facts = field(default_factory=dict)


class MailWriter(Protocol):
    def write(self, draft: Draft) -> Mail:
        """In the resource's language. Pure: no I/O."""
