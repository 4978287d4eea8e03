"""Puts together the bundled booking system, with the console's sign-in for its week page."""

from collections.abc import Mapping
from typing import Any

from calsync_core.adapters.aws.clock import SystemClock
from calsync_core.adapters.aws.secret import StackSecret
from calsync_core.bootstrap import Handler
from calsync_core.bootstrap.clients import AwsClients
from calsync_core.config import ReferenceHostConfig, load
from calsync_core.domain.errors import InputError
from calsync_core.hosts.reference.app import HostSettings, build_app
from calsync_core.keys import derive
from calsync_core.web.csrf import check_csrf, csrf_token
from calsync_core.web.session import Session, read_session, session_value


class _ConsoleSignIn:
    def __init__(self, session_key: bytes, csrf_key: bytes) -> None:
        self._session_key = session_key
        self._csrf_key = csrf_key

    def read_session(self, event: Mapping[str, Any], /) -> Session | None:
        return read_session(event, self._session_key, SystemClock().now())

    def form_token(self, event: Mapping[str, Any], /) -> str:
        return csrf_token(self._csrf_key, session_value(event))

    def is_form_token(self, event: Mapping[str, Any], token: str, /) -> bool:
        try:
            check_csrf(self._csrf_key, session_value(event), token)
        except InputError:
            return False
        return True


def build() -> Handler:
    """Raises InstallationError("configuration_missing")."""
    config = load(ReferenceHostConfig)
    clients = AwsClients()
    root_key = StackSecret(clients.client("secretsmanager"), config.secret_arn).root_key
    settings = HostSettings(config.account_id, config.account_name, config.table_name, root_key, config.public_url)
    sign_in = _ConsoleSignIn(derive(root_key, "session"), derive(root_key, "csrf"))
    return build_app(settings, clients.client("dynamodb"), sign_in)
