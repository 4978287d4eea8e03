"""What is still missing before calsync works: cards above the list, and three numbered steps while it is empty."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from calsync_core.domain.apps import AppRule, CalendarKind
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.ids import AccountId
from calsync_core.domain.resources import InvitationState, ResourceState, Status
from calsync_core.usecases.watch_role_accounts import expiry_code
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.wording import wording

_MAIL_TAKES = timedelta(minutes=10)


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Card:
    """`address` and `label` are the way on; both empty where only the operator can act."""

    title: str
    text: str
    address: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    text: str
    is_done: bool
    address: str
    label: str


def set_up_cards(parts: ConsoleParts, account: AccountId, states: Sequence[ResourceState]) -> list[Card]:
    """From facts only: what the deployment lacks, and what keeps people from going on."""
    cards: list[Card] = []
    if not parts.deployment.is_microsoft_ready and _uses_microsoft(parts, account):
        cards.append(
            Card(
                _("The connection to Microsoft is not set up yet"),
                _("People you invite cannot connect a calendar until calsync is registered at Microsoft."),
                "/console/connections#microsoft",
                _("What is missing"),
            )
        )
    if not parts.deployment.mail_sender:
        cards.append(
            Card(
                _("Mail is not set up yet"),
                _("No invitation can be sent until the operator has named the address that mails come from."),
                "/console/connections#mail",
                _("What is missing"),
            )
        )
    if any(state.invitation is InvitationState.STUCK_AT_MICROSOFT and _awaits(state) for state in states):
        cards.append(
            Card(
                _("Microsoft approval for your organisation is missing"),
                _("People you invited were stopped by Microsoft. Your IT has to allow calsync once."),
                "/console/connections#approval",
                _("Get approval"),
            )
        )
    now = parts.frame.clock.now()
    waiting = [state for state in states if _awaits(state) and state.invitation is InvitationState.QUEUED]
    if any(state.invited_at is not None and now - state.invited_at > _MAIL_TAKES for state in waiting):
        cards.append(
            Card(
                _("Invitations do not leave"),
                _("The mail service may still be limited to addresses that were confirmed by hand (SES sandbox)."),
                "/console/connections#mail",
                _("What to check"),
            )
        )
    cards += _role_account_cards(parts, account)
    return cards


def _role_account_cards(parts: ConsoleParts, account: AccountId) -> list[Card]:
    """Role accounts that do not answer any more, or whose key ends."""
    now = parts.ports.clock.now()
    troubles = {
        one.id: one.code or expiry_code(one, now) for one in parts.ports.stores.role_accounts.of_account(account)
    }
    return [
        Card(
            wording(code).title,
            wording(code).meaning,
            f"/console/connections/role-accounts/{role_id}",
            _("Open the role account"),
        )
        for role_id, code in troubles.items()
        if code
    ]


def set_up_steps(parts: ConsoleParts, account: AccountId, *, rows: int) -> list[Step]:
    """For a new account, instead of a blank table."""
    settings = parts.ports.stores.settings.account(account)
    return [
        _connect_step(parts, account),
        Step(
            _("Look at the settings"),
            _("What colleagues see, which way things are copied, how far ahead."),
            settings.version > 0,
            "/console/settings",
            _("Settings"),
        ),
        Step(
            _("Load people and rooms"),
            _("They come from the booking system; then you invite them here."),
            rows > 0,
            "",
            "",
        ),
    ]


def _connect_step(parts: ConsoleParts, account: AccountId) -> Step:
    if _uses_microsoft(parts, account):
        return Step(
            _("Connect to Microsoft"),
            _("calsync is registered at Microsoft and your IT allows it."),
            parts.deployment.is_microsoft_ready,
            "/console/connections#microsoft",
            _("Connections"),
        )
    return Step(
        _("Test your Exchange server"),
        _("Enter it and test it with one mailbox, before anybody is invited."),
        any(server.is_found for server in parts.ports.stores.servers.of_account(account)),
        "/console/connections#servers",
        _("Connections"),
    )


def _uses_microsoft(parts: ConsoleParts, account: AccountId) -> bool:
    """An account with Exchange servers alone needs no registration at Microsoft."""
    apps = parts.ports.stores.apps.get(account)
    is_off = apps.rule(ProviderKind.OFFICE365, parts.ports.app_rules) is AppRule.OFF
    return not is_off and apps.invites_to is not CalendarKind.EXCHANGE


def _awaits(state: ResourceState) -> bool:
    return state.status is Status.AWAITING
