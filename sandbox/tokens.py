"""Codes, grants and tokens that the sign-in service has issued, and their verification.

Work accounts get a JWT as access token, personal accounts an opaque string, as at Microsoft. A refresh token
points at a grant; using it makes a new one and leaves the old one valid. What may be asked of whom is decided in
`entra/`; here it is only written down.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.people import Directory, Person

CODE_LIFETIME = timedelta(minutes=10)
REFRESH_TOKEN_IDLE = timedelta(days=90)
ID_TOKEN_LIFETIME = timedelta(hours=1)
ACCESS_TOKEN_SECONDS = (3600, 5399)


@dataclass
class Code:
    """An authorization code and everything that its redemption is checked against."""

    grant_id: str
    tenant_path: str
    redirect_uri: str
    asked: list[str]
    names: list[str]
    nonce: str
    code_challenge: str
    code_challenge_method: str
    issued_at: datetime
    is_used: bool = False


@dataclass
class Grant:
    """One sign-in of a person at an app; `revoked_at` ends all its refresh tokens."""

    id: str
    person_id: str
    client_id: str
    has_mfa: bool
    issued_at: datetime
    revoked_at: datetime | None = None


@dataclass
class RefreshToken:
    """`last_used_at` counts the 90 days; each use of a token also issues a fresh one."""

    grant_id: str
    names: list[str]
    issued_at: datetime
    last_used_at: datetime


@dataclass
class AccessToken:
    """Who may do what until when: scopes for a person's token, roles for an app's own."""

    client_id: str
    tenant_id: str
    expires_at: datetime
    person_id: str | None = None
    scopes: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TokenPrincipal:
    """What Graph reads from a valid access token; `oid` is None for an app's own token."""

    oid: str | None
    tenant_id: str
    client_id: str
    scopes: frozenset[str]
    roles: frozenset[str]


@dataclass
class TokenState:
    """All that must survive a restart."""

    key_pem: str
    codes: dict[str, Code] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)


def new_signing_key() -> str:
    """Draw the RSA key of the tenant's JWKS, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class Tokens:
    """The token store. `now` is the sandbox clock, aware UTC."""

    def __init__(
        self,
        now: Callable[[], datetime],
        directory: Directory,
        state: TokenState | None = None,
        random: Random | None = None,
    ) -> None:
        self._now = now
        self._directory = directory
        self._random = random or Random()
        self.use(state or TokenState(new_signing_key()))

    def use(self, state: TokenState) -> None:
        """Go on with a stored state."""
        self.state = state
        key = serialization.load_pem_private_key(state.key_pem.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key
        self.key_id = hashlib.sha256(state.key_pem.encode()).hexdigest()[:27]

    # Issuing -------------------------------------------------------------------------------------------------

    def open_grant(self, person: Person, client_id: str, *, has_mfa: bool) -> Grant:
        """Write down a finished sign-in."""
        grant = Grant(secrets.token_hex(16), person.id, client_id, has_mfa, self._now())
        self.state.grants[grant.id] = grant
        return grant

    def issue_code(self, code: Code) -> str:
        """Hand out a code, single use, valid for ten minutes."""
        text = "1.A" + secrets.token_urlsafe(96)
        self.state.codes[text] = code
        return text

    def issue_refresh_token(self, grant: Grant, names: list[str]) -> str:
        """Hand out a refresh token of a grant."""
        text = ("M.C5" if self._person(grant).is_personal else "1.A") + secrets.token_urlsafe(120)
        self.state.refresh_tokens[text] = RefreshToken(grant.id, names, self._now(), self._now())
        return text

    def issue_access_token(self, token: AccessToken, issuer: str, audience: str) -> str:
        """Hand out an access token; it is kept, so that `verify` needs no parsing."""
        self._forget_expired()
        person = self._directory.people.get(token.person_id or "")
        if person is not None and person.is_personal:
            text = "EwB" + base64.b64encode(secrets.token_bytes(600)).decode()
        else:
            text = self._sign(_access_claims(token, person, issuer, audience, self._now()))
        self.state.access_tokens[text] = token
        return text

    def id_token(self, person: Person, client_id: str, issuer: str, nonce: str, *, with_email: bool) -> str:
        """Sign the id_token of a person for an app."""
        now = self._now()
        claims: dict[str, Any] = {
            "ver": "2.0",
            "iss": issuer,
            "sub": _pairwise(person.id, client_id),
            "aud": client_id,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + ID_TOKEN_LIFETIME).timestamp()),
            "name": person.display_name,
            "preferred_username": person.email,
            "oid": person.id,
            "tid": person.tenant_id,
            "uti": secrets.token_urlsafe(16),
        }
        if nonce:
            claims["nonce"] = nonce
        if with_email:
            claims["email"] = person.email
        return self._sign(claims)

    def expires_in(self) -> int:
        """Draw the life of an access token in seconds, as Entra does; never one figure to rely on."""
        return self._random.randint(*ACCESS_TOKEN_SECONDS)

    # Checking ------------------------------------------------------------------------------------------------

    def grant_of(self, grant_id: str) -> Grant:
        """The grant behind a code or refresh token."""
        return self.state.grants[grant_id]

    def person_of(self, grant: Grant) -> Person | None:
        """The person behind a grant, None after the account was deleted."""
        return self._directory.people.get(grant.person_id)

    def access_token(self, text: str) -> AccessToken | None:
        """The record of an access token, expired ones too as long as they are remembered; None for unknown."""
        return self.state.access_tokens.get(text)

    def verify(self, access_token: str) -> TokenPrincipal:
        """Read an access token for Graph.

        Raises:
            ValueError: "invalid" for an unknown token, "expired" for one past its time.
        """
        token = self.state.access_tokens.get(access_token)
        if token is None:
            raise ValueError("invalid")
        if token.expires_at <= self._now():
            raise ValueError("expired")
        return TokenPrincipal(
            token.person_id, token.tenant_id, token.client_id, frozenset(token.scopes), frozenset(token.roles)
        )

    def revoke(self, person_id: str, client_id: str | None = None, *, access_tokens: bool = False) -> int:
        """End a person's grants (of one app, or all) and say how many; access tokens live on unless asked."""
        hit = [
            grant
            for grant in self.state.grants.values()
            if grant.person_id == person_id and client_id in (None, grant.client_id) and grant.revoked_at is None
        ]
        for grant in hit:
            grant.revoked_at = self._now()
        if access_tokens:
            for token in self.state.access_tokens.values():
                if token.person_id == person_id and client_id in (None, token.client_id):
                    token.expires_at = self._now()
        return len(hit)

    def jwks(self, issuer: str) -> dict[str, object]:
        """The key set of `/discovery/v2.0/keys`."""
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        key = {"kty": "RSA", "use": "sig", "kid": self.key_id, "n": public["n"], "e": public["e"], "issuer": issuer}
        return {"keys": [key]}

    # Inside --------------------------------------------------------------------------------------------------

    def _person(self, grant: Grant) -> Person:
        return self._directory.people[grant.person_id]

    def _sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.key_id})

    def _forget_expired(self) -> None:
        """Drop what expired a day ago; a day, so that a late call still gets "expired" and not "unknown"."""
        limit = self._now() - timedelta(days=1)
        state = self.state
        if len(state.access_tokens) > 200:
            state.access_tokens = {k: v for k, v in state.access_tokens.items() if v.expires_at > limit}
        if len(state.codes) > 200:
            state.codes = {k: v for k, v in state.codes.items() if v.issued_at > limit}


def client_info(person: Person) -> str:
    """The client_info value that MSAL builds its home account id from."""
    info = json.dumps({"uid": person.id, "utid": person.tenant_id}).encode()
    return base64.urlsafe_b64encode(info).decode().rstrip("=")


def _pairwise(person_id: str, client_id: str) -> str:
    digest = hashlib.sha256(f"{person_id}|{client_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _access_claims(
    token: AccessToken, person: Person | None, issuer: str, audience: str, now: datetime
) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "aud": audience,
        "iss": issuer,
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int(token.expires_at.timestamp()),
        "appid": token.client_id,
        "tid": token.tenant_id,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
    }
    if person is None:
        claims |= {"idtyp": "app", "roles": token.roles, "oid": _pairwise(token.client_id, token.tenant_id)}
    else:
        claims |= {"idtyp": "user", "scp": " ".join(token.scopes), "oid": person.id, "upn": person.email}
    return claims
