"""Mails that say how it went: connected, not connected with the reason, sign-in expired. Each at most once per cause.

A mail that cannot be sent stands in the log as a problem; it never fails the run that wanted to tell.
"""

from datetime import timedelta

from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.mails import Draft, Facts, MailKind
from calsync_core.ports.stores import Due
from calsync_core.usecases.send_mail import address_of, send_or_note

REAUTH_REMINDERS = (3, 7, 14)  # days


def tell_connected(ports: MailPorts, account: AccountId, resource: ResourceId) -> bool:
    """After an import came to its end. True when this call sent the mail."""
    state = ports.stores.resources.get(account, resource)
    if state is None:
        return False
    facts = {"entries": state.progress.done}
    return _tell(ports, state, MailKind.CONNECTED, facts, f"attempt-{state.attempt}")


def tell_failed(
    ports: MailPorts, account: AccountId, resource: ResourceId, code: str, *, cause: str | None = None
) -> bool:
    """After an import, or a sign-in, that came to nothing; `code` is of the wording catalogue."""
    state = ports.stores.resources.get(account, resource)
    if state is None:
        return False
    return _tell(ports, state, MailKind.NOT_CONNECTED, {"code": code}, cause or f"attempt-{state.attempt}-{code}")


def tell_reauth_required(ports: MailPorts, account: AccountId, resource: ResourceId, code: str) -> bool:
    """When access is lost; reminders follow after 3, 7 and 14 days (send_reminders.py)."""
    state = ports.stores.resources.get(account, resource)
    if state is None:
        return False
    now = ports.clock.now()
    since = state.since_at or now
    sent = _tell(
        ports,
        state,
        MailKind.SIGN_IN_EXPIRED,
        {"code": code, "since_at": since},
        f"since-{since:%Y-%m-%dT%H:%M:%S}",
    )
    if sent:
        first = now + timedelta(days=REAUTH_REMINDERS[0])
        ports.stores.due.schedule(Due("reminder", account, resource, first))
    return sent


def tell_notice(ports: MailPorts, state: ResourceState, what: str, facts: Facts, cause: str) -> bool:
    """Paused, resumed, disconnected: the person learns it, whoever did it."""
    return _tell(ports, state, MailKind.NOTICE, {"what": what, **facts}, cause)


def _tell(ports: MailPorts, state: ResourceState, kind: MailKind, facts: Facts, cause: str) -> bool:
    now = ports.clock.now()
    draft = Draft(kind, state.account, state.resource, address_of(state.resource), now, facts)
    return send_or_note(ports, draft, cause)
