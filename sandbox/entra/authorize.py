"""The authorize address: everything about the request is checked before a person sees a page.

What could send a browser to a foreign address (unknown app, unregistered redirect URI) ends on an error page of
ours; every later refusal goes back to the app as `error`, `error_description`, `state`.
"""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from sandbox.entra.answers import error_page, refuse_app
from sandbox.entra.errors import StsError
from sandbox.entra.flow import next_step
from sandbox.entra.forms import parameters
from sandbox.entra.scopes import RequestedScopes, ScopeError, read_scopes
from sandbox.entra.service import Entra, SignIn, new_sign_in_id
from sandbox.people import App

PROMPTS = {"", "login", "none", "consent", "select_account"}
CHALLENGE = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


async def authorize(entra: Entra, request: Request) -> Response:
    """GET or POST /{tenant}/oauth2/v2.0/authorize."""
    asked = await parameters(request)
    tenant_path = request.path_params["tenant"]
    try:
        app = entra.app(asked.get("client_id", ""), tenant_path)
        redirect_uri = _check_redirect_uri(app, asked)
        entra.check_path(app, tenant_path)
    except StsError as refused:
        return error_page(entra, refused)
    sign_in = SignIn(
        id=new_sign_in_id(),
        kind="authorize",
        tenant_path=tenant_path,
        client_id=app.client_id,
        redirect_uri=redirect_uri,
        started_at=entra.now(),
        state=asked.get("state", ""),
        response_mode=asked.get("response_mode", "query"),
        nonce=asked.get("nonce", ""),
        prompt=asked.get("prompt", ""),
        login_hint=asked.get("login_hint", ""),
        wants_client_info=asked.get("client_info") == "1",
    )
    try:
        _read_request(entra, sign_in, app, asked)
    except StsError as refused:
        return refuse_app(entra, sign_in, refused)
    _use_session(entra, request, sign_in)
    if sign_in.prompt == "none" and not sign_in.person_id:
        return refuse_app(entra, sign_in, StsError(50058))
    entra.remember(sign_in)
    return next_step(entra, request, sign_in)


async def admin_consent(entra: Entra, request: Request, *, version: int) -> Response:
    """GET /{tenant}/adminconsent (all registered permissions) and /{tenant}/v2.0/adminconsent (named scopes)."""
    asked = await parameters(request)
    tenant_path = request.path_params["tenant"]
    try:
        app = entra.app(asked.get("client_id", ""), tenant_path)
        redirect_uri = _check_redirect_uri(app, asked)
        entra.check_admin_path(app, tenant_path)
        scopes = None if version == 1 else _read_scopes(entra, app, asked)
    except StsError as refused:
        return error_page(entra, refused)
    sign_in = SignIn(
        id=new_sign_in_id(),
        kind="adminconsent" if scopes is None else "adminconsent_v2",
        tenant_path=tenant_path,
        client_id=app.client_id,
        redirect_uri=redirect_uri,
        started_at=entra.now(),
        state=asked.get("state", ""),
        scope_text=asked.get("scope", ""),
        names=tuple(app.scopes) if scopes is None or scopes.is_default else scopes.names,
        is_default=scopes is None or scopes.is_default,
        login_hint=asked.get("login_hint", ""),
    )
    entra.remember(sign_in)
    return next_step(entra, request, sign_in)


def _check_redirect_uri(app: App, asked: Mapping[str, str]) -> str:
    """The redirect URI, exactly as registered.

    Raises:
        StsError: 50011 when it is not registered, 900144 when none is sent and several are.
    """
    redirect_uri = asked.get("redirect_uri", "")
    if not redirect_uri and len(app.redirect_uris) == 1:
        return app.redirect_uris[0]
    if not redirect_uri:
        raise StsError(900144, {"scope": "redirect_uri"})
    if redirect_uri not in app.redirect_uris:
        raise StsError(50011, {"redirect_uri": redirect_uri, "app": app.client_id})
    return redirect_uri


def _read_request(entra: Entra, sign_in: SignIn, app: App, asked: Mapping[str, str]) -> None:
    """Raises StsError for what is refused at the app's address."""
    if sign_in.response_mode not in ("query", "form_post", "fragment"):
        wrong, sign_in.response_mode = sign_in.response_mode, "query"
        raise StsError(90023, {"scope": f"response_mode {wrong}"})
    if asked.get("response_type") != "code":
        missing = "response_type" not in asked
        raise StsError(900144 if missing else 700054, {"scope": asked.get("response_type", "response_type")})
    if sign_in.prompt not in PROMPTS:
        raise StsError(90023, {"scope": f"prompt {sign_in.prompt}"})
    _read_challenge(sign_in, asked)
    scopes = _read_scopes(entra, app, asked)
    sign_in.scope_text = asked["scope"]
    sign_in.asked, sign_in.names, sign_in.is_default = scopes.asked, scopes.names, scopes.is_default
    if scopes.is_default:
        # ".default" means all that the registration lists, in whatever form.
        sign_in.names = tuple(dict.fromkeys((*(n for n in scopes.names if n != ".default"), *app.scopes)))


def _read_scopes(entra: Entra, app: App, asked: Mapping[str, str]) -> RequestedScopes:
    try:
        return read_scopes(asked.get("scope", ""), entra.graph_urls)
    except ScopeError as wrong:
        raise StsError(wrong.code, {"scope": wrong.scope, "app_name": app.name}) from wrong


def _read_challenge(sign_in: SignIn, asked: Mapping[str, str]) -> None:
    challenge = asked.get("code_challenge", "")
    method = asked.get("code_challenge_method", "plain" if challenge else "")
    if method and not challenge:
        raise StsError(50147)
    if challenge and not CHALLENGE.fullmatch(challenge):
        raise StsError(501491)
    if method not in ("", "plain", "S256"):
        raise StsError(90023, {"scope": f"code_challenge_method {method}"})
    sign_in.code_challenge, sign_in.code_challenge_method = challenge, method


def _use_session(entra: Entra, request: Request, sign_in: SignIn) -> None:
    """Sign in silently where the browser's session names exactly one fitting account and nothing forbids it."""
    if sign_in.prompt in ("login", "select_account"):
        return
    session = entra.session(request)
    known = [entra.directory.people[i] for i in session.people if i in entra.directory.people]
    if sign_in.login_hint:
        known = [p for p in known if p.email == sign_in.login_hint.lower()]
    app = entra.directory.apps[sign_in.client_id]
    fitting = []
    for person in known:
        try:
            entra.check_account(app, sign_in.tenant_path, person)
        except StsError:
            continue
        fitting.append(person)
    if len(fitting) == 1:
        sign_in.person_id = fitting[0].id
        sign_in.has_mfa = session.people[fitting[0].id]
