"""The steps of a person's sign-in: choose an account, password, second factor, consent, back to the app.

`next_step` looks how far a sign-in has come and shows the page that is due; each form posts to its own address,
changes one thing and asks `next_step` again.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox.entra.answers import answer_app, error_page, page, refuse_app
from sandbox.entra.consent import consent_step, take_approval, take_consent
from sandbox.entra.errors import StsError
from sandbox.entra.forms import form
from sandbox.entra.service import (
    SESSION_COOKIE,
    WRONG_PASSWORDS_UNTIL_LOCKED,
    BrowserSession,
    Entra,
    SignIn,
)
from sandbox.people import Person
from sandbox.tokens import Code, client_info

WRONG_PASSWORD = "Your account or password is incorrect. If you don't remember your password, ask an administrator."


@dataclass(frozen=True)
class Account:
    """One line of the account picker; `value` is what its form field sends."""

    value: str
    person: Person
    tenant: str


def next_step(entra: Entra, request: Request, sign_in: SignIn) -> Response:
    """Show the page that is due, or answer the app when nothing is left to ask."""
    if not sign_in.person_id:
        return _pick_page(entra, request, sign_in)
    app = entra.directory.apps[sign_in.client_id]
    try:
        person = entra.person(sign_in)
        entra.check_not_blocked(app, person)
    except StsError as refused:
        if sign_in.prompt == "none" or refused.code == 50105:
            return refuse_app(entra, sign_in, refused)
        return error_page(entra, refused)
    if person.needs_mfa and not sign_in.has_mfa:
        if sign_in.prompt == "none":
            return refuse_app(entra, sign_in, StsError(50076))
        number = 10 + sum(sign_in.id.encode()) % 89
        return page("mfa.html", sign_in=sign_in, person=person, number=number)
    return consent_step(entra, sign_in, person) or _finish(entra, sign_in, person)


async def log_in(entra: Entra, request: Request) -> Response:
    """POST /{tenant}/login with ctx, username, password."""
    fields = await form(request)
    try:
        sign_in = entra.waiting(fields.get("ctx", ""))
    except StsError as refused:
        return error_page(entra, refused)
    username = fields.get("username", "")
    if username in ("", "other"):
        username = fields.get("other_username", "")
    person = _account(entra, sign_in, username)
    if person is None or not person.may_sign_in:
        return _pick_page(entra, request, sign_in, problem=f"There is no account for “{username}” here.")
    known = entra.session(request)
    if person.id not in known.people or sign_in.prompt == "login":
        if person.wrong_passwords >= WRONG_PASSWORDS_UNTIL_LOCKED:
            return error_page(entra, StsError(50053))
        if not secrets.compare_digest(fields.get("password", "").encode(), (person.password or "").encode()):
            person.wrong_passwords += 1
            return _pick_page(entra, request, sign_in, chosen=username, problem=WRONG_PASSWORD)
    person.wrong_passwords = 0
    app = entra.directory.apps[sign_in.client_id]
    try:
        entra.check_account(app, sign_in.tenant_path, person)
    except StsError as refused:
        return error_page(entra, refused)
    sign_in.person_id = person.id
    sign_in.has_mfa = known.people.get(person.id, False)
    return _with_session(entra, request, sign_in, next_step(entra, request, sign_in))


async def second_factor(entra: Entra, request: Request) -> Response:
    """POST /{tenant}/mfa with ctx and answer=approve|deny."""
    fields = await form(request)
    try:
        sign_in = entra.waiting(fields.get("ctx", ""))
        person = entra.person(sign_in)
    except StsError as refused:
        return error_page(entra, refused)
    if fields.get("answer") != "approve":
        return error_page(entra, StsError(50074, {"user": person.email}))
    sign_in.has_mfa = True
    return _with_session(entra, request, sign_in, next_step(entra, request, sign_in))


async def answer_consent(entra: Entra, request: Request) -> Response:
    """POST /{tenant}/consent with ctx, answer=accept|cancel and, by admins, for_organization=1."""
    fields = await form(request)
    try:
        sign_in = entra.waiting(fields.get("ctx", ""))
        person = entra.person(sign_in)
    except StsError as refused:
        return error_page(entra, refused)
    return take_consent(entra, sign_in, person, fields) or next_step(entra, request, sign_in)


async def answer_approval(entra: Entra, request: Request) -> Response:
    """POST /{tenant}/approval with ctx and answer=back|request|back_after_request."""
    fields = await form(request)
    try:
        sign_in = entra.waiting(fields.get("ctx", ""))
        person = entra.person(sign_in)
    except StsError as refused:
        return error_page(entra, refused)
    return take_approval(entra, sign_in, person, fields)


async def switch_account(entra: Entra, request: Request) -> Response:
    """POST /{tenant}/switch with ctx: forget the chosen account and show the picker again."""
    fields = await form(request)
    try:
        sign_in = entra.waiting(fields.get("ctx", ""))
    except StsError as refused:
        return error_page(entra, refused)
    sign_in.person_id, sign_in.has_mfa = "", False
    sign_in.login_hint = ""
    return _pick_page(entra, request, sign_in)


def _account(entra: Entra, sign_in: SignIn, username: str) -> Person | None:
    """The account meant by an id or address; with both kinds of one address the path decides, else work."""
    if username in entra.directory.people:
        return entra.directory.people[username]
    called = entra.directory.people_called(username)
    if sign_in.tenant_path == "consumers":
        called = sorted(called, key=lambda p: not p.is_personal)
    return called[0] if called else None


def _pick_page(entra: Entra, request: Request, sign_in: SignIn, *, chosen: str = "", problem: str = "") -> Response:
    people = sorted(_offered(entra, sign_in), key=lambda p: p.display_name)
    addresses = [p.email for p in people]
    accounts = [Account(p.id if addresses.count(p.email) > 1 else p.email, p, _tenant_name(entra, p)) for p in people]
    chosen = (chosen or sign_in.login_hint).lower()
    accounts.sort(key=lambda a: chosen not in (a.value, a.person.email))
    return page(
        "pick.html",
        200 if not problem else 401,
        sign_in=sign_in,
        app=entra.directory.apps[sign_in.client_id],
        accounts=accounts,
        chosen=chosen,
        is_offered=any(chosen in (a.value, a.person.email) for a in accounts),
        signed_in=entra.session(request).people,
        problem=problem,
    )


def _offered(entra: Entra, sign_in: SignIn) -> Iterable[Person]:
    """Who stands in the picker: everybody who can sign in, so that the wrong account can be chosen too."""
    people = [p for p in entra.directory.people.values() if p.may_sign_in]
    if sign_in.tenant_path == "consumers":
        return [p for p in people if p.is_personal]
    if sign_in.tenant_path == "organizations" or sign_in.kind != "authorize":
        return [p for p in people if not p.is_personal]
    return people


def _tenant_name(entra: Entra, person: Person) -> str:
    return "Personal account" if person.is_personal else entra.directory.tenants[person.tenant_id].name


def _with_session(entra: Entra, request: Request, sign_in: SignIn, response: Response) -> Response:
    """Note the sign-in in the browser's session, so that the next one needs no password."""
    key = request.cookies.get(SESSION_COOKIE, "")
    if key not in entra.sessions:
        key = secrets.token_urlsafe(32)
        entra.sessions[key] = BrowserSession()
    people = entra.sessions[key].people
    people[sign_in.person_id] = people.get(sign_in.person_id, False) or sign_in.has_mfa
    response.set_cookie(SESSION_COOKIE, key, httponly=True, samesite="lax", path="/")
    return response


def _finish(entra: Entra, sign_in: SignIn, person: Person) -> Response:
    """Hand the code to the app."""
    grant = entra.tokens.open_grant(person, sign_in.client_id, has_mfa=sign_in.has_mfa)
    code = entra.tokens.issue_code(
        Code(
            grant_id=grant.id,
            tenant_path=sign_in.tenant_path,
            redirect_uri=sign_in.redirect_uri,
            asked=list(sign_in.asked),
            names=list(sign_in.names),
            nonce=sign_in.nonce,
            code_challenge=sign_in.code_challenge,
            code_challenge_method=sign_in.code_challenge_method,
            issued_at=entra.now(),
        )
    )
    fields = {"code": code, "session_state": grant.id}
    if sign_in.wants_client_info:
        fields["client_info"] = client_info(person)
    return answer_app(entra, sign_in, fields)
