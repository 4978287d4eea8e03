"""Client assertions (RFC 7523): an app proves itself by a JWT that it signed with the key of a registered certificate.

As Entra wants it: RS256 or PS256, the certificate named by its thumbprint (`x5t#S256`, or SHA-1 `x5t`), `iss` and `sub`
the application, `aud` the token endpoint, a few minutes of life, a `jti`.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sandbox.entra.errors import StsError
from sandbox.entra.service import Entra
from sandbox.people import App

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SKEW = timedelta(minutes=5)
_LONGEST = timedelta(hours=24)


def check_assertion(entra: Entra, app: App, asked: Mapping[str, str], url: str) -> None:
    """Raises StsError: 900144 no type, 700027 unknown key or broken signature, 7000214 an expired certificate,
    700021 another application, 700023 another audience, 700024 outside its time.
    """
    values = entra.text_values(app, None)
    text = asked["client_assertion"]
    try:
        header = jwt.get_unverified_header(text)
    except jwt.InvalidTokenError as wrong:
        raise StsError(700027, values) from wrong
    if asked.get("client_assertion_type") != BEARER:
        raise StsError(900144, {"scope": "client_assertion_type"})
    certificate = _certificate(app, header)
    if certificate is None:
        raise StsError(700027, values)
    if certificate.not_valid_after_utc <= entra.now():
        raise StsError(7000214, values)
    claims = _verified(text, certificate, values)
    if claims.get("iss") != app.client_id or claims.get("sub") != app.client_id:
        raise StsError(700021, values)
    endpoint = url.partition("?")[0].rstrip("/")
    if str(claims.get("aud", "")).rstrip("/").casefold() != endpoint.casefold():
        raise StsError(700023, values)
    _check_time(claims, values)


def _certificate(app: App, header: Mapping[str, object]) -> x509.Certificate | None:
    for pem in app.certificates:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        named = {
            "x5t#S256": _thumbprint(certificate.fingerprint(hashes.SHA256())),
            "x5t": _thumbprint(certificate.fingerprint(hashes.SHA1())),
        }
        if any(str(header.get(name, "")).rstrip("=") == value for name, value in named.items()):
            return certificate
    return None


def _verified(text: str, certificate: x509.Certificate, values: dict[str, str]) -> dict[str, object]:
    options = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        claims: dict[str, object] = jwt.decode(
            text,
            certificate.public_key(),  # type: ignore[arg-type]  # of another kind it is refused below
            algorithms=["RS256", "PS256"],
            options=options,  # type: ignore[arg-type]
        )
    except (jwt.InvalidTokenError, TypeError) as wrong:
        raise StsError(700027, values) from wrong
    return claims


def _check_time(claims: Mapping[str, object], values: dict[str, str]) -> None:
    """By the clock of the machine: the client signs with that one, whatever the sandbox's shows."""
    expires, begins = claims.get("exp"), claims.get("nbf", claims.get("iat"))
    if not isinstance(expires, int | float) or not isinstance(begins, int | float) or not claims.get("jti"):
        raise StsError(700024, values)
    now = datetime.now(UTC).timestamp()
    is_open = begins - _SKEW.total_seconds() <= now < expires + _SKEW.total_seconds()
    if not is_open or expires - begins > _LONGEST.total_seconds():
        raise StsError(700024, values)


def _thumbprint(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
