"""The concrete adapters, each made when it is first asked for and then kept by the warm function.

A function module takes what it needs: `Parts(load(InvitationConfig)).journeys`. Heavy packages (msal, requests, jinja2)
are imported inside, so that a function loads only what it uses.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from calsync_core.adapters.aws.clock import SystemClock, SystemIds
from calsync_core.adapters.aws.secret import StackSecret
from calsync_core.bootstrap.clients import AwsClients
from calsync_core.bootstrap.exchange import ExchangeParts, LazyExchange
from calsync_core.config import JourneyConfig, PrivacyPart
from calsync_core.domain.apps import AppRule
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.ids import AccountId
from calsync_core.keys import derive, host_key
from calsync_core.ports.host import HostPlatform
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.outward import Clock, Ids, Queue, Sealer
from calsync_core.ports.role_accounts import RoleAccountAccess
from calsync_core.ports.signin import CalendarAccess, SignIn
from calsync_core.ports.stores import Stores
from calsync_core.usecases.follow_mailbox import explain_loss
from calsync_core.usecases.open_mailbox import MailboxOpener

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from calsync_core.adapters.graph.auth import EntraApp
    from calsync_core.adapters.graph.role_access import GraphRoleAccess
    from calsync_core.adapters.hosts.client import HostClient
    from calsync_core.adapters.hosts.connector import ConnectorHost
    from calsync_core.web.mails import TemplateMailWriter
    from calsync_core.web.render import Pages

CALLBACK = "/oauth/callback"
"""The one redirect address that is registered at Microsoft, below PUBLIC_URL."""


class Parts:
    """`is_live`: this function serves a person or a change that just happened, so it may use the live lane."""

    def __init__(self, config: JourneyConfig, *, is_live: bool = True) -> None:
        self.config = config
        self.account = AccountId(config.account_id)
        self.clock: Clock = SystemClock()
        self.ids: Ids = SystemIds()
        self._is_live = is_live
        self._hosts: dict[AccountId, ConnectorHost] = {}

    @cached_property
    def _clients(self) -> AwsClients:
        return AwsClients()

    @cached_property
    def secret(self) -> StackSecret:
        return StackSecret(self._clients.client("secretsmanager"), self.config.secret_arn)

    def key(self, purpose: str) -> bytes:
        """The derived key of a purpose: session, links, csrf. Raises InstallationError("secret_missing")."""
        return derive(self.secret.root_key, purpose)

    @cached_property
    def installation(self) -> str:
        """What marks of this stack say; stable, and different for every stack."""
        return self.key("installation").hex()[:16]

    @property
    def _privacy(self) -> PrivacyPart:
        """Functions that nobody agrees to anything in are not given the text."""
        return self.config if isinstance(self.config, PrivacyPart) else PrivacyPart()

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return self._clients.dynamodb()

    @cached_property
    def sealer(self) -> Sealer:
        from calsync_core.adapters.aws.sealing import KmsSealer
        from calsync_core.adapters.dynamodb.datakeys import DynamoDataKeys
        from calsync_core.adapters.dynamodb.table import Table

        keys = DynamoDataKeys(Table(self._dynamodb, self.config.table_name))
        return KmsSealer(self._clients.client("kms"), self.config.key_arn, keys)

    @cached_property
    def stores(self) -> Stores:
        from calsync_core.adapters.dynamodb.stores import dynamodb_stores

        return dynamodb_stores(self._dynamodb, self.config.table_name, self.sealer)

    @cached_property
    def queue(self) -> Queue:
        from calsync_core.adapters.aws.queue import SqsQueue

        return SqsQueue(self._clients.client("sqs"), self.config.queue_url)

    @cached_property
    def writer(self) -> "TemplateMailWriter":
        from calsync_core.web.mails import TemplateMailWriter

        config = self.config
        return TemplateMailWriter(config.public_url, config.account_name, self.key("links"), self._privacy.privacy_url)

    @cached_property
    def _entra(self) -> "EntraApp":
        from calsync_core.adapters.graph.auth import EntraApp

        return EntraApp(
            self.config.login_url,
            self.config.entra_client_id,
            lambda: self.secret.entra_client_secret,
            graph_url=self.config.graph_url,
        )

    @cached_property
    def sign_in(self) -> SignIn:
        from calsync_core.adapters.graph.auth import GraphSignIn

        return GraphSignIn(self._entra)

    @cached_property
    def _exchange(self) -> ExchangeParts:
        return ExchangeParts(self.config.exchange_allowed, serves=self.config.serves_exchange)

    @cached_property
    def calendars(self) -> CalendarAccess:
        from calsync_core.adapters.graph.access import GraphAccess

        stores, url = self.stores, self.config.graph_url
        graph = GraphAccess(self._entra, url, stores.credentials, stores.tokens, is_live=self._is_live)
        if not self.config.serves_exchange:
            return graph  # without Exchange nobody need ask where a mailbox lives: one read less per check
        exchange = self._exchange
        return MailboxOpener(
            self.stores,
            self.clock,
            graph,
            lambda: exchange.access,
            exchange.logins,
            lambda login, error: explain_loss(login, error, lambda: exchange.sign_in),
        )

    @cached_property
    def _role_accounts(self) -> RoleAccountAccess:
        from calsync_core.bootstrap.role_accounts import RoleAccounts

        return RoleAccounts(self.config.login_url, lambda: self._office365_roles, lambda: self._exchange.role_access)

    @cached_property
    def _office365_roles(self) -> "GraphRoleAccess":
        from calsync_core.adapters.graph.role_access import GraphRoleAccess

        return GraphRoleAccess(self._entra, self.config.graph_url)

    def host(self, account: AccountId) -> HostPlatform:
        """The account's booking system, with the account's own key."""
        if account not in self._hosts:
            from calsync_core.adapters.hosts.connector import ConnectorHost

            self._hosts[account] = ConnectorHost(self.host_client(account))
        return self._hosts[account]

    def host_client(self, account: AccountId) -> "HostClient":
        """The same over bare HTTP, for what only the bundled booking system offers."""
        from calsync_core.adapters.hosts.client import HostClient

        return HostClient(self.config.host_url, host_key(self.secret.root_key, account))

    @cached_property
    def journeys(self) -> JourneyPorts:
        from calsync_core.adapters.aws.mailer import SesMailer

        config = self.config
        mailer = SesMailer(
            self._clients.client("sesv2"),
            config.mail_sender,
            sender_name=config.account_name,
            reply_to=config.mail_reply_to,
            configuration_set=config.mail_configuration_set,
        )
        return JourneyPorts(
            stores=self.stores,
            mailer=mailer,
            writer=self.writer,
            clock=self.clock,
            queue=self.queue,
            ids=self.ids,
            sealer=self.sealer,
            sign_in=self.sign_in,
            exchange=LazyExchange(lambda: self._exchange.sign_in),
            calendars=self.calendars,
            host=self.host(self.account),
            redirect_uri=config.public_url + CALLBACK,
            text_version=self._privacy.privacy_version,
            installation=self.installation,
            role_accounts=self._role_accounts,
            app_rules={
                ProviderKind.OFFICE365: config.office365_access,
                ProviderKind.EXCHANGE: config.exchange_access if config.serves_exchange else AppRule.OFF,
            },
        )

    @cached_property
    def pages(self) -> "Pages":
        from calsync_core.web.render import Pages

        config = self.config
        return Pages(config.public_url, config.account_name, privacy_url=self._privacy.privacy_url)
