"""The token endpoint: codes, PKCE, refresh tokens, client credentials, admin consent, every AADSTS code on demand."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

from sandbox.entra.assertion import BEARER
from sandbox.entra.errors import SHAPES
from tests.sandbox.small_microsoft import Microsoft
from tests.sandbox.walks import CLIENT_ID, REDIRECT, SCOPES, SECRET, code_of, redeem, refresh

GRAPH_DEFAULT = "https://graph.microsoft.com/.default"


def app_token(small: Microsoft, tenant: str = "clinic.example", **changes: Any) -> Any:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": SECRET, "scope": GRAPH_DEFAULT}
    return small.machine.post(f"/{tenant}/oauth2/v2.0/token", data=form | changes)


def test_a_code_is_good_for_one_redemption(small: Microsoft) -> None:
    code = small.browser().code_for("anna@clinic.example")

    first, second = redeem(small.machine, code), redeem(small.machine, code)

    assert first.status_code == 200
    assert code_of(second) == 54005
    assert second.json()["error"] == "invalid_grant"


def test_a_code_is_good_for_ten_minutes(small: Microsoft) -> None:
    code = small.browser().code_for("anna@clinic.example")

    small.advance(minutes=10)

    assert code_of(redeem(small.machine, code)) == 70008


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"code_verifier": "another-verifier-of-at-least-forty-three-characters-1"}, 501481),
        ({"code_verifier": None}, 501491),
        ({"code_verifier": "short"}, 501491),
        ({"redirect_uri": "https://calsync.example/other"}, 500112),
        ({"client_secret": None}, 7000218),
        ({"client_secret": "wrong"}, 7000215),
        ({"client_assertion": "x.y.z"}, 700027),
        ({"client_id": "nobody"}, 700016),
        ({"code": None}, 900144),
        ({"code": "invented"}, 70000),
        ({"grant_type": None}, 900144),
        ({"grant_type": "password"}, 70003),
        ({"scope": "openid Calendars.Everything"}, 650053),
        ({"scope": "openid Calendars.Read.Shared"}, 65001),
    ],
)
def test_a_wrong_redemption_is_refused_and_names_why(small: Microsoft, changes: dict[str, Any], code: int) -> None:
    good = small.browser().code_for("anna@clinic.example")

    refused = redeem(small.machine, **({"code": good} | changes))

    assert code_of(refused) == code
    assert refused.json()["error"] == SHAPES[code].error
    assert refused.status_code == SHAPES[code].status


def test_a_code_asked_without_pkce_takes_no_verifier(small: Microsoft) -> None:
    asked = {"code_challenge": None, "code_challenge_method": None}
    browser = small.browser()
    plain = browser.code_for("anna@clinic.example", **asked)
    other = browser.code_for("anna@clinic.example", **asked)

    assert code_of(redeem(small.machine, plain)) == 50147
    assert redeem(small.machine, other, code_verifier=None).status_code == 200


def test_a_code_belongs_to_the_tenant_path_it_was_asked_at(small: Microsoft) -> None:
    code = small.browser().code_for("anna@clinic.example", "common")

    assert code_of(redeem(small.machine, code, "organizations")) == 700005


def test_refreshing_gives_a_new_token_and_leaves_the_old_one_alive(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example")

    first = refresh(small.machine, tokens["refresh_token"]).json()
    again = refresh(small.machine, tokens["refresh_token"]).json()

    assert len({tokens["refresh_token"], first["refresh_token"], again["refresh_token"]}) == 3
    assert first["access_token"] != tokens["access_token"]


def test_a_refresh_token_dies_after_ninety_idle_days_and_not_of_age(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example")
    small.advance(days=80)
    used = refresh(small.machine, tokens["refresh_token"]).json()
    small.advance(days=80)
    kept = refresh(small.machine, used["refresh_token"])
    small.advance(days=90)

    dead = refresh(small.machine, used["refresh_token"])

    assert kept.status_code == 200
    assert code_of(dead) == 700082
    assert dead.json()["suberror"] == "token_expired"


@pytest.mark.parametrize(("email", "code"), [("anna@clinic.example", 50173), ("paul@outlook.com", 70000)])
def test_a_revoked_grant_refuses_refreshing_but_not_the_running_access_token(
    small: Microsoft, email: str, code: int
) -> None:
    tokens = small.tokens_of(email)

    small.control("POST", f"/people/{email}/revoke", {})

    assert code_of(refresh(small.machine, tokens["refresh_token"])) == code
    assert small.graph(tokens["access_token"]).get("/v1.0/me").status_code == 200


def test_access_tokens_can_be_ended_at_once_and_end_by_themselves(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example")
    other = small.tokens_of("bert@clinic.example")

    small.control("POST", "/people/anna@clinic.example/revoke", {"access_tokens": True})
    ended = small.graph(tokens["access_token"]).get("/v1.0/me")
    small.advance(seconds=other["expires_in"] + 1)
    late = small.graph(other["access_token"]).get("/v1.0/me")

    assert [ended.status_code, late.status_code] == [401, 401]
    assert late.json()["error"]["code"] == "InvalidAuthenticationToken"


def test_a_grant_belongs_to_its_client(small: Microsoft) -> None:
    other = {"client_id": "other-app", "name": "Other", "home_tenant": "clinic.example", "secrets": [{"value": "o"}]}
    small.control("POST", "/apps", other)
    tokens = small.tokens_of("anna@clinic.example")

    stolen = refresh(small.machine, tokens["refresh_token"], client_id="other-app", client_secret="o")

    assert code_of(stolen) == 700003
    assert stolen.json()["suberror"] == "client_mismatch"


def test_consent_taken_away_refuses_the_next_refresh(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example")

    small.control("PATCH", "/people/anna@clinic.example", {"consents": {}})

    refused = refresh(small.machine, tokens["refresh_token"], scope=SCOPES)
    assert code_of(refused) == 65001
    assert refused.json()["suberror"] == "consent_required"


def test_a_secret_that_expired_takes_everybody_down_and_a_second_one_helps(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example")
    small.control("PATCH", f"/apps/{CLIENT_ID}", {"secrets": [{"value": SECRET, "expires_at": "2026-01-01T00:00:00Z"}]})

    expired = refresh(small.machine, tokens["refresh_token"])
    small.control("POST", f"/apps/{CLIENT_ID}/secrets", {"value": "second"})

    assert code_of(expired) == 7000222
    assert expired.status_code == 401
    assert refresh(small.machine, tokens["refresh_token"], client_secret="second").status_code == 200


def test_the_secret_may_come_by_basic_header(small: Microsoft) -> None:
    code = small.browser().code_for("anna@clinic.example")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    form["code_verifier"] = "a-verifier-of-at-least-forty-three-characters-0123456789"

    answer = small.machine.post("/common/oauth2/v2.0/token", data=form, auth=(CLIENT_ID, SECRET))

    assert answer.status_code == 200


@pytest.mark.parametrize("code", sorted(SHAPES))
def test_every_code_can_be_made_to_happen_once(small: Microsoft, code: int) -> None:
    """The rows of graph.md 2.8 and all others of the table: the next token request fails, the one after goes well."""
    tokens = small.tokens_of("anna@clinic.example")
    small.control("POST", "/people/anna@clinic.example/token-faults", {"code": code, "times": 1})

    refused, healed = (refresh(small.machine, tokens["refresh_token"]) for _ in range(2))

    assert code_of(refused) == code
    assert refused.json()["error"] == SHAPES[code].error
    assert refused.json().get("suberror", "") == SHAPES[code].suberror
    assert "{" not in refused.json()["error_description"]
    assert healed.status_code == 200


def test_the_table_has_every_code_that_matters_to_a_client() -> None:
    """All rows of the table of AADSTS codes that calsync acts on."""
    rows = (
        "50173 700082 70008 70043 70000 50089 65001 65004 90094 90095 50076 50079 50072 50074 50158 53000 53001 53003 "
        "530032 53011 50053 50034 50020 16000 50055 50057 50144 50105 700016 7000112 70001 7000215 70002 7000222 "
        "700027 700030 50011 70011 65005 650056 650057 54005 501481 700005 50196 90033 90024 50033 90006 90012 90055"
    )

    assert {int(code) for code in rows.split()} <= set(SHAPES)


def test_faults_of_app_tenant_and_grant_type_hit_only_those(small: Microsoft) -> None:
    anna = small.tokens_of("anna@clinic.example")
    paul = small.tokens_of("paul@outlook.com")
    small.control("POST", "/tenants/clinic.example/token-faults", {"code": 90055})
    throttled = refresh(small.machine, anna["refresh_token"])
    spared = refresh(small.machine, paul["refresh_token"])
    small.control("DELETE", "/tenants/clinic.example/token-faults")
    small.control("POST", f"/apps/{CLIENT_ID}/token-faults", {"code": 90033, "grant_type": "client_credentials"})

    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "2")
    assert spared.status_code == 200
    assert refresh(small.machine, anna["refresh_token"]).status_code == 200
    assert app_token(small).status_code == 503


def test_an_unknown_code_cannot_be_injected(small: Microsoft) -> None:
    small.control("POST", "/people/anna@clinic.example/token-faults", {"code": 12345}, status=400)


@pytest.mark.parametrize(
    ("tenant", "changes", "code"),
    [
        ("common", {}, 9001023),
        ("organizations", {}, 9001023),
        ("consumers", {}, 9001023),
        ("9188040d-6c67-4c5b-b112-36a304b66dad", {}, 9001023),
        ("strict.example", {}, 700016),
        ("clinic.example", {"scope": "Calendars.Read"}, 1002012),
        ("clinic.example", {"scope": f"{GRAPH_DEFAULT} openid"}, 1002012),
        ("clinic.example", {"scope": "https://other.example/.default"}, 70011),
        ("clinic.example", {"scope": ""}, 900144),
        ("nowhere.example", {}, 90002),
    ],
)
def test_an_app_token_needs_a_concrete_tenant_that_knows_the_app(
    small: Microsoft, tenant: str, changes: dict[str, str], code: int
) -> None:
    assert code_of(app_token(small, tenant, **changes)) == code


def test_an_app_token_carries_the_roles_an_admin_granted_and_no_refresh_token(small: Microsoft) -> None:
    before = app_token(small).json()
    grant = {"roles": ["Calendars.ReadWrite", "User.Read.All"]}
    small.control("PUT", f"/tenants/clinic.example/grants/{CLIENT_ID}", grant)
    after = app_token(small).json()

    claims = jwt.decode(after["access_token"], options={"verify_signature": False})
    denied = small.graph(before["access_token"]).get("/v1.0/users/anna@clinic.example/calendars")
    allowed = small.graph(after["access_token"]).get("/v1.0/users/anna@clinic.example/calendars")
    me = small.machine.get("/v1.0/me")

    assert claims["roles"] == ["Calendars.ReadWrite", "User.Read.All"]
    assert "refresh_token" not in after
    assert (denied.status_code, allowed.status_code, me.status_code) == (403, 200, 400)


def test_a_disabled_app_gets_nothing_in_that_tenant(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example")
    small.control("PUT", f"/tenants/clinic.example/grants/{CLIENT_ID}", {"is_disabled": True})

    assert code_of(refresh(small.machine, tokens["refresh_token"])) == 7000112
    assert code_of(app_token(small)) == 7000112


def test_admin_consent_grants_everything_registered_to_the_tenant_of_the_admin(small: Microsoft) -> None:
    browser = small.browser()
    browser.open("/organizations/adminconsent", client_id=CLIENT_ID, redirect_uri=REDIRECT, state="s1")
    page = browser.sign_in("gerd@strict.example")
    done = browser.accept()
    person = small.browser()
    person.authorize()

    assert "all users in Strict" in page.answer.text
    strict = small.control("GET", "/people/gerd@strict.example")["tenant_id"]
    assert done.parameters == {"admin_consent": "True", "tenant": strict, "state": "s1"}
    assert "code" in person.sign_in("tom@strict.example").parameters
    assert app_token(small, "strict.example").status_code == 200


def test_admin_consent_by_scope_answers_the_scope_and_grants_no_roles(small: Microsoft) -> None:
    browser = small.browser()
    scope = "https://graph.microsoft.com/Calendars.ReadWrite"
    query = {"client_id": CLIENT_ID, "redirect_uri": REDIRECT, "state": "s2", "scope": scope}
    browser.open("/strict.example/v2.0/adminconsent", **query)
    browser.sign_in("gerd@strict.example")

    done = browser.accept()

    strict = next(t for t in small.control("GET", "/tenants") if t["name"] == "Strict")
    assert done.parameters["scope"] == scope
    assert strict["grants"][CLIENT_ID] == {"scopes": ["Calendars.ReadWrite"], "roles": [], "is_disabled": False}


def test_admin_consent_can_be_refused_and_is_for_admins(small: Microsoft) -> None:
    query = {"client_id": CLIENT_ID, "redirect_uri": REDIRECT, "state": "s3"}
    browser = small.browser()
    browser.open("/organizations/adminconsent", **query)
    browser.sign_in("gerd@strict.example")
    refused = browser.post("/consent", answer="cancel")
    other = small.browser()
    other.open("/organizations/adminconsent", **query)

    wrong_person = other.sign_in("tom@strict.example")

    assert refused.parameters["error"] == "permission_denied"
    assert refused.parameters["error_description"] == "The admin canceled the request"
    assert refused.parameters["state"] == "s3"
    assert wrong_person.error == 90094
    assert small.browser().open("/consumers/adminconsent", **query).error == 9002332


def test_the_national_cloud_form_of_scopes_is_understood(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example", scope="openid https://localhost:8443/Calendars.Read")

    assert "https://localhost:8443/Calendars.Read" in tokens["scope"]
    assert small.graph(tokens["access_token"]).get("/v1.0/me/calendars").status_code == 200


def test_life_of_tokens_follows_the_sandbox_clock(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example")
    before = small.control("GET", "/clock")["now"]

    small.advance(seconds=timedelta(hours=2).total_seconds())

    assert small.control("GET", "/clock")["now"] > before
    assert small.graph(tokens["access_token"]).get("/v1.0/me").status_code == 401


def _key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _certificate(key: RSAPrivateKey, days: int = 365) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "role account")])
    begins = datetime.now(UTC) - timedelta(days=400)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begins)
        .not_valid_after(datetime.now(UTC) + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _assertion(small: Microsoft, key: RSAPrivateKey, certificate: str, algorithm: str, **claims: Any) -> dict[str, Any]:
    now = datetime.now(UTC).timestamp()
    url = f"{str(small.machine.base_url).rstrip('/')}/clinic.example/oauth2/v2.0/token"
    wanted = {"aud": url, "iss": CLIENT_ID, "sub": CLIENT_ID, "jti": "1", "iat": now, "exp": now + 600, **claims}
    digest = x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA256())
    header = {"x5t#S256": base64.urlsafe_b64encode(digest).decode().rstrip("=")}
    text = jwt.encode(wanted, key, algorithm=algorithm, headers=header)
    return {"client_secret": None, "client_assertion": text, "client_assertion_type": BEARER}


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_an_app_proves_itself_by_its_certificate(small: Microsoft, algorithm: str) -> None:
    key = _key()
    certificate = _certificate(key)
    small.control("PATCH", f"/apps/{CLIENT_ID}", {"certificates": [certificate]})

    answer = app_token(small, **_assertion(small, key, certificate, algorithm))

    assert answer.status_code == 200, answer.text
    assert answer.json()["access_token"]


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "https://elsewhere.example/token"}, 700023),
        ({"iss": "somebody"}, 700021),
        ({"sub": "somebody"}, 700021),
        ({"exp": 1000}, 700024),
        ({"jti": ""}, 700024),
    ],
)
def test_an_assertion_that_does_not_fit_is_refused(small: Microsoft, claims: dict[str, Any], code: int) -> None:
    key = _key()
    certificate = _certificate(key)
    small.control("PATCH", f"/apps/{CLIENT_ID}", {"certificates": [certificate]})

    assert code_of(app_token(small, **_assertion(small, key, certificate, "PS256", **claims))) == code


def test_an_assertion_by_a_key_that_is_not_registered_is_refused(small: Microsoft) -> None:
    key, other = _key(), _key()
    certificate = _certificate(key)
    small.control("PATCH", f"/apps/{CLIENT_ID}", {"certificates": [certificate]})

    assert code_of(app_token(small, **_assertion(small, other, certificate, "PS256"))) == 700027
    assert code_of(app_token(small, **_assertion(small, other, _certificate(other), "PS256"))) == 700027


def test_an_expired_certificate_signs_no_more(small: Microsoft) -> None:
    key = _key()
    certificate = _certificate(key, days=-1)
    small.control("PATCH", f"/apps/{CLIENT_ID}", {"certificates": [certificate]})

    assert code_of(app_token(small, **_assertion(small, key, certificate, "RS256"))) == 7000214
