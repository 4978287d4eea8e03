"""The token endpoint: codes, refresh tokens and client credentials against tokens."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.entra.assertion import check_assertion
from sandbox.entra.consent import missing_scopes
from sandbox.entra.errors import GRAPH_APP_ID, StsError
from sandbox.entra.forms import FORM, form
from sandbox.entra.scopes import RequestedScopes, ScopeError, read_scopes
from sandbox.entra.service import Entra, take_fault
from sandbox.people import ALIASES, PERSONAL_TENANT_ID, App, Person, Tenant
from sandbox.tokens import (
    CODE_LIFETIME,
    REFRESH_TOKEN_IDLE,
    AccessToken,
    Code,
    Grant,
    client_info,
)

_HEADERS = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


async def token(entra: Entra, request: Request) -> Response:
    """POST /{tenant}/oauth2/v2.0/token."""
    try:
        # Another content type is read as an empty form, and so misses its grant_type, as at Microsoft.
        is_form = request.headers.get("content-type", "").startswith(FORM)
        answer = _answer(entra, request, await form(request) if is_form else {})
    except StsError as refused:
        body = refused.body(entra.now())
        headers = _HEADERS | ({"Retry-After": "2"} if refused.shape.status in (429, 503) else {})
        return JSONResponse(body, refused.shape.status, headers=headers)
    return JSONResponse(answer, headers=_HEADERS)


def _answer(entra: Entra, request: Request, asked: dict[str, str]) -> dict[str, object]:
    tenant_path = request.path_params["tenant"]
    grant_type = asked.get("grant_type", "")
    if not grant_type:
        raise StsError(900144, {"scope": "grant_type"})
    client_id, secret = _client(request, asked)
    app = entra.app(client_id, tenant_path)
    tenant = entra.check_path(app, tenant_path)
    if "client_assertion" in asked:
        check_assertion(entra, app, asked, str(request.url))
    else:
        _check_client(entra, app, secret)
    for faults in (app.token_faults, tenant.token_faults if tenant else []):
        code = take_fault(faults, grant_type)
        if code is not None:
            raise StsError(code, entra.text_values(app, None, tenant=tenant_path))
    issuer_base = f"{request.url.scheme}://{request.headers['host']}"
    if grant_type == "authorization_code":
        return _redeem_code(entra, app, tenant_path, asked, issuer_base)
    if grant_type == "refresh_token":
        return _refresh(entra, app, tenant_path, asked, issuer_base)
    if grant_type == "client_credentials":
        return _app_token(entra, app, tenant, tenant_path, asked)
    raise StsError(70003, {"scope": grant_type})


def _client(request: Request, asked: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret from the body, or from a Basic header (both URL-encoded there)."""
    header = request.headers.get("authorization", "")
    if header.lower().startswith("basic "):
        try:
            text = base64.b64decode(header[6:], validate=True).decode()
        except ValueError as wrong:
            raise StsError(9002313) from wrong
        client_id, _, secret = text.partition(":")
        return unquote_plus(client_id), unquote_plus(secret)
    return asked.get("client_id", ""), asked.get("client_secret", "")


def _check_client(entra: Entra, app: App, secret: str) -> None:
    """Raises StsError 7000218 no secret, 7000215 a wrong one, 7000222 an expired one."""
    values = entra.text_values(app, None)
    if not secret:
        raise StsError(7000218, values)
    fitting = [s for s in app.secrets if secrets.compare_digest(s.value.encode(), secret.encode())]
    if not fitting:
        raise StsError(7000215, values)
    if all(s.expires_at <= entra.now() for s in fitting):
        raise StsError(7000222, values)


def _redeem_code(
    entra: Entra, app: App, tenant_path: str, asked: Mapping[str, str], issuer_base: str
) -> dict[str, object]:
    text = asked.get("code", "")
    if not text:
        raise StsError(900144, {"scope": "code"})
    code = entra.tokens.state.codes.get(text)
    if code is None:
        raise StsError(70000)
    grant = entra.tokens.grant_of(code.grant_id)
    if grant.client_id != app.client_id:
        raise StsError(700003)
    if code.is_used:
        raise StsError(54005)
    if code.issued_at + CODE_LIFETIME <= entra.now():
        raise StsError(70008)
    if code.tenant_path.lower() != tenant_path.lower():
        raise StsError(700005)
    if asked.get("redirect_uri", "") != code.redirect_uri:
        raise StsError(500112, {"redirect_uri": asked.get("redirect_uri", "")})
    _check_verifier(code, asked.get("code_verifier", ""))
    person = _person(entra, app, grant, tenant_path, "authorization_code")
    code.is_used = True
    scopes = _scopes(entra, app, asked.get("scope") or " ".join(code.asked))
    allowed = set(code.names)
    return _answer_person(entra, app, grant, person, scopes, allowed, code.nonce, issuer_base)


def _check_verifier(code: Code, verifier: str) -> None:
    """PKCE (RFC 7636): required as soon as the authorize request carried a challenge."""
    if not code.code_challenge:
        if verifier:
            raise StsError(50147)
        return
    if not 43 <= len(verifier) <= 128:
        raise StsError(501491)
    made = verifier
    if code.code_challenge_method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        made = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not secrets.compare_digest(made.encode(), code.code_challenge.encode()):
        raise StsError(501481)


def _refresh(entra: Entra, app: App, tenant_path: str, asked: Mapping[str, str], issuer_base: str) -> dict[str, object]:
    text = asked.get("refresh_token", "")
    if not text:
        raise StsError(900144, {"scope": "refresh_token"})
    stored = entra.tokens.state.refresh_tokens.get(text)
    if stored is None:
        raise StsError(70000)
    grant = entra.tokens.grant_of(stored.grant_id)
    if grant.client_id != app.client_id:
        raise StsError(700003)
    person = _person(entra, app, grant, tenant_path, "refresh_token")
    if grant.revoked_at is not None:
        # The personal sign-in service knows no 50173: it says that the grant is not valid.
        raise StsError(70000 if person.is_personal else 50173)
    if stored.last_used_at + REFRESH_TOKEN_IDLE <= entra.now():
        raise StsError(700082, {"issued_at": f"{stored.issued_at:%Y-%m-%dT%H:%M:%S.%f}0Z"})
    scopes = _scopes(entra, app, asked.get("scope") or " ".join(stored.names))
    tenant = entra.directory.tenants[person.tenant_id]
    if missing_scopes(tenant, person, app.client_id, scopes.resource_names or ("openid",)):
        raise StsError(65001, entra.text_values(app, person))
    stored.last_used_at = entra.now()
    return _answer_person(entra, app, grant, person, scopes, set(scopes.names) | set(stored.names), "", issuer_base)


def _person(entra: Entra, app: App, grant: Grant, tenant_path: str, grant_type: str) -> Person:
    """The person of a grant, if nothing at the account or its tenant stands against a token."""
    person = entra.tokens.person_of(grant)
    if person is None:
        raise StsError(50034, {"user": grant.person_id, "tenant": tenant_path})
    tenant = entra.directory.tenants[person.tenant_id]
    values = entra.text_values(app, person)
    code = take_fault(person.token_faults, grant_type)
    if code is None and tenant_path in ALIASES:
        code = take_fault(tenant.token_faults, grant_type)
    if code is not None:
        issued_at = f"{grant.issued_at:%Y-%m-%dT%H:%M:%S.%f}0Z"
        raise StsError(code, values | {"issued_at": issued_at})
    entra.check_not_blocked(app, person)
    service = tenant.grants.get(app.client_id)
    if service is not None and service.is_disabled:
        raise StsError(7000112, values)
    if person.needs_mfa and not grant.has_mfa:
        raise StsError(50076, values)
    entra.check_account(app, tenant_path, person)
    return person


def _scopes(entra: Entra, app: App, text: str) -> RequestedScopes:
    try:
        return read_scopes(text, entra.graph_urls)
    except ScopeError as wrong:
        raise StsError(wrong.code, {"scope": wrong.scope, "app_name": app.name}) from wrong


def _answer_person(
    entra: Entra,
    app: App,
    grant: Grant,
    person: Person,
    scopes: RequestedScopes,
    allowed: set[str],
    nonce: str,
    issuer_base: str,
) -> dict[str, object]:
    names = tuple(n for n in scopes.names if n != ".default")
    if scopes.is_default:
        names = tuple(dict.fromkeys((*names, *app.scopes)))
    if not set(names) <= allowed | set(app.scopes if scopes.is_default else ()):
        raise StsError(65001, entra.text_values(app, person))
    expires_in = 3600 if person.is_personal else entra.tokens.expires_in()
    issued = AccessToken(
        client_id=app.client_id,
        tenant_id=person.tenant_id,
        expires_at=entra.now() + timedelta(seconds=expires_in),
        person_id=person.id,
        scopes=[n for n in names if n != "offline_access"],
    )
    audience = GRAPH_APP_ID
    sts = f"https://sts.windows.net/{person.tenant_id}/"
    answer: dict[str, object] = {
        "token_type": "Bearer",
        "scope": _echo(scopes, names),
        "expires_in": expires_in,
        "ext_expires_in": expires_in,
        "access_token": entra.tokens.issue_access_token(issued, sts, audience),
    }
    if scopes.wants_refresh_token:
        answer["refresh_token"] = entra.tokens.issue_refresh_token(grant, list(scopes.names))
    if "openid" in names:
        issuer = f"{issuer_base}/{person.tenant_id}/v2.0"
        with_email = "email" in names
        answer["id_token"] = entra.tokens.id_token(person, app.client_id, issuer, nonce, with_email=with_email)
        answer["client_info"] = client_info(person)
    return answer


def _echo(scopes: RequestedScopes, names: tuple[str, ...]) -> str:
    """The granted scopes in the form they were asked for; offline_access is never among them."""
    asked = [scope for scope in scopes.asked if scope != "offline_access" and not scope.endswith("/.default")]
    if scopes.is_default:
        known = {scope.rsplit("/", 1)[-1] for scope in asked}
        asked += [name for name in names if name not in known and name != "offline_access"]
    return " ".join(asked)


def _app_token(
    entra: Entra, app: App, tenant: Tenant | None, tenant_path: str, asked: Mapping[str, str]
) -> dict[str, object]:
    """A token of the app itself: concrete tenant, `<Graph>/.default` alone, the roles an admin granted."""
    values = entra.text_values(app, None, tenant=tenant_path, scope=asked.get("scope", ""))
    if tenant is None or tenant.id == PERSONAL_TENANT_ID:
        raise StsError(9001023, values)
    text = asked.get("scope", "")
    if not text:
        raise StsError(900144, {"scope": "scope"})
    if " " in text.strip() or not text.endswith("/.default"):
        raise StsError(1002012, values)
    if text.removesuffix("/.default").rstrip("/") not in entra.graph_urls:
        raise StsError(70011, values)
    service = tenant.grants.get(app.client_id)
    if service is None and tenant.id != app.home_tenant_id:
        raise StsError(700016, values)
    if service is not None and service.is_disabled:
        raise StsError(7000112, values)
    expires_in = entra.tokens.expires_in()
    issued = AccessToken(
        client_id=app.client_id,
        tenant_id=tenant.id,
        expires_at=entra.now() + timedelta(seconds=expires_in),
        roles=list(service.roles) if service else [],
    )
    text = entra.tokens.issue_access_token(issued, f"https://sts.windows.net/{tenant.id}/", GRAPH_APP_ID)
    return {"token_type": "Bearer", "expires_in": expires_in, "ext_expires_in": expires_in, "access_token": text}
