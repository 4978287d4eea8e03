"""What the parts of the sign-in service share: addresses, waiting sign-ins, browser sessions, the checks of an app.

A waiting sign-in (`SignIn`) carries one visit of a browser from the authorize address to the answer at the
redirect address. It lives in memory only: after a restart the person starts again, as after an hour.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from starlette.requests import Request

from sandbox.entra.errors import StsError
from sandbox.people import PERSONAL_TENANT_ID, App, Directory, Person, Tenant, TokenFault
from sandbox.tokens import Tokens

SESSION_COOKIE = "ESTSAUTH"
SIGN_IN_LIFETIME = timedelta(hours=1)
WRONG_PASSWORDS_UNTIL_LOCKED = 10

Kind = Literal["authorize", "adminconsent", "adminconsent_v2"]


@dataclass
class SignIn:
    """One visit of a browser: what was asked, and how far the person has come."""

    id: str
    kind: Kind
    tenant_path: str
    client_id: str
    redirect_uri: str
    started_at: datetime
    state: str = ""
    response_mode: str = "query"
    scope_text: str = ""
    asked: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    is_default: bool = False
    nonce: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""
    prompt: str = ""
    login_hint: str = ""
    wants_client_info: bool = False
    person_id: str = ""
    has_mfa: bool = False


@dataclass
class BrowserSession:
    """The accounts that are signed in in one browser: person id -> has passed MFA."""

    people: dict[str, bool] = field(default_factory=dict)


@dataclass
class Entra:
    """The sign-in service. `people_url` is the http address of pages, `graph_urls` the origins meaning Graph."""

    now: Callable[[], datetime]
    directory: Directory
    tokens: Tokens
    people_url: str
    graph_urls: tuple[str, ...]
    sign_ins: dict[str, SignIn] = field(default_factory=dict)
    sessions: dict[str, BrowserSession] = field(default_factory=dict)

    def remember(self, sign_in: SignIn) -> None:
        """Keep a waiting sign-in and drop those older than an hour."""
        limit = self.now() - SIGN_IN_LIFETIME
        self.sign_ins = {k: s for k, s in self.sign_ins.items() if s.started_at > limit}
        self.sign_ins[sign_in.id] = sign_in

    def waiting(self, sign_in_id: str) -> SignIn:
        """Raises StsError 50089 when the sign-in is unknown or older than an hour."""
        found = self.sign_ins.get(sign_in_id)
        if found is None or found.started_at < self.now() - SIGN_IN_LIFETIME:
            raise StsError(50089)
        return found

    def session(self, request: Request) -> BrowserSession:
        """The browser's session; an empty one when it has none."""
        return self.sessions.get(request.cookies.get(SESSION_COOKIE, ""), BrowserSession())

    def person(self, sign_in: SignIn) -> Person:
        """The person who has signed in; raises StsError 50034 when the account was deleted meanwhile."""
        person = self.directory.people.get(sign_in.person_id)
        if person is None:
            raise StsError(50034, {"user": sign_in.login_hint, "tenant": sign_in.tenant_path})
        return person

    def app(self, client_id: str, tenant_path: str) -> App:
        """Raises StsError 900144 for no client id, 700016 for an unknown one."""
        if not client_id:
            raise StsError(900144, {"scope": "client_id"})
        app = self.directory.apps.get(client_id)
        if app is None:
            raise StsError(700016, {"app": client_id, "tenant": tenant_path})
        return app

    def check_path(self, app: App, tenant_path: str) -> Tenant | None:
        """The tenant of a concrete path, None for an alias the app may use.

        Raises:
            StsError: 90002 unknown tenant, 50194/9002331/9002332 alias that does not fit the app's audience.
        """
        values = {"app": app.client_id, "app_name": app.name, "tenant": tenant_path}
        if tenant_path in ("common", "organizations", "consumers"):
            self._check_alias(app, tenant_path, values)
            return None
        tenant = self.directory.tenant_named(tenant_path)
        if tenant is None:
            raise StsError(90002, values)
        if app.audience == "AzureADMyOrg" and tenant.id != app.home_tenant_id:
            raise StsError(700016, values)
        if tenant.is_personal:
            self._check_alias(app, "consumers", values)
        elif app.audience == "PersonalMicrosoftAccount":
            raise StsError(9002331, values)
        return tenant

    def check_admin_path(self, app: App, tenant_path: str) -> None:
        """As `check_path`, for an admin's consent: personal accounts have no admin (9002332)."""
        if tenant_path in ("consumers", PERSONAL_TENANT_ID):
            raise StsError(9002332, self.text_values(app, None, tenant=tenant_path))
        self.check_path(app, tenant_path)

    def check_not_blocked(self, app: App, person: Person) -> None:
        """Raises StsError with the code that every sign-in of this person meets."""
        if person.sign_in_block:
            raise StsError(person.sign_in_block, self.text_values(app, person))

    def _check_alias(self, app: App, alias: str, values: dict[str, str]) -> None:
        if alias == "consumers" and app.audience in ("AzureADMyOrg", "AzureADMultipleOrgs"):
            raise StsError(9002332, values)
        if app.audience == "AzureADMyOrg":
            raise StsError(50194, values)
        if alias == "organizations" and app.audience == "PersonalMicrosoftAccount":
            raise StsError(9002331, values)
        if alias == "common" and app.audience == "PersonalMicrosoftAccount":
            raise StsError(9002331, values)

    def check_account(self, app: App, tenant_path: str, person: Person) -> None:
        """Refuse a person whose account does not fit the path or the app's audience (50020, 500208)."""
        tenant = self.directory.tenants[person.tenant_id]
        values = {
            "user": person.email,
            "idp": "live.com" if person.is_personal else f"https://sts.windows.net/{tenant.id}/",
            "tenant": tenant_path,
            "app": app.client_id,
        }
        concrete = self.directory.tenant_named(tenant_path)
        if concrete is not None and concrete.id != person.tenant_id:
            raise StsError(50020, values)
        if tenant_path == "consumers" and person.tenant_id != PERSONAL_TENANT_ID:
            raise StsError(500208, values)
        if person.is_personal and (
            tenant_path == "organizations" or app.audience in ("AzureADMyOrg", "AzureADMultipleOrgs")
        ):
            raise StsError(50020, values)

    def text_values(self, app: App, person: Person | None, **more: str) -> dict[str, str]:
        """The values that fill the texts of AADSTS codes."""
        values = {"app": app.client_id, "app_name": app.name, **more}
        if person is not None:
            values |= {"user": person.email, "tenant": self.directory.tenants[person.tenant_id].name}
        return values


def new_sign_in_id() -> str:
    """Draw the opaque id that the forms carry as `ctx`."""
    return "rQQ" + secrets.token_urlsafe(48)


def take_fault(faults: list[TokenFault], grant_type: str) -> int | None:
    """Use up one injected failure that fits the grant type and return its code."""
    for fault in faults:
        if fault.grant_type not in (None, grant_type):
            continue
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                faults.remove(fault)
        return fault.code
    return None
