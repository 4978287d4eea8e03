"""What the journeys of people need, in one value: connecting, managing and leaving all use nearly the same ports."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from calsync_core.domain.apps import AppRule
from calsync_core.domain.connections import ProviderKind
from calsync_core.ports.exchange import ExchangeSignIn
from calsync_core.ports.host import HostPlatform
from calsync_core.ports.mails import MailWriter
from calsync_core.ports.outward import Clock, Ids, Mailer, Queue, Sealer
from calsync_core.ports.role_accounts import NoRoleAccounts, RoleAccountAccess
from calsync_core.ports.signin import CalendarAccess, SignIn
from calsync_core.ports.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPorts:
    """Enough to tell somebody something."""

    stores: Stores
    mailer: Mailer
    writer: MailWriter
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPorts(MailPorts):
    """`redirect_uri` is where the provider sends the browser back to, exactly as it is registered there.

    `text_version` is the version of the operator's privacy text that people agree to now. `app_rules` are the
    deployment's own rules for the two apps (domain/apps.py); what is not named is open. `installation` is what the
    marks of this stack say.
    """

    queue: Queue
    ids: Ids
    sealer: Sealer
    sign_in: SignIn
    exchange: ExchangeSignIn
    calendars: CalendarAccess
    host: HostPlatform
    redirect_uri: str
    text_version: str
    app_rules: Mapping[ProviderKind, AppRule] = field(default_factory=dict)
    installation: str = ""
    role_accounts: RoleAccountAccess = field(default_factory=NoRoleAccounts)
