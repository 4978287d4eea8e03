"""What is due for people who have not acted: reminders on day 3 and 7, the invitation's end on day 14.

The sweep hands over due items of kind `reminder` and `expiry`; a late or repeated one is harmless.
"""

from datetime import datetime, timedelta

from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import InvitationState, ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.mails import Draft, Facts, MailKind
from calsync_core.ports.stores import Due, Invitation
from calsync_core.usecases.note_invitation_state import note_invitation_state
from calsync_core.usecases.send_mail import address_of, send_mail
from calsync_core.usecases.tell_result import REAUTH_REMINDERS

INVITATION_REMINDERS = (3, 7)  # days
_NO_REMINDER = {InvitationState.BOUNCED, InvitationState.COMPLAINED, InvitationState.DECLINED}


def send_reminders(ports: MailPorts, due: Due) -> None:
    """Send what `due` asks for and schedule what comes next. Raises what sending raises."""
    state = ports.stores.resources.get(due.account, ResourceId(due.subject))
    now = ports.clock.now()
    if state is None:
        return
    if state.status is Status.REAUTH_REQUIRED and due.kind == "reminder":
        _remind_of_sign_in(ports, state, now)
    elif state.status is Status.AWAITING and state.invitation_id is not None:
        invitation = ports.stores.journeys.invitation_by_id(due.account, state.resource.id, state.invitation_id)
        if invitation is None or invitation.is_used or invitation.is_withdrawn:
            return
        if invitation.expires_at <= now:
            _expire(ports, state, invitation, now)
        elif due.kind == "reminder" and invitation.state not in _NO_REMINDER:
            _remind_of_invitation(ports, state, invitation, now)


def _expire(ports: MailPorts, state: ResourceState, invitation: Invitation, now: datetime) -> None:
    if note_invitation_state(ports.stores, state.account, state.resource.id, invitation.id, InvitationState.EXPIRED):
        ports.stores.log.add(
            [LogEntry(state.account, state.resource.id, now, Reason.STATUS_CHANGED, code="link_expired")]
        )


def _remind_of_invitation(ports: MailPorts, state: ResourceState, invitation: Invitation, now: datetime) -> None:
    days = (now - invitation.created_at).days
    reached = [day for day in INVITATION_REMINDERS if day <= days]
    if not reached:
        return _schedule(ports, state, invitation.created_at + timedelta(days=INVITATION_REMINDERS[0]))
    # Continue was pressed days ago and nobody came back: in companies that is nearly always Microsoft's approval page.
    is_stuck = invitation.state in {InvitationState.OPENED, InvitationState.STUCK_AT_MICROSOFT}
    if invitation.state is InvitationState.OPENED:
        note_invitation_state(
            ports.stores, state.account, state.resource.id, invitation.id, InvitationState.STUCK_AT_MICROSOFT
        )
    facts: Facts = {
        "invitation": invitation.id,
        "expires_at": invitation.expires_at,
        "invited_by": invitation.created_by,
        "is_stuck": int(is_stuck),
    }
    draft = Draft(MailKind.REMINDER, state.account, state.resource, invitation.address, now, facts)
    send_mail(ports, draft, f"{invitation.id}-day-{reached[-1]}", invitation.id)
    later = [day for day in INVITATION_REMINDERS if day > days]
    if later:
        _schedule(ports, state, invitation.created_at + timedelta(days=later[0]))
    return None


def _remind_of_sign_in(ports: MailPorts, state: ResourceState, now: datetime) -> None:
    since = state.since_at or now
    days = (now - since).days
    reached = [day for day in REAUTH_REMINDERS if day <= days]
    if reached:
        facts: Facts = {"code": state.reason or "auth_expired", "since_at": since}
        draft = Draft(MailKind.SIGN_IN_EXPIRED, state.account, state.resource, address_of(state.resource), now, facts)
        send_mail(ports, draft, f"since-{since:%Y-%m-%dT%H:%M:%S}-day-{reached[-1]}")
    later = [day for day in REAUTH_REMINDERS if day > days]
    if later:
        _schedule(ports, state, since + timedelta(days=later[0]))


def _schedule(ports: MailPorts, state: ResourceState, at: datetime) -> None:
    ports.stores.due.schedule(Due("reminder", state.account, state.resource.id, at))
