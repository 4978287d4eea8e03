"""The environment of each function as a typed value, read once in bootstrap; one model per function from small parts.

A field's name in capitals is the variable's name. The webhooks' and start_sync's stand in environment.py, without
pydantic.
"""

import os
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from calsync_core.domain.apps import AppRule
from calsync_core.domain.errors import InstallationError

Text = Annotated[str, StringConstraints(min_length=1)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+[^/\s]$")]


class _Part(BaseModel):
    # Deferred: of all these models a function uses one, and the parts it is made of are never built themselves.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True)


class TablePart(_Part):
    table_name: Text


class SealingPart(_Part):
    key_arn: Text


class QueuePart(_Part):
    queue_url: Text


class SecretPart(_Part):
    """The one secret of the stack; its value is read when it is first needed."""

    secret_arn: Text


class PublicPart(_Part):
    """The address that people, the booking system and Microsoft reach; no slash at the end."""

    public_url: Url


class AccountPart(_Part):
    """The account made at deploy time."""

    account_id: Text = "main"
    account_name: Text = "calsync"
    account_locale: Text = "en"
    account_time_zone: Text = "UTC"


class MicrosoftPart(_Part):
    """Hosts are parameters: national clouds need it. Without a client id the stack works, but nobody can connect."""

    login_url: Url = "https://login.microsoftonline.com"
    graph_url: Url = "https://graph.microsoft.com/v1.0"
    entra_client_id: str = ""


class MailPart(_Part):
    """Without a sender the stack works, but no mail leaves; Overview says so."""

    mail_sender: str = ""
    mail_reply_to: str = ""
    mail_configuration_set: str = ""


class OidcPart(_Part):
    """The console's identity provider: the issuer that we expect and where its document stands, apart."""

    oidc_issuer: Url
    oidc_discovery_url: Url
    oidc_client_id: Text
    first_admin_email: str = ""


class PrivacyPart(_Part):
    """The operator's privacy text; an agreement names its version."""

    privacy_url: str = ""
    privacy_version: str = "1"


class HostPart(_Part):
    """The booking system, by Host Connector v1."""

    host_url: Url


class ExchangePart(_Part):
    """Exchange servers of the businesses' own. `exchange_allowed`: networks beside the public ones, by commas."""

    serves_exchange: bool = False
    exchange_allowed: str = ""


class AppsPart(_Part):
    """Who may use which app without more ado: open, code (an access code of the operator) or off."""

    office365_access: AppRule = AppRule.OPEN
    exchange_access: AppRule = AppRule.OPEN


class PollPart(_Part):
    """Connections without push are checked this often."""

    poll_minutes: Annotated[int, Field(ge=1, le=1440)] = 15


class JourneyConfig(
    TablePart, SealingPart, QueuePart, SecretPart, PublicPart, AccountPart, MicrosoftPart, MailPart, HostPart,
    ExchangePart, AppsPart,
):  # fmt: skip
    """What the journeys of people need; every function that tells somebody something has it."""


class ConsoleConfig(JourneyConfig, OidcPart, PrivacyPart):
    pass


class HostApiConfig(JourneyConfig, PrivacyPart):
    pass


class ReferenceHostConfig(TablePart, SecretPart, PublicPart, AccountPart):
    pass


class InvitationConfig(JourneyConfig, PrivacyPart):
    pass


class OauthCallbackConfig(JourneyConfig, PrivacyPart):
    pass


class SyncJobConfig(JourneyConfig, PollPart):
    pass


class SweepConfig(JourneyConfig, PollPart):
    pass


class MailFeedbackConfig(TablePart):
    pass


C = TypeVar("C", bound=_Part)


def load(model: type[C], environment: Mapping[str, str] | None = None) -> C:
    """Raises InstallationError("configuration_missing", variable=...) that names the variable, never its value."""
    source = os.environ if environment is None else environment
    # An empty variable counts as not set, so that a parameter without a value gives the default.
    values = {name: source[name.upper()] for name in model.model_fields if source.get(name.upper())}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        place = str(error.errors(include_input=False)[0]["loc"][0]).upper()
        raise InstallationError("configuration_missing", variable=place) from None
