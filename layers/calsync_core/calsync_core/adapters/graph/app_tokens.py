"""Tokens of an application of the customer's own (client credentials): for one tenant, without any person.

The sign-in service is the deployment's; the application, its secret or certificate are the customer's. msal keeps the
token for its hour; it is held by this object alone and stored nowhere.
"""

import re
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from calsync_core.adapters.graph.auth import EntraApp, calls_to_entra
from calsync_core.adapters.graph.signin_errors import to_refresh_error
from calsync_core.domain.errors import ConnectionBrokenError, ConsentRevokedError, InputError, InstallationError
from calsync_core.ports.role_accounts import AppLogin

_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_ALIASES = frozenset({"common", "organizations", "consumers"})
_TOKEN_PATHS = frozenset({"/oauth2/v2.0/token", "/oauth2/token", ""})
_TIMEOUT_SECONDS = 20
_KEY_REFUSED = {
    "entra_secret_wrong": "role_key_refused",
    "entra_secret_expired": "role_key_expired",
    "entra_request_refused": "role_app_refused",
    "auth_app_disabled": "role_app_refused",
    "auth_admin_approval": "role_app_refused",
    "blocked_by_organisation": "role_app_refused",
    "auth_expired": "role_app_refused",
}
"""The deployment's own words for these faults would send people to the wrong registration."""


class AppTokens:
    """Callable: `tokens(force)` gives an access token; the shape that GraphClient wants. Safe between threads.

    Raises ConnectionBrokenError: role_key_refused, role_key_expired, role_app_refused; ProviderUnavailableError.
    """

    def __init__(self, app: EntraApp, login: AppLogin) -> None:
        self._app, self._login = app, login
        self._application: Any = None
        self._lock = Lock()

    def __call__(self, force: bool = False) -> str:
        with self._lock:
            if force or self._application is None:
                self._application = self._opened()
            with calls_to_entra():
                result = self._application.acquire_token_for_client([_scope(self._app.graph_url)])
        if "error" in result:
            raise _error(result)
        return str(result["access_token"])

    def _opened(self) -> Any:
        import msal

        app, login = self._app, self._login
        try:
            with calls_to_entra():
                return msal.ConfidentialClientApplication(
                    login.client_id,
                    client_credential=_credential(login),
                    authority=f"{app.login_url}/{login.directory}",
                    instance_discovery=None if app.is_microsofts_own_host else False,
                    http_cache={},
                    verify=app.verify,
                    timeout=_TIMEOUT_SECONDS,
                )
        except ValueError:  # the tenant is unknown: its discovery document is refused
            raise ConnectionBrokenError("role_app_refused") from None


def directory_of(login_url: str, token_endpoint: str) -> str:
    """The tenant in a token endpoint of this sign-in service; no other host is ever asked.

    Raises InputError("token_endpoint_invalid").
    """
    given, ours = urlsplit(token_endpoint.strip()), urlsplit(login_url)
    try:
        is_ours = (given.scheme, given.hostname, given.port) == (ours.scheme, ours.hostname, ours.port)
    except ValueError:
        is_ours = False
    path = given.path.removeprefix(ours.path).rstrip("/")
    directory, _, rest = path.lstrip("/").partition("/")
    directory = directory.casefold()
    is_whole = f"/{rest}" in _TOKEN_PATHS or not rest
    has_more = given.query or given.fragment or given.username is not None or given.password is not None
    if not is_ours or has_more or not is_whole or directory in _ALIASES or not _TENANT.fullmatch(directory):
        raise InputError("token_endpoint_invalid", field="token_endpoint")
    return directory


def certificate_end(certificate: str, private_key: str) -> datetime:
    """Raises InputError: certificate_unreadable, private_key_unreadable, private_key_foreign."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        read = x509.load_pem_x509_certificate(certificate.encode())
    except ValueError:
        raise InputError("certificate_unreadable", field="certificate") from None
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError):  # TypeError: it has a password
        raise InputError("private_key_unreadable", field="private_key") from None
    public = read.public_key()
    if not isinstance(key, RSAPrivateKey) or not isinstance(public, RSAPublicKey):
        raise InputError("private_key_unreadable", field="private_key")  # Entra takes RSA alone
    if key.public_key().public_numbers() != public.public_numbers():
        raise InputError("private_key_foreign", field="private_key")
    return read.not_valid_after_utc.astimezone(UTC)


def _credential(login: AppLogin) -> str | dict[str, str]:
    """With a certificate msal signs an assertion (PS256) and names it by its SHA-256 thumbprint."""
    if login.secret:
        return login.secret
    if not login.private_key or not login.certificate:
        raise ConsentRevokedError("auth_missing")
    return {"private_key": login.private_key, "public_certificate": login.certificate}


def _scope(graph_url: str) -> str:
    graph = urlsplit(graph_url)
    return f"{graph.scheme}://{graph.netloc}/.default"


def _error(answer: dict[str, Any]) -> Exception:
    found = to_refresh_error(answer)
    if isinstance(found, InstallationError | ConnectionBrokenError):
        return ConnectionBrokenError(_KEY_REFUSED.get(found.code, "role_app_refused"), **found.detail)
    return found
