"""Sign-in at Microsoft and access tokens of connected mailboxes. msal is loaded when it is first needed.

dict-with-"error" answers become our errors here and nowhere else (signin_errors.py says which).
"""

import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from calsync_core.adapters.graph.signin_errors import to_sign_in_error
from calsync_core.domain.connections import MailboxIdentity, ProviderKind
from calsync_core.domain.errors import InstallationError, ProviderUnavailableError, SignInRefusedError
from calsync_core.ports.signin import Begun, SignedIn

SCOPES = ("Calendars.ReadWrite", "MailboxSettings.Read", "User.Read")
"""Short names only: full ones miss msal's cache and cost a refresh per call (graph.md 2.9). The final set from the
start: one more later would mean consent again for everybody."""

_SKEW_SECONDS = 300
_TIMEOUT_SECONDS = 20
_PUBLIC_HOSTS = (
    ".microsoftonline.com",
    ".microsoftonline.us",
    ".chinacloudapi.cn",
    ".partner.microsoftonline.cn",
)


@contextmanager
def calls_to_entra() -> Iterator[None]:
    """Around every use of msal that may reach the network: what is no answer is ProviderUnavailableError."""
    import requests
    from msal.exceptions import MsalError

    try:
        yield
    except (requests.RequestException, MsalError, json.JSONDecodeError) as error:  # MsalError: a 5xx
        raise ProviderUnavailableError("sign_in_unavailable", kind=type(error).__name__) from None


@dataclass(frozen=True)
class EntraApp:
    """Our registration at Microsoft. `secret` is read when it is first needed, and may be empty: entra_missing.

    `verify` is a CA file for hosts that are not Microsoft's; REQUESTS_CA_BUNDLE in the environment wins over it.
    """

    login_url: str
    client_id: str
    secret: Callable[[], str]
    verify: str | bool = True
    http_cache: MutableMapping[str, Any] = field(default_factory=dict)
    graph_url: str = "https://graph.microsoft.com/v1.0"

    @property
    def is_microsofts_own_host(self) -> bool:
        """Only there may msal ask for aliases of the host; a foreign one is taken as it is."""
        host = urlsplit(self.login_url).hostname or ""
        return any(f".{host}".endswith(known) for known in _PUBLIC_HOSTS)

    def open(self, token_cache: Any, *, is_fresh: bool = False) -> Any:
        """msal's application object; the constructor asks the sign-in service for its addresses once a day.

        `is_fresh` forgets that an identical request was refused in the last minute: for what a person started.
        Raises InstallationError("entra_missing"), ProviderUnavailableError.
        """
        secret = self.secret() if self.client_id else ""
        if not self.client_id or not secret:
            raise InstallationError("entra_missing")
        import msal

        try:
            with calls_to_entra():
                return msal.ConfidentialClientApplication(
                    self.client_id,
                    client_credential=secret,
                    authority=f"{self.login_url}/common",
                    token_cache=token_cache,
                    instance_discovery=None if self.is_microsofts_own_host else False,
                    http_cache={} if is_fresh else self.http_cache,
                    verify=self.verify,
                    timeout=_TIMEOUT_SECONDS,
                )
        except ValueError:  # not https, or the discovery document is refused
            raise InstallationError("entra_login_url_wrong") from None


class GraphSignIn:
    """ports.signin.SignIn for Microsoft accounts, work and personal alike."""

    def __init__(self, app: EntraApp, clock: Callable[[], float] = time.time) -> None:
        self._app = app
        self._clock = clock

    def begin(self, *, state: str, redirect_uri: str, login_hint: str, prompt: str = "select_account") -> Begun:
        application = self._app.open(None, is_fresh=True)
        with warnings.catch_warnings():
            # msal would rather have form_post, which a SameSite=Lax cookie does not survive (design.md section 9)
            warnings.simplefilter("ignore", UserWarning)
            flow = application.initiate_auth_code_flow(
                list(SCOPES),
                redirect_uri=redirect_uri,
                state=state,
                prompt=prompt,
                login_hint=login_hint or None,
                response_mode="query",
            )
        if "auth_uri" not in flow:
            raise to_sign_in_error(flow)
        return Begun(flow.pop("auth_uri"), json.dumps(flow).encode())

    def finish(self, flow: bytes, answer: Mapping[str, str]) -> SignedIn:
        if "error" in answer:
            raise to_sign_in_error(answer)
        import msal

        cache = msal.SerializableTokenCache()
        application = self._app.open(cache, is_fresh=True)
        try:
            with calls_to_entra():
                result = application.acquire_token_by_auth_code_flow(json.loads(flow), dict(answer))
        except (ValueError, RuntimeError):  # state or nonce do not fit
            raise SignInRefusedError("token_invalid") from None
        if "error" in result:
            raise to_sign_in_error(result)
        claims = result.get("id_token_claims") or {}
        directory, subject = self._checked(claims)
        addresses = _addresses(claims)
        identity = MailboxIdentity(ProviderKind.OFFICE365, directory, subject)
        name = str(claims.get("name") or (addresses[0] if addresses else ""))
        return SignedIn(identity, addresses[0] if addresses else "", name, cache.serialize().encode(), addresses)

    def admin_consent_url(self, *, state: str, redirect_uri: str, directory: str = "organizations") -> str:
        if not self._app.client_id:
            raise InstallationError("entra_missing")
        graph = urlsplit(self._app.graph_url)  # this address alone wants full names, and each cloud has its own
        scope = " ".join(f"{graph.scheme}://{graph.netloc}/{one}" for one in SCOPES)
        query = {
            "client_id": self._app.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "scope": scope,
        }
        return f"{self._pages_url()}/{directory}/v2.0/adminconsent?{urlencode(query)}"

    def _pages_url(self) -> str:
        """Where people see the sign-in's pages. Discovery names it; it need not be the address that machines use."""
        try:
            pages = urlsplit(self._app.open(None).authority.authorization_endpoint)
        except (InstallationError, ProviderUnavailableError):
            return self._app.login_url  # the same at Microsoft's own clouds; the link must not need a working secret
        return f"{pages.scheme}://{pages.netloc}"

    def _checked(self, claims: Mapping[str, Any]) -> tuple[str, str]:
        """(tid, oid). msal checks only the nonce; who this is hangs on aud, iss, tid and exp (graph.md 2.9).

        The signature needs no check: the token came from the token endpoint itself, over TLS (OIDC Core 3.1.3.7).
        """
        directory, subject = str(claims.get("tid") or ""), str(claims.get("oid") or "")
        issuer = f"{self._app.login_url}/{directory}/v2.0"
        expires = claims.get("exp")
        is_in_time = isinstance(expires, int | float) and expires > self._clock() - _SKEW_SECONDS
        is_ours = claims.get("aud") == self._app.client_id and claims.get("iss") == issuer
        if not (directory and subject and is_ours and is_in_time):
            raise SignInRefusedError("token_invalid")
        return directory, subject


def _addresses(claims: Mapping[str, Any]) -> tuple[str, ...]:
    named = (claims.get("email"), claims.get("preferred_username"))
    return tuple(dict.fromkeys(str(one).lower() for one in named if one and "@" in str(one)))
