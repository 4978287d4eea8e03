"""Whether an account may use an app (Office 365, Exchange), and the access codes that open one."""

import hashlib
from datetime import timedelta

from calsync_core.domain.apps import APPS, AccessCode, AccountApps, AppRule, CalendarKind, Unlocked
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import ConcurrentChangeError, InputError, NotFoundError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.values import replace, value
from calsync_core.ports.apps import AppStore
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.outward import Clock, Ids

CODE_TRIES = 5
CODE_TRIES_WITHIN = timedelta(hours=1)
CODE_LIFETIME = timedelta(days=30)
LONGEST_CODE = 100
_COUNTED = "access-code"


def find_connectable(ports: JourneyPorts, account: AccountId, resource: ResourceId, app: ProviderKind) -> ResourceState:
    """Who may be connected by this app now.

    Raises NotFoundError("resource_unknown"), InputError: still_disconnecting, app_off, app_needs_code.
    """
    state = ports.stores.resources.get(account, resource)
    if state is None:
        raise NotFoundError("resource_unknown", resource=resource)
    if state.status is Status.DISCONNECTED and state.mailbox is not None:
        raise InputError("still_disconnecting", resource=resource)
    check_app(ports, state, app)
    return state


def check_app(ports: JourneyPorts, state: ResourceState, app: ProviderKind) -> None:
    """Before a sign-in begins; who is connected already may always renew.

    Raises InputError: app_off, app_needs_code.
    """
    connection = ports.stores.connections.get(state.account, state.mailbox) if state.mailbox else None
    if connection is not None and connection.identity.provider is app:
        return
    ports.stores.apps.get(state.account).check(app, ports.app_rules)


def check_invitation_app(ports: JourneyPorts, account: AccountId, kind: CalendarKind) -> None:
    """At least one of the ways that an invitation offers must be open. Raises InputError: app_off, app_needs_code."""
    apps = ports.stores.apps.get(account)
    if kind is not CalendarKind.ANY:
        apps.check(ProviderKind(kind.value), ports.app_rules)
    elif AppRule.OPEN not in {apps.rule(app, ports.app_rules) for app in APPS}:
        apps.check(ProviderKind.OFFICE365, ports.app_rules)


@value(frozen=True, slots=True)
class IssuedCode:
    """`secret` exists here and at the operator who made it, nowhere else."""

    code: AccessCode
    secret: str


def issue_access_code(apps: AppStore, clock: Clock, ids: Ids, account: AccountId, app: ProviderKind) -> IssuedCode:
    """By the operator: opens one app of one account, once, within 30 days."""
    secret = f"{app.value}-{ids.token()}"
    now = clock.now()
    code = AccessCode(account, app, _hashed(secret), now, now + CODE_LIFETIME)
    apps.add_code(code)
    return IssuedCode(code, secret)


def say_app_rule(apps: AppStore, account: AccountId, app: ProviderKind, rule: AppRule | None) -> AccountApps:
    """By the operator: this account's own rule; None: the deployment's. Closing forgets codes that were used."""
    for _ in range(5):
        present = apps.get(account)
        rules = tuple(pair for pair in present.rules if pair[0] is not app)
        unlocked = present.unlocked
        if rule is not None:
            rules = (*rules, (app, rule))
            unlocked = tuple(one for one in unlocked if one.app is not app)
        try:
            return apps.save(replace(present, rules=rules, unlocked=unlocked))
        except ConcurrentChangeError:
            continue
    raise ConcurrentChangeError(account=account)


def unlock_app(ports: JourneyPorts, account: AccountId, code: str, by: str) -> ProviderKind:
    """By the admin, with a code of the operator: at most 5 tries an hour. Gives the app that is open now.

    Raises InputError: code_stop, code_unknown (also for one that was used, or is another account's).
    """
    now, attempts = ports.clock.now(), ports.stores.attempts
    until = attempts.begin(account, _COUNTED, CODE_TRIES, CODE_TRIES_WITHIN, now)
    if until is not None:
        raise InputError("code_stop", until=until.isoformat())
    code_hash = _hashed(code.strip()[:LONGEST_CODE])
    for _ in range(5):
        found = ports.stores.apps.code(account, code_hash, now)
        if found is None:
            raise InputError("code_unknown", field="code")
        present = ports.stores.apps.get(account)
        wanted = replace(present, unlocked=(*present.unlocked, Unlocked(found.app, now, by)))
        try:
            if ports.stores.apps.redeem(code_hash, wanted, now) is None:
                raise InputError("code_unknown", field="code")
        except ConcurrentChangeError:
            continue
        attempts.forget(account, _COUNTED)
        return found.app
    raise ConcurrentChangeError(account=account)


def choose_invitation_kind(ports: JourneyPorts, account: AccountId, kind: CalendarKind) -> AccountApps:
    """What invitations are for where the admin does not say. Raises InputError: app_off, app_needs_code."""
    check_invitation_app(ports, account, kind)
    for _ in range(5):
        try:
            return ports.stores.apps.save(replace(ports.stores.apps.get(account), invites_to=kind))
        except ConcurrentChangeError:
            continue
    raise ConcurrentChangeError(account=account)


def _hashed(secret: str) -> str:
    """A plain hash is enough: the secret is 256 random bits, not a password."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
