"""Invite a person to connect a calendar: a random token whose hash alone is stored, a mail, a state to wait in.

A newer invitation ends the older one. Not here: what happens when the link is opened (open_invitation.py).
"""

import hashlib
from datetime import datetime, timedelta

from calsync_core.domain.apps import CalendarKind
from calsync_core.domain.errors import ConcurrentChangeError, InputError, NotFoundError
from calsync_core.domain.ids import AccountId, ResourceId, short_hash
from calsync_core.domain.resources import InvitationState, ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.mails import Draft, Facts, MailKind
from calsync_core.ports.stores import Due, Invitation
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.note_invitation_state import note_invitation_state
from calsync_core.usecases.send_mail import address_of, is_address, send_mail
from calsync_core.usecases.use_app import check_invitation_app

LIFETIME = timedelta(days=14)
FIRST_REMINDER = timedelta(days=3)
AGAIN_AFTER = timedelta(hours=1)
PER_DAY = 3
MAX_MESSAGE = 300
_MAY_BE_INVITED = {Status.NOT_INVITED, Status.AWAITING, Status.DISCONNECTED}


@value(frozen=True, slots=True)
class InviteResource:
    """`by` is the name that the mail shows. Without `send` nothing is mailed: the admin hands over the link himself.

    `kind` None: as the invitation that waits, else what the account invites to.
    """

    account: AccountId
    resource: ResourceId
    by: str
    message: str = ""
    send: bool = True
    kind: CalendarKind | None = None


@value(frozen=True, slots=True)
class Invited:
    """`token` exists here and in the mail, nowhere else; the link is {PUBLIC_URL}/i/{token}."""

    invitation: Invitation
    token: str


def invite_resource(ports: JourneyPorts, command: InviteResource) -> Invited:
    """Make and send an invitation.

    Raises NotFoundError("resource_unknown"); InputError: agreement_missing, already_connected, address_invalid,
    address_suppressed, invited_recently, invited_too_often, app_off, app_needs_code; what sending raises (the state
    then stays `queued`).
    """
    now = ports.clock.now()
    state = ports.stores.resources.get(command.account, command.resource)
    if state is None:
        raise NotFoundError("resource_unknown", resource=command.resource)
    address = address_of(state.resource).strip()
    kind = command.kind or _kind_so_far(ports, state)
    check_invitation_app(ports, command.account, kind)
    _check(ports, state, address)
    if command.send:
        _claim_a_slot(ports, state, address, now)
    invited = _create(ports, state, replace(command, kind=kind), address, now)
    if command.send:
        _send(ports, state, invited, now)
    return invited


def _kind_so_far(ports: JourneyPorts, state: ResourceState) -> CalendarKind:
    """That of the invitation that waits, so that a second mail means the same; else what the account invites to."""
    older = _present(ports, state) if state.status is Status.AWAITING else None
    return older.kind if older else ports.stores.apps.get(state.account).invites_to


def _check(ports: JourneyPorts, state: ResourceState, address: str) -> None:
    versions = {row.text_version for row in ports.stores.journeys.agreements(state.account) if row.role == "admin"}
    if ports.text_version not in versions:
        raise InputError("agreement_missing", account=state.account)
    if state.status not in _MAY_BE_INVITED:
        raise InputError("already_connected", resource=state.resource.id)
    if not is_address(address):
        raise InputError("address_invalid", resource=state.resource.id)
    older = _present(ports, state)
    if older is None or older.address.casefold() != address.casefold():
        return
    if older.state is InvitationState.COMPLAINED:
        raise InputError("address_suppressed", resource=state.resource.id)


def _claim_a_slot(ports: JourneyPorts, state: ResourceState, address: str, now: datetime) -> None:
    older = _present(ports, state)
    # One that stayed `queued` was never mailed (or handed over by the admin), so it does not count.
    if (
        older is not None
        and older.address.casefold() == address.casefold()
        and not older.is_withdrawn
        and older.state is not InvitationState.QUEUED
        and now - older.created_at < AGAIN_AFTER
    ):
        raise InputError("invited_recently", resource=state.resource.id)
    # The ledger gives each claim once, so numbered claims are a counter that two admins cannot race past.
    who = short_hash(address.casefold())
    for number in range(PER_DAY):
        if ports.stores.mails.claim(state.account, "invitation_slot", who, f"{now:%Y-%m-%d}#{number}", now):
            return
    raise InputError("invited_too_often", resource=state.resource.id)


def _create(ports: JourneyPorts, state: ResourceState, command: InviteResource, address: str, now: datetime) -> Invited:
    older = _present(ports, state)
    token = ports.ids.token()
    invitation = ports.stores.journeys.save_invitation(
        Invitation(
            id=ports.ids.short(),
            token_hash=token_hash(token),
            account=state.account,
            resource=state.resource.id,
            address=address,
            created_at=now,
            expires_at=now + LIFETIME,
            created_by=command.by,
            locale=state.resource.locale,
            kind=command.kind or CalendarKind.OFFICE365,
            message="".join(char for char in command.message if char.isprintable() or char == "\n")[:MAX_MESSAGE],
        )
    )

    def change(present: ResourceState) -> ResourceState:
        if present.status not in _MAY_BE_INVITED:
            raise InputError("already_connected", resource=present.resource.id)
        awaiting = present.moved_to(Status.AWAITING, now)
        return replace(
            awaiting,
            invitation=InvitationState.QUEUED,
            invitation_id=invitation.id,
            invited_at=now,
            since_at=now,
        )

    change_state(ports.stores.resources, state.account, state.resource.id, change)
    if older is not None:
        _withdraw(ports, older)
    for kind, due_at in (("reminder", now + FIRST_REMINDER), ("expiry", now + LIFETIME)):
        ports.stores.due.schedule(Due(kind, state.account, state.resource.id, due_at))
    ports.stores.log.add([LogEntry(state.account, state.resource.id, now, Reason.INVITED)])
    return Invited(invitation, token)


def _send(ports: JourneyPorts, state: ResourceState, invited: Invited, now: datetime) -> None:
    invitation = invited.invitation
    facts: Facts = {
        "token": invited.token,
        "expires_at": invitation.expires_at,
        "invited_by": invitation.created_by,
        "message": invitation.message,
        "kind": invitation.kind.value,
    }
    draft = Draft(MailKind.INVITATION, state.account, state.resource, invitation.address, now, facts)
    send_mail(ports, draft, invitation.id, invitation.id)
    note_invitation_state(ports.stores, state.account, state.resource.id, invitation.id, InvitationState.SENT)


def _present(ports: JourneyPorts, state: ResourceState) -> Invitation | None:
    if state.invitation_id is None:
        return None
    return ports.stores.journeys.invitation_by_id(state.account, state.resource.id, state.invitation_id)


def _withdraw(ports: JourneyPorts, invitation: Invitation) -> None:
    present: Invitation | None = invitation
    for _ in range(5):
        if present is None or present.is_withdrawn or present.is_used:
            return
        try:
            ports.stores.journeys.save_invitation(replace(present, is_withdrawn=True))
        except ConcurrentChangeError:
            present = ports.stores.journeys.invitation_by_id(present.account, present.resource, present.id)
        else:
            return
    raise ConcurrentChangeError(invitation=invitation.id)


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
