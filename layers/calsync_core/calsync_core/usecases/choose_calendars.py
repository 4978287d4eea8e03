"""The choice is saved: connection, sealed tokens, calendars, state `importing`, invitation used up, import wished.

In this order, each step repeatable: a crash between two of them is healed by pressing Connect again. Subscriptions are
made by the import itself, before it reads its first page.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from calsync_core.domain.connections import Calendar, Connection
from calsync_core.domain.errors import (
    ConcurrentChangeError,
    InputError,
    LinkUsedError,
    LinkWithdrawnError,
    MailboxTakenError,
    SignInRefusedError,
)
from calsync_core.domain.ids import CalendarId, MailboxId
from calsync_core.domain.resources import Following, Progress, ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.outward import Wish
from calsync_core.ports.stores import Due, Grant
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.follow_mailbox import leave_old_connections, may_follow
from calsync_core.usecases.list_calendars import find_grant, open_grant, unseal_grant
from calsync_core.usecases.renew_access import keep_tokens, mark_whole, sign_in_to_keep

MAX_CONFLICT_CALENDARS = 10
GUARANTEE_AFTER = timedelta(minutes=5)


@value(frozen=True, slots=True)
class ChooseCalendars:
    """`primary` is written and always checked; `conflicts` are only read, the primary one among them is ignored."""

    browser_key: str
    primary: CalendarId
    conflicts: tuple[CalendarId, ...] = ()


def choose_calendars(ports: JourneyPorts, command: ChooseCalendars) -> ResourceState:
    """Connect the grant's mailbox to its resource.

    Raises SignInRefusedError: grant_missing, wrong_account; InputError: calendar_not_chosen, calendar_unknown,
    calendar_read_only, calendars_too_many; MailboxTakenError; LinkUsedError, LinkWithdrawnError;
    ConcurrentChangeError("still_disconnecting").
    """
    grant = find_grant(ports, command.browser_key)
    if not grant.is_confirmed:
        raise SignInRefusedError("wrong_account", resource=grant.resource)
    conflicts = tuple(dict.fromkeys(one for one in command.conflicts if one != command.primary))
    _check_choice(open_grant(ports, grant).calendars(), command.primary, conflicts)
    _check_invitation(ports, grant)
    left = _left_mailbox(ports, grant)
    now = ports.clock.now()
    connection = _connect(ports, grant, now)
    keep_tokens(ports, connection, sign_in_to_keep(unseal_grant(ports, grant), grant.access))
    mark_whole(ports, connection, server=grant.server, access=grant.access)
    state = _start_import(ports, grant, connection.id, command.primary, conflicts, now, left)
    leave_old_connections(ports.stores, grant.account, grant.resource, connection.id)
    _use_up(ports, state)
    ports.stores.due.schedule(Due("wait", state.account, state.resource.id, now + GUARANTEE_AFTER))
    ports.queue.wish(Wish(state.account, state.resource.id, "import"))
    line = LogEntry(
        state.account,
        state.resource.id,
        now,
        Reason.CALENDARS_CHOSEN,
        detail=(("also_checked", str(len(conflicts))),),
    )
    ports.stores.log.add([line])
    ports.stores.journeys.delete_grant(grant.cookie_hash)
    return state


def _check_choice(calendars: Sequence[Calendar], primary: CalendarId, conflicts: tuple[CalendarId, ...]) -> None:
    if not primary:
        raise InputError("calendar_not_chosen", field="primary")
    known = {one.id: one for one in calendars}
    if primary not in known:
        raise InputError("calendar_unknown", field="primary")
    if not known[primary].may_write:
        raise InputError("calendar_read_only", field="primary")
    if len(conflicts) > MAX_CONFLICT_CALENDARS:
        raise InputError("calendars_too_many", field="conflicts")
    if any(one not in known for one in conflicts):
        raise InputError("calendar_unknown", field="conflicts")


def _check_invitation(ports: JourneyPorts, grant: Grant) -> None:
    if grant.invitation_id is None:
        return
    invitation = ports.stores.journeys.invitation_by_id(grant.account, grant.resource, grant.invitation_id)
    if invitation is None or invitation.is_withdrawn:
        raise LinkWithdrawnError
    if invitation.is_used:
        raise LinkUsedError


def _left_mailbox(ports: JourneyPorts, grant: Grant) -> MailboxId | None:
    """The mailbox that is left because it was moved to Microsoft 365 (R133). Any other old mailbox a resource leaves by
    disconnecting, which cleans up; never by being overwritten here."""
    state = ports.stores.resources.get(grant.account, grant.resource)
    if state is None or state.mailbox is None:
        return None
    if state.status is Status.DISCONNECTED:
        raise ConcurrentChangeError("still_disconnecting", resource=grant.resource)
    old = ports.stores.connections.get(grant.account, state.mailbox)
    if may_follow(old, grant.identity):
        return state.mailbox
    if old is not None and old.identity != grant.identity:
        raise SignInRefusedError("other_mailbox", resource=grant.resource)
    return None


def _connect(ports: JourneyPorts, grant: Grant, now: datetime) -> Connection:
    """The mailbox's connection with this resource among its users. One mailbox serves one owner."""
    state = ports.stores.resources.get(grant.account, grant.resource)
    owner = state.resource.owner.id if state else ""
    for _ in range(5):
        present = ports.stores.connections.by_identity(grant.account, grant.identity)
        if present is not None and present.owner_id != owner:
            raise MailboxTakenError(resource=grant.resource)
        if present is None:
            present = Connection(
                id=MailboxId(ports.ids.short()),
                account=grant.account,
                identity=grant.identity,
                address=grant.address,
                display_name=grant.display_name,
                owner_id=owner,
                connected_at=now,
            )
        users = tuple(dict.fromkeys((*present.resources, grant.resource)))
        try:
            return ports.stores.connections.save(
                replace(
                    present,
                    resources=users,
                    address=grant.address,
                    display_name=grant.display_name,
                    server=grant.server,
                    access=grant.access,
                )
            )
        except (ConcurrentChangeError, MailboxTakenError):
            continue  # somebody connected the same mailbox at this moment: look again whose it is
    raise ConcurrentChangeError(resource=grant.resource)


def _start_import(
    ports: JourneyPorts,
    grant: Grant,
    mailbox: MailboxId,
    primary: CalendarId,
    conflicts: tuple[CalendarId, ...],
    now: datetime,
    left: MailboxId | None,
) -> ResourceState:
    def change(state: ResourceState) -> ResourceState:
        if state.status is Status.DISCONNECTED and state.mailbox is not None:
            raise ConcurrentChangeError("still_disconnecting", resource=grant.resource)
        # Conflict calendars of the same owner's other mailboxes were chosen elsewhere and stay.
        elsewhere = tuple(pair for pair in state.conflict_calendars if pair[0] not in {mailbox, left})
        return replace(
            state.moved_to(Status.IMPORTING, now),
            mailbox=mailbox,
            primary=primary,
            conflict_calendars=(*((mailbox, one) for one in conflicts), *elsewhere)[:MAX_CONFLICT_CALENDARS],
            progress=Progress(),
            attempt=state.attempt + 1,
            degraded=None,
            paused_by=None,
            paused_until_at=None,
            since_at=now,
            following=Following.LEAVING if left is not None else state.following,
        )

    return change_state(ports.stores.resources, grant.account, grant.resource, change)


def _use_up(ports: JourneyPorts, state: ResourceState) -> None:
    """Whichever invitation was open ends here, also when the admin connected without it."""
    account, resource = state.account, state.resource.id
    for kind in ("reminder", "expiry", "resume"):
        ports.stores.due.cancel(kind, account, resource)
    for _ in range(5):
        invitation = (
            ports.stores.journeys.invitation_by_id(account, resource, state.invitation_id)
            if state.invitation_id
            else None
        )
        if invitation is None or invitation.is_used:
            return
        try:
            ports.stores.journeys.save_invitation(replace(invitation, is_used=True))
        except ConcurrentChangeError:
            continue
        return
    raise ConcurrentChangeError(resource=resource)
