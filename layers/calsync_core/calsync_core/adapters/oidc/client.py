"""OpenID Connect, authorisation code flow with PKCE, for the console's sign-in.

The expected issuer and the address of its discovery document are two things: an emulator serves Cognito's document
under another host than the issuer's name. The document is trusted only when it names the expected issuer, and a token
only when it names it too. Not here: sessions, cookies, who is a member.
"""

import json
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import requests

from calsync_core.domain.errors import InstallationError, ProviderUnavailableError, SignInRefusedError
from calsync_core.ports.identity import Identity

_TIMEOUT = (3.05, 8)  # seconds to connect, to read: a person waits
_KEYS_MAX_AGE = 3600.0
_KEYS_MIN_AGE = (
    30.0  # an unknown kid asks for fresh keys at most this often, or a forger could make us hammer the issuer
)
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Issuer:
    """How the issuer is reached. An empty `client_secret` means a public client."""

    issuer: str
    discovery_url: str
    client_id: str
    client_secret: str = ""


class OidcClient:
    """Implements IdentityProvider. The discovery document and the keys are kept for an hour."""

    def __init__(self, issuer: Issuer, session: requests.Session | None = None) -> None:
        self._issuer = issuer
        self._http = session or requests.Session()
        self._lock = threading.Lock()
        self._document: dict[str, Any] | None = None
        self._keys: dict[str, Any] = {}
        self._keys_read = 0.0
        self._document_read = 0.0

    def sign_in_url(self, *, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        question = {
            "response_type": "code",
            "client_id": self._issuer.client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return _with_query(self._endpoint("authorization_endpoint"), question)

    def redeem(self, *, code: str, redirect_uri: str, verifier: str, nonce: str) -> Identity:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._issuer.client_id,
            "code_verifier": verifier,
        }
        secret = self._issuer.client_secret
        # RFC 6749 2.3.1: by Basic, both parts form-encoded; a public client names itself in the form only
        auth = (_form(self._issuer.client_id), _form(secret)) if secret else None
        status, answer = self._call("POST", self._endpoint("token_endpoint"), data=form, auth=auth)
        if status >= 500:
            raise ProviderUnavailableError("identity_provider_unavailable", status=status)
        if answer.get("error") == "invalid_client":
            raise InstallationError("oidc_client_refused")
        token = answer.get("id_token")
        if status != 200 or not isinstance(token, str):
            raise SignInRefusedError("code_refused", status=status)
        return self._identity(self._claims(token), nonce)

    def sign_out_url(self, return_to: str) -> str | None:
        address = self._read_document().get("end_session_endpoint")
        if not isinstance(address, str):
            return None
        # Cognito calls the return address logout_uri, the standard post_logout_redirect_uri; each ignores the other's
        return _with_query(
            _checked(address, "oidc_endpoint_insecure"),
            {
                "client_id": self._issuer.client_id,
                "post_logout_redirect_uri": return_to,
                "logout_uri": return_to,
            },
        )

    def _identity(self, claims: dict[str, Any], nonce: str) -> Identity:
        if claims.get("nonce") != nonce:
            raise SignInRefusedError("nonce_foreign")
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self._issuer.client_id:
            raise SignInRefusedError("token_invalid")
        verified = claims.get("email_verified")
        return Identity(
            issuer=self._issuer.issuer,
            subject=str(claims["sub"]),
            email=str(claims.get("email") or ""),
            is_email_verified=verified is True or verified == "true",  # some issuers send the word
            name=str(claims.get("name") or ""),
        )

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            claims: dict[str, Any] = jwt.decode(
                token,
                key=self._key(kid),
                algorithms=["RS256"],
                audience=self._issuer.client_id,
                issuer=self._issuer.issuer,
                leeway=60,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise SignInRefusedError("token_invalid", reason=type(error).__name__) from None
        return claims

    def _key(self, kid: str | None) -> Any:
        with self._lock:
            age = time.monotonic() - self._keys_read
            stale = not self._keys or age > _KEYS_MAX_AGE or (kid not in self._keys and age > _KEYS_MIN_AGE)
            if stale:
                self._keys = self._read_keys()
                self._keys_read = time.monotonic()
            if kid is None and len(self._keys) == 1:
                return next(iter(self._keys.values()))
            key = self._keys.get(kid or "")
        if key is None:
            raise SignInRefusedError("token_invalid", reason="kid")
        return key

    def _read_keys(self) -> dict[str, Any]:
        status, answer = self._call("GET", self._endpoint("jwks_uri"))
        if status != 200:
            raise ProviderUnavailableError("identity_provider_unavailable", status=status)
        keys: dict[str, Any] = {}
        for jwk in answer.get("keys") or []:
            if jwk.get("kty") == "RSA" and jwk.get("use", "sig") == "sig":
                keys[str(jwk.get("kid", ""))] = jwt.PyJWK(jwk, algorithm="RS256").key
        return keys

    def _endpoint(self, name: str) -> str:
        address = self._read_document().get(name)
        if not isinstance(address, str):
            raise InstallationError("oidc_discovery_incomplete", field=name)
        return _checked(address, "oidc_endpoint_insecure")

    def _read_document(self) -> dict[str, Any]:
        if not (self._issuer.issuer and self._issuer.client_id):
            raise InstallationError("oidc_missing")
        if self._document is not None and time.monotonic() - self._document_read < _KEYS_MAX_AGE:
            return self._document
        address = self._issuer.discovery_url or f"{self._issuer.issuer.rstrip('/')}/.well-known/openid-configuration"
        status, answer = self._call("GET", _checked(address, "oidc_discovery_insecure"))
        if status != 200:
            raise ProviderUnavailableError("identity_provider_unavailable", status=status)
        if answer.get("issuer") != self._issuer.issuer:
            raise InstallationError("oidc_issuer_differs")
        self._document, self._document_read = answer, time.monotonic()
        return answer

    def _call(self, method: str, url: str, **more: Any) -> tuple[int, dict[str, Any]]:
        """One request; no redirects, so that a code or secret never follows one to another host."""
        try:
            with self._http.request(
                method, url, timeout=_TIMEOUT, allow_redirects=False, stream=True, **more
            ) as response:
                body = _capped(response)
                status = response.status_code
        except requests.RequestException as error:
            raise ProviderUnavailableError("identity_provider_unavailable", reason=type(error).__name__) from None
        try:
            answer = json.loads(body or b"{}")
        except ValueError:
            answer = {}
        return status, answer if isinstance(answer, dict) else {}


def _capped(response: requests.Response) -> bytes:
    body = b""
    for piece in response.iter_content(16 * 1024):
        body += piece
        if len(body) > _MAX_BYTES:
            raise ProviderUnavailableError("identity_provider_unavailable", reason="too_large")
    return body


def _checked(url: str, code: str) -> str:
    """https, unless the address is this machine's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_loopback = host in _LOOPBACK or host.endswith(".localhost")
    if parts.scheme == "https" and host:
        return url
    if parts.scheme == "http" and is_loopback:
        return url
    raise InstallationError(code)


def _with_query(url: str, question: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(question)}"


def _form(value: str) -> str:
    return urlencode({"v": value})[2:]
