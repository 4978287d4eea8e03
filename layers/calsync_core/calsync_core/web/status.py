"""The status of a resource as people see it: symbol, word, what lies behind it, since when and whose turn it is.

One place, so that Overview, resource page and API say the same. Reference: ux.md section 2.
"""

from dataclasses import dataclass
from datetime import datetime

from calsync_core.domain.resources import InvitationState, ResourceState, Status
from calsync_core.web.wording import wording
from calsync_core.web.wording.words import Actor


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class ShownStatus:
    """`tone` is good, warn, bad or empty; `key` the filter word in addresses; `detail` may be empty.

    `detail_values` fill the detail's placeholders. `needs_someone` puts the resource first.
    """

    key: str
    symbol: str
    word: str
    tone: str
    actor: Actor
    detail: str = ""
    since_at: datetime | None = None
    percent: int | None = None

    @property
    def needs_someone(self) -> bool:
        return self.key in _NEEDS_SOMEONE


_NEEDS_SOMEONE = {"not_delivered", "degraded", "reauth_required", "stuck", "declined"}

FILTERS: tuple[tuple[str, str], ...] = (
    ("needs", _("Needs someone")),
    ("not_invited", _("Not invited")),
    ("awaiting", _("Awaiting confirmation")),
    ("not_delivered", _("Mail not delivered")),
    ("importing", _("Importing")),
    ("connected", _("Connected")),
    ("degraded", _("Connected, with problems")),
    ("reauth_required", _("Sign-in expired")),
    ("paused", _("Paused")),
    ("disconnected", _("Disconnected")),
)

_AWAITING: dict[InvitationState, tuple[str, Actor, str]] = {
    InvitationState.QUEUED: ("awaiting", Actor.RESOURCE, _("Mail is on its way")),
    InvitationState.SENT: ("awaiting", Actor.RESOURCE, _("Mail sent")),
    InvitationState.DELIVERED: ("awaiting", Actor.RESOURCE, _("Mail delivered, not opened")),
    InvitationState.OPENED: ("awaiting", Actor.RESOURCE, _("Opened, not finished - often IT approval is missing")),
    InvitationState.STUCK_AT_MICROSOFT: ("stuck", Actor.IT, _("Stopped by Microsoft: IT has to approve calsync first")),
    InvitationState.BOUNCED: ("not_delivered", Actor.ADMIN, _("Address unknown at the mail server")),
    InvitationState.COMPLAINED: ("not_delivered", Actor.ADMIN, _("Marked as unwanted mail by the receiver")),
    InvitationState.EXPIRED: ("not_delivered", Actor.ADMIN, _("The invitation has expired")),
    InvitationState.DECLINED: ("declined", Actor.ADMIN, _("The person does not want this")),
    InvitationState.WITHDRAWN: ("not_invited", Actor.ADMIN, _("Invitation withdrawn")),
}  # fmt: skip


def shown_status(state: ResourceState) -> ShownStatus:
    """What to show for this state; a resource that the booking system no longer offers says so."""
    if not state.resource.is_active and state.status in (Status.NOT_INVITED, Status.AWAITING):
        return ShownStatus("not_invited", "–", _("Not offered any more"), "", Actor.NOBODY, since_at=state.since_at)
    return _BY_STATUS[state.status](state)


def _not_invited(state: ResourceState) -> ShownStatus:
    return ShownStatus("not_invited", "○", _("Not invited"), "", Actor.ADMIN, _("Press Invite"), state.since_at)


def _awaiting(state: ResourceState) -> ShownStatus:
    key, actor, detail = _AWAITING[state.invitation or InvitationState.QUEUED]
    if key == "not_delivered":
        return ShownStatus(key, "✉✗", _("Mail not delivered"), "bad", actor, detail, state.since_at)
    tone = "bad" if key in _NEEDS_SOMEONE else "warn"
    return ShownStatus(key, "◔", _("Awaiting confirmation"), tone, actor, detail, state.since_at)


def _importing(state: ResourceState) -> ShownStatus:
    progress = state.progress
    percent = min(99, progress.done * 100 // progress.expected) if progress.expected else None
    detail = _("Next 14 days done") if progress.near_done else _("Reading the next 14 days first")
    return ShownStatus("importing", "▶", _("Importing"), "", Actor.NOBODY, detail, state.since_at, percent)


def _connected(state: ResourceState) -> ShownStatus:
    if state.degraded is not None:
        text = wording(state.degraded.reason)
        return ShownStatus(
            "degraded", "◐", _("Connected, with problems"), "warn", text.actor, text.title, state.degraded.since_at
        )  # fmt: skip
    return ShownStatus("connected", "●", _("Connected"), "good", Actor.NOBODY, "", state.since_at)


def _reauth_required(state: ResourceState) -> ShownStatus:
    text = wording(state.reason or "auth_expired")
    word = _("Sign-in expired")
    return ShownStatus("reauth_required", "✗", word, "bad", Actor.RESOURCE, text.title, state.since_at)


def _paused(state: ResourceState) -> ShownStatus:
    detail = wording(state.reason).title if state.reason == "resource_inactive" else ""
    return ShownStatus("paused", "‖", _("Paused"), "", Actor.ADMIN, detail, state.since_at)


def _disconnected(state: ResourceState) -> ShownStatus:
    return ShownStatus("disconnected", "–", _("Disconnected"), "", Actor.ADMIN, "", state.since_at)


_BY_STATUS = {
    Status.NOT_INVITED: _not_invited,
    Status.AWAITING: _awaiting,
    Status.IMPORTING: _importing,
    Status.CONNECTED: _connected,
    Status.REAUTH_REQUIRED: _reauth_required,
    Status.PAUSED: _paused,
    Status.DISCONNECTED: _disconnected,
}

ACTOR_WORDS: dict[Actor, str] = {
    Actor.RESOURCE: _("Their turn"),
    Actor.ADMIN: _("Your turn"),
    Actor.IT: _("IT's turn"),
    Actor.OPERATOR: _("The operator's turn"),
    Actor.NOBODY: _("Nothing to do"),
}
