"""The console's OpenID Connect client against an issuer that speaks HTTP on this machine."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from calsync_core.adapters.oidc.client import Issuer, OidcClient
from calsync_core.domain.errors import InstallationError, ProviderUnavailableError, SignInRefusedError
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://issuer.example/pool"  # a name, not the address: as Cognito in an emulator
CLIENT = "client-1"
REDIRECT = "https://calsync.example/signin/callback"
KEYS = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048) for kid in ("old", "new")}
FOREIGN = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class FakeIssuer:
    """`token` makes the id_token of the next redemption; `document` may be changed by a test."""

    def __init__(self) -> None:
        self.published = ["old", "new"]
        self.document_changes: dict[str, Any] = {}
        self.seen: list[tuple[dict[str, list[str]], str]] = []
        self.calls: list[str] = []
        self.status = 200
        self.answer: dict[str, Any] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def document(self) -> dict[str, Any]:
        return {
            "issuer": ISSUER,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/keys",
            "end_session_endpoint": f"{self.base}/logout",
            **self.document_changes,
        }

    def client(self, secret: str = "", issuer: str = ISSUER) -> OidcClient:
        return OidcClient(Issuer(issuer, f"{self.base}/discovery", CLIENT, secret))

    def token(self, *, key: Any = None, kid: str | None = "new", algorithm: str = "RS256", **claims: Any) -> str:
        now = int(time.time())
        payload = {
            "iss": ISSUER, "aud": CLIENT, "sub": "sub-1", "nonce": "n-1", "iat": now, "exp": now + 300,
            "email": "a@clinic.example", "email_verified": True, "name": "A", **claims,
        }  # fmt: skip
        payload = {name: value for name, value in payload.items() if value is not None}
        headers = {"kid": kid} if kid else {}
        return jwt.encode(payload, KEYS[kid or "new"] if key is None else key, algorithm=algorithm, headers=headers)

    def _handler(issuer: "FakeIssuer") -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.calls.append(self.path)
                if self.path == "/discovery":
                    self._send(200, issuer.document())
                else:
                    self._send(200, {"keys": [_jwk(kid) for kid in issuer.published]})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                issuer.seen.append((parse_qs(body), self.headers.get("authorization", "")))
                self._send(issuer.status, issuer.answer)

            def _send(self, status: int, value: Any) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                if status in (301, 302):
                    self.send_header("location", "http://127.0.0.1:1/elsewhere")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _jwk(kid: str) -> dict[str, Any]:
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEYS[kid].public_key()))
    return {**key, "kid": kid, "use": "sig", "alg": "RS256"}


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    fake = FakeIssuer()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


def _redeem(client: OidcClient) -> Any:
    return client.redeem(code="code-1", redirect_uri=REDIRECT, verifier="v-1", nonce="n-1")


def test_the_way_to_the_issuer_carries_pkce_state_and_nonce(issuer: FakeIssuer) -> None:
    url = issuer.client().sign_in_url(redirect_uri=REDIRECT, state="s-1", nonce="n-1", challenge="c-1")

    assert url.startswith(f"{issuer.base}/authorize?")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked == {
        "response_type": "code", "client_id": CLIENT, "redirect_uri": REDIRECT, "scope": "openid email profile",
        "state": "s-1", "nonce": "n-1", "code_challenge": "c-1", "code_challenge_method": "S256",
    }  # fmt: skip


def test_a_public_client_redeems_with_the_verifier_and_no_secret(issuer: FakeIssuer) -> None:
    issuer.answer = {"id_token": issuer.token()}

    identity = _redeem(issuer.client())

    assert (identity.issuer, identity.subject, identity.email, identity.is_email_verified) == (
        ISSUER, "sub-1", "a@clinic.example", True,
    )  # fmt: skip
    form, authorization = issuer.seen[0]
    assert form["code_verifier"] == ["v-1"]
    assert form["client_id"] == [CLIENT]
    assert authorization == ""


def test_a_client_secret_goes_by_basic(issuer: FakeIssuer) -> None:
    issuer.answer = {"id_token": issuer.token()}

    _redeem(issuer.client("s:e c"))

    form, authorization = issuer.seen[0]
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"{CLIENT}:s%3Ae+c"
    assert "client_secret" not in form


def test_the_key_is_picked_by_kid(issuer: FakeIssuer) -> None:
    issuer.answer = {"id_token": issuer.token(kid="old")}

    assert _redeem(issuer.client()).subject == "sub-1"


FORGED: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "client-2"},
    "several audiences without us as the party": {"aud": [CLIENT, "client-2"]},
    "expired": {"exp": int(time.time()) - 120},
    "another nonce": {"nonce": "n-2"},
    "no nonce": {"nonce": None},
    "no subject": {"sub": None},
    "another key under our kid": {"key": FOREIGN},
    "unknown kid": {"kid": "next", "key": FOREIGN},
    "no kid among several keys": {"kid": None},
    "secret as key": {"algorithm": "HS256", "key": "k" * 64},
    "no signature": {"algorithm": "none", "key": ""},
}


@pytest.mark.parametrize("case", FORGED)
def test_a_token_that_is_not_ours_is_refused(issuer: FakeIssuer, case: str) -> None:
    issuer.answer = {"id_token": issuer.token(**FORGED[case])}

    with pytest.raises(SignInRefusedError):
        _redeem(issuer.client())


def test_unknown_kids_do_not_hammer_the_issuer(issuer: FakeIssuer) -> None:
    client = issuer.client()
    issuer.answer = {"id_token": issuer.token(kid="next", key=FOREIGN)}

    for _ in range(5):
        with pytest.raises(SignInRefusedError):
            _redeem(client)

    assert issuer.calls.count("/keys") == 1
    assert issuer.calls.count("/discovery") == 1


@pytest.mark.parametrize("word", ["true", True])
def test_a_verified_address_in_both_spellings(issuer: FakeIssuer, word: object) -> None:
    issuer.answer = {"id_token": issuer.token(email_verified=word)}

    assert _redeem(issuer.client()).is_email_verified


@pytest.mark.parametrize("word", ["false", False, None, 1, "yes"])
def test_everything_else_is_not_verified(issuer: FakeIssuer, word: object) -> None:
    issuer.answer = {"id_token": issuer.token(email_verified=word)}

    assert not _redeem(issuer.client()).is_email_verified


def test_a_document_of_another_issuer_is_not_trusted(issuer: FakeIssuer) -> None:
    issuer.document_changes = {"issuer": "https://other.example"}

    with pytest.raises(InstallationError, match="oidc_issuer_differs"):
        _redeem(issuer.client())


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
def test_end_points_must_be_https_unless_they_are_this_machine(issuer: FakeIssuer, name: str) -> None:
    issuer.document_changes = {name: "http://issuer.example/x"}
    client = issuer.client()

    with pytest.raises(InstallationError, match="oidc_endpoint_insecure"):
        client.sign_in_url(redirect_uri=REDIRECT, state="s", nonce="n", challenge="c") if name.startswith(
            "a"
        ) else _redeem(client)
    assert issuer.seen == []


def test_an_insecure_discovery_address_is_never_asked() -> None:
    client = OidcClient(Issuer(ISSUER, "http://issuer.example/discovery", CLIENT))

    with pytest.raises(InstallationError, match="oidc_discovery_insecure"):
        client.sign_out_url("https://calsync.example/signin")


def test_a_stack_without_an_issuer_says_so() -> None:
    with pytest.raises(InstallationError, match="oidc_missing"):
        OidcClient(Issuer("", "", "")).sign_out_url("https://calsync.example/signin")


@pytest.mark.parametrize(
    ("status", "answer", "error", "code"),
    [
        (400, {"error": "invalid_grant"}, SignInRefusedError, "code_refused"),
        (401, {"error": "invalid_client"}, InstallationError, "oidc_client_refused"),
        (503, {}, ProviderUnavailableError, "identity_provider_unavailable"),
        (302, {}, SignInRefusedError, "code_refused"),
        (200, {}, SignInRefusedError, "code_refused"),
    ],
)
def test_answers_of_the_token_end_point(
    issuer: FakeIssuer, status: int, answer: dict[str, Any], error: type[Exception], code: str
) -> None:
    issuer.status, issuer.answer = status, answer

    with pytest.raises(error, match=code):
        _redeem(issuer.client())


def test_an_issuer_that_is_away_is_unavailable() -> None:
    client = OidcClient(Issuer(ISSUER, "http://127.0.0.1:1/discovery", CLIENT))

    with pytest.raises(ProviderUnavailableError):
        client.sign_out_url("https://calsync.example/signin")


def test_signing_out_names_where_to_come_back_in_both_dialects(issuer: FakeIssuer) -> None:
    url = issuer.client().sign_out_url("https://calsync.example/signin")

    assert url is not None
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["logout_uri"] == asked["post_logout_redirect_uri"] == "https://calsync.example/signin"


def test_challenge_of_the_use_case_is_the_hash_of_the_verifier() -> None:
    from calsync_core.usecases.sign_in_member import _challenge

    digest = hashlib.sha256(b"verifier").digest()
    assert _challenge("verifier") == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
