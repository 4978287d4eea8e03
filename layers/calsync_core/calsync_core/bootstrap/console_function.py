"""Puts together the admin's pages and their sign-in."""

from calsync_core.adapters.oidc.client import Issuer, OidcClient
from calsync_core.bootstrap import Handler
from calsync_core.bootstrap.parts import CALLBACK, Parts
from calsync_core.config import ConsoleConfig, load
from calsync_core.usecases.sign_in_member import SignInPorts
from calsync_core.web.console.app import console_handler
from calsync_core.web.console.frame import Frame
from calsync_core.web.console.parts import ConsoleParts, Deployment
from calsync_core.web.console.signin import SignInPages


def build() -> Handler:
    """Raises InstallationError("configuration_missing")."""
    config = load(ConsoleConfig)
    parts = Parts(config)
    frame = Frame(
        pages=parts.pages,
        stores=parts.stores,
        clock=parts.clock,
        session_key=parts.key("session"),
        csrf_key=parts.key("csrf"),
        zone=config.account_time_zone,
        locale=config.account_locale,
    )
    console = ConsoleParts(
        frame=frame, ports=parts.journeys, deployment=_deployment(config, parts), link_key=parts.key("links")
    )
    return console_handler(console, SignInPages(frame, _sign_in(config, parts), config.public_url, console.refresh))


def _deployment(config: ConsoleConfig, parts: Parts) -> Deployment:
    return Deployment(
        public_url=config.public_url,
        has_entra_client=bool(config.entra_client_id),
        has_entra_secret=bool(parts.secret.entra_client_secret),
        entra_client_id=config.entra_client_id,
        mail_sender=config.mail_sender,
        privacy_url=config.privacy_url,
        privacy_version=config.privacy_version,
        host_url=config.host_url,
        redirect_uri=config.public_url + CALLBACK,
    )


def _sign_in(config: ConsoleConfig, parts: Parts) -> SignInPorts:
    issuer = Issuer(
        issuer=config.oidc_issuer,
        discovery_url=config.oidc_discovery_url,
        client_id=config.oidc_client_id,
        client_secret=parts.secret.oidc_client_secret,
    )
    return SignInPorts(
        provider=OidcClient(issuer),
        journeys=parts.stores.journeys,
        access=parts.stores.access,
        sealer=parts.sealer,
        clock=parts.clock,
        ids=parts.ids,
        account=parts.account,
        first_admin_email=config.first_admin_email,
    )
