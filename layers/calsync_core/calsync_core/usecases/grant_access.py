"""The browser comes back from the provider: check that it is the same browser, redeem the code, keep the grant.

Nothing is stored but the grant, which waits an hour for the calendar choice and belongs to the browser's cookie. No
directory (tenant) is bound to an account here: a person's consent says nothing about the organisation.
"""

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta

from calsync_core.domain.connections import Connection
from calsync_core.domain.errors import (
    AdminApprovalError,
    CalsyncError,
    LinkWithdrawnError,
    MailboxTakenError,
    MailboxUnusableError,
    NotFoundError,
    SignInRefusedError,
)
from calsync_core.domain.resources import InvitationState, ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.signin import SignedIn
from calsync_core.ports.stores import Grant, PendingSignIn
from calsync_core.usecases.begin_connection import PURPOSE, flow_context, secret_hash
from calsync_core.usecases.follow_mailbox import may_follow
from calsync_core.usecases.note_invitation_state import note_invitation_state
from calsync_core.usecases.renew_access import renew_access
from calsync_core.usecases.send_mail import address_of
from calsync_core.usecases.tell_result import tell_failed

GRANT_LIFETIME = timedelta(hours=1)
_SIGNED_IN_BEFORE = {Status.REAUTH_REQUIRED, Status.CONNECTED, Status.PAUSED, Status.IMPORTING}


@value(frozen=True, slots=True)
class CameBack:
    """The callback's query as it came, and the secret of the browser's `__Host-` cookie ("" without one)."""

    answer: Mapping[str, str]
    browser_key: str


@value(frozen=True, slots=True)
class SignInResult:
    """What came of it. Exactly one of `grant`, `error` and `is_renewed` speaks.

    `back` is our own path to try again from. `is_renewed`: access was renewed, nothing is to choose.
    """

    state: ResourceState
    back: str
    invited_address: str
    grant: Grant | None = None
    error: CalsyncError | None = None
    is_renewed: bool = False


def grant_access(ports: JourneyPorts, command: CameBack) -> SignInResult:
    """Judge the provider's answer. The state is used up by the first look, whatever comes of it.

    Raises SignInRefusedError: "state_unknown" (unknown, used, too old), "state_foreign" (another browser's).
    """
    pending = _take(ports, command)
    state = ports.stores.resources.get(pending.account, pending.resource) if pending.resource else None
    if state is None:
        raise NotFoundError("resource_unknown")
    sealed = ports.sealer.unseal(pending.account, pending.sealed_flow, flow_context(pending.state_hash))
    payload = json.loads(sealed)
    result = SignInResult(state, payload["back"], _invited_address(ports, pending, state))
    try:
        signed_in = ports.sign_in.finish(base64.b64decode(payload["flow"]), command.answer)
        # Refuse before anything is kept: there may be no calendar behind the sign-in.
        ports.calendars.of_grant(state.account, signed_in.cache).account()
        check_owner(ports, state, signed_in)
    except CalsyncError as error:
        _note_refusal(ports, pending, error)
        return replace(result, error=error)
    wish = GrantWish(command.browser_key, pending.invitation_id, result.invited_address, back=payload["back"])
    return keep_grant(ports, state, signed_in, wish)


def _take(ports: JourneyPorts, command: CameBack) -> PendingSignIn:
    given = command.answer.get("state", "")
    pending = ports.stores.journeys.take_sign_in(secret_hash(given), ports.clock.now()) if given else None
    if pending is None or pending.purpose != PURPOSE:
        raise SignInRefusedError("state_unknown")
    if not command.browser_key or not hmac.compare_digest(pending.cookie_hash, secret_hash(command.browser_key)):
        raise SignInRefusedError("state_foreign", resource=pending.resource or "")
    return pending


def check_owner(ports: JourneyPorts, state: ResourceState, signed_in: SignedIn) -> None:
    """Refuse before anything is kept: somebody else's mailbox, or not the connected one.

    Raises MailboxTakenError, SignInRefusedError("other_mailbox").
    """
    owner = ports.stores.connections.by_identity(state.account, signed_in.identity)
    if owner is not None and owner.owner_id != state.resource.owner.id:
        raise MailboxTakenError(resource=state.resource.id)
    if state.status in _SIGNED_IN_BEFORE and state.mailbox is not None:
        connected = ports.stores.connections.get(state.account, state.mailbox)
        if may_follow(connected, signed_in.identity):
            return
        if connected is not None and connected.identity != signed_in.identity:
            raise SignInRefusedError("other_mailbox", resource=state.resource.id)


@value(frozen=True, slots=True)
class GrantWish:
    """Whose browser a grant belongs to and what it is for. `server` and `access`: see Connection.

    `for_resource`: an admin connects, so only the resource's own address needs no confirming press.
    """

    browser_key: str
    invitation_id: str | None
    invited_address: str
    back: str = ""
    server: str = ""
    access: str = "own"
    for_resource: bool = False


def keep_grant(ports: JourneyPorts, state: ResourceState, signed_in: SignedIn, wish: GrantWish) -> SignInResult:
    """A sign-in that was checked waits for the calendar choice; one that only renews access is done at once."""
    now = ports.clock.now()
    result = SignInResult(state, wish.back, wish.invited_address)
    if wish.invitation_id is not None and not _is_invitation_alive(ports, state, wish.invitation_id):
        return replace(result, error=LinkWithdrawnError())
    connection = _connection(ports, state)
    moved = connection if may_follow(connection, signed_in.identity) else None
    if moved is not None:
        connection, wish = None, replace(wish, invited_address=moved.address)
    if state.status is Status.REAUTH_REQUIRED and connection is not None:
        renew_access(ports, connection, signed_in.cache, server=wish.server, access=wish.access)
        return replace(result, is_renewed=True)
    cookie_hash = secret_hash(wish.browser_key)
    grant = Grant(
        cookie_hash=cookie_hash,
        account=state.account,
        resource=state.resource.id,
        invitation_id=wish.invitation_id,
        identity=signed_in.identity,
        address=signed_in.address,
        display_name=signed_in.display_name,
        sealed_cache=ports.sealer.seal(state.account, signed_in.cache, grant_context(cookie_hash)),
        expires_at=now + GRANT_LIFETIME,
        # A mailbox that is connected already was confirmed then, whatever its address is.
        is_confirmed=_is_expected(state, signed_in, wish) or connection is not None,
        server=wish.server,
        access=wish.access,
    )
    ports.stores.journeys.save_grant(grant)
    if wish.invitation_id is not None:
        opened = InvitationState.OPENED
        note_invitation_state(ports.stores, state.account, state.resource.id, wish.invitation_id, opened)
    ports.stores.log.add([LogEntry(state.account, state.resource.id, now, Reason.SIGNED_IN)])
    return replace(result, grant=grant)


def _is_expected(state: ResourceState, signed_in: SignedIn, wish: GrantWish) -> bool:
    known = {address.casefold() for address in (signed_in.address, *signed_in.addresses)}
    hoped_for = {state.resource.email} if wish.for_resource and state.resource.email else {
        wish.invited_address, state.resource.email, address_of(state.resource)
    }  # fmt: skip
    return bool(known & {address.casefold() for address in hoped_for if address})


def _is_invitation_alive(ports: JourneyPorts, state: ResourceState, invitation_id: str) -> bool:
    row = ports.stores.journeys.invitation_by_id(state.account, state.resource.id, invitation_id)
    return row is not None and not row.is_withdrawn and not row.is_used


def _connection(ports: JourneyPorts, state: ResourceState) -> Connection | None:
    if state.mailbox is None or state.status not in _SIGNED_IN_BEFORE:
        return None
    return ports.stores.connections.get(state.account, state.mailbox)


def _invited_address(ports: JourneyPorts, pending: PendingSignIn, state: ResourceState) -> str:
    if pending.invitation_id is not None:
        row = ports.stores.journeys.invitation_by_id(state.account, state.resource.id, pending.invitation_id)
        if row is not None:
            return row.address
    return address_of(state.resource)


def _note_refusal(ports: JourneyPorts, pending: PendingSignIn, error: CalsyncError) -> None:
    if pending.resource is None:
        return
    now = ports.clock.now()
    if isinstance(error, AdminApprovalError) and pending.invitation_id is not None:
        note_invitation_state(
            ports.stores,
            pending.account,
            pending.resource,
            pending.invitation_id,
            InvitationState.STUCK_AT_MICROSOFT,
        )
    if isinstance(error, MailboxUnusableError):
        # Its own cause per day: a person who tries five accounts in a row gets one mail, not five.
        tell_failed(ports, pending.account, pending.resource, error.code, cause=f"sign-in-{now:%Y-%m-%d}-{error.code}")
    ports.stores.log.add(
        [
            LogEntry(
                pending.account,
                pending.resource,
                now,
                Reason.SIGN_IN_REFUSED,
                code=error.code,
                is_problem=not isinstance(error, SignInRefusedError),
            )
        ]
    )


def grant_context(cookie_hash: str) -> str:
    """Goes into the associated data of the seal: a grant cannot be moved to another browser."""
    return f"grant:{cookie_hash}"
