"""Control of registrations: tenants with their consent policy, apps with their secrets, token requests that fail."""

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, Field
from starlette.requests import Request
from starlette.routing import BaseRoute

from sandbox.control.answers import NotThereError, read, route
from sandbox.entra.errors import SHAPES
from sandbox.entra.scopes import DELEGATED, ROLES
from sandbox.microsoft import Sandbox
from sandbox.people import App, AppGrant, Audience, ConsentPolicy, DirectoryError, Secret, Tenant, TokenFault
from sandbox.population import Strict, tenant_for


class TenantInput(Strict):
    """A new tenant."""

    name: str
    domains: list[str] = Field(min_length=1)
    id: str | None = None
    consent_policy: ConsentPolicy = "user"


class TenantChange(Strict):
    """What may change in a tenant."""

    name: str | None = None
    domains: list[str] | None = None
    consent_policy: ConsentPolicy | None = None


class GrantInput(Strict):
    """What an admin of the tenant has allowed an app."""

    scopes: list[str] = Field(default_factory=list)
    roles: list[str] = Field(default_factory=list)
    is_disabled: bool = False


class SecretInput(Strict):
    """A client secret; without value one is drawn, without expiry it lives for 24 months."""

    value: str | None = None
    expires_at: AwareDatetime | None = None


class AppInput(Strict):
    """An app registration; `home_tenant` is a GUID or domain."""

    name: str
    home_tenant: str
    client_id: str | None = None
    redirect_uris: list[str] = Field(default_factory=list)
    audience: Audience = "AzureADandPersonalMicrosoftAccount"
    publisher: str = ""
    secrets: list[SecretInput] = Field(default_factory=list)
    certificates: list[str] = Field(default_factory=list)
    scopes: list[str] = Field(default_factory=list)
    roles: list[str] = Field(default_factory=list)


class AppChange(Strict):
    """What may change in an app registration."""

    name: str | None = None
    redirect_uris: list[str] | None = None
    audience: Audience | None = None
    publisher: str | None = None
    secrets: list[SecretInput] | None = None
    certificates: list[str] | None = None
    scopes: list[str] | None = None
    roles: list[str] | None = None


class TokenFaultInput(Strict):
    """A code of `entra/errors.py` for the next `times` token requests (none given: every one)."""

    code: int
    times: int | None = Field(default=None, ge=1)
    grant_type: str | None = None


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """All addresses of this file."""
    table: list[tuple[str, str, Any, int]] = [
        ("GET", "/control/tenants", _tenants, 200),
        ("POST", "/control/tenants", _add_tenant, 201),
        ("PATCH", "/control/tenants/{tenant}", _change_tenant, 200),
        ("PUT", "/control/tenants/{tenant}/grants/{client_id}", _put_grant, 200),
        ("DELETE", "/control/tenants/{tenant}/grants/{client_id}", _remove_grant, 204),
        ("GET", "/control/apps", _apps, 200),
        ("POST", "/control/apps", _add_app, 201),
        ("PATCH", "/control/apps/{client_id}", _change_app, 200),
        ("POST", "/control/apps/{client_id}/secrets", _add_secret, 201),
        ("POST", "/control/{kind}/{name}/token-faults", _add_token_fault, 201),
        ("DELETE", "/control/{kind}/{name}/token-faults", _clear_token_faults, 204),
    ]
    return [route(sandbox, method, path, handler, status) for method, path, handler, status in table]


async def _tenants(sandbox: Sandbox, _request: Request) -> Any:
    return list(sandbox.directory.tenants.values())


async def _add_tenant(sandbox: Sandbox, request: Request) -> Tenant:
    wanted = await read(request, TenantInput)
    tenant_id = (wanted.id or str(uuid.uuid4())).lower()
    if tenant_id in sandbox.directory.tenants:
        raise DirectoryError(f"tenant {tenant_id!r} exists already")
    domains = [d.lower() for d in wanted.domains]
    return sandbox.directory.add_tenant(Tenant(tenant_id, wanted.name, domains, wanted.consent_policy))


def _tenant(sandbox: Sandbox, request: Request) -> Tenant:
    name = request.path_params["tenant"]
    found = sandbox.directory.tenant_named(name)
    if found is None:
        raise NotThereError(f"there is no tenant {name!r}")
    return found


async def _change_tenant(sandbox: Sandbox, request: Request) -> Tenant:
    tenant = _tenant(sandbox, request)
    wanted = await read(request, TenantChange)
    for name, value in wanted.model_dump(exclude_none=True).items():
        setattr(tenant, name, value)
    return tenant


async def _put_grant(sandbox: Sandbox, request: Request) -> Tenant:
    tenant = _tenant(sandbox, request)
    wanted = await read(request, GrantInput)
    _check_names(wanted.scopes, wanted.roles)
    tenant.grants[request.path_params["client_id"]] = AppGrant(wanted.scopes, wanted.roles, wanted.is_disabled)
    return tenant


async def _remove_grant(sandbox: Sandbox, request: Request) -> None:
    _tenant(sandbox, request).grants.pop(request.path_params["client_id"], None)


async def _apps(sandbox: Sandbox, _request: Request) -> Any:
    return list(sandbox.directory.apps.values())


async def _add_app(sandbox: Sandbox, request: Request) -> App:
    wanted = await read(request, AppInput)
    _check_names(wanted.scopes, wanted.roles)
    client_id = wanted.client_id or str(uuid.uuid4())
    if client_id in sandbox.directory.apps:
        raise DirectoryError(f"app {client_id!r} exists already")
    app = App(
        client_id=client_id,
        name=wanted.name,
        home_tenant_id=tenant_for(sandbox.directory, wanted.home_tenant, "").id,
        redirect_uris=wanted.redirect_uris,
        audience=wanted.audience,
        publisher=wanted.publisher,
        secrets=[_secret(sandbox.world.clock.now(), s) for s in wanted.secrets],
        certificates=wanted.certificates,
        scopes=wanted.scopes,
        roles=wanted.roles,
    )
    sandbox.directory.apps[client_id] = app
    return app


def _app(sandbox: Sandbox, request: Request) -> App:
    client_id = request.path_params["client_id"]
    if client_id not in sandbox.directory.apps:
        raise NotThereError(f"there is no app {client_id!r}")
    return sandbox.directory.apps[client_id]


async def _change_app(sandbox: Sandbox, request: Request) -> App:
    app = _app(sandbox, request)
    wanted = await read(request, AppChange)
    _check_names(wanted.scopes or [], wanted.roles or [])
    for name, value in wanted.model_dump(exclude_none=True, exclude={"secrets"}).items():
        setattr(app, name, value)
    if wanted.secrets is not None:
        app.secrets = [_secret(sandbox.world.clock.now(), s) for s in wanted.secrets]
    return app


async def _add_secret(sandbox: Sandbox, request: Request) -> Secret:
    app = _app(sandbox, request)
    secret = _secret(sandbox.world.clock.now(), await read(request, SecretInput))
    app.secrets.append(secret)
    return secret


def _secret(now: datetime, wanted: SecretInput) -> Secret:
    return Secret(wanted.value or secrets.token_urlsafe(30), wanted.expires_at or now + timedelta(days=730))


def _check_names(scopes: list[str], roles: list[str]) -> None:
    wrong = [s for s in scopes if s not in DELEGATED] + [r for r in roles if r not in ROLES]
    if wrong:
        raise DirectoryError(f"unknown scopes or roles: {', '.join(wrong)}")


async def _add_token_fault(sandbox: Sandbox, request: Request) -> Any:
    wanted = await read(request, TokenFaultInput)
    if wanted.code not in SHAPES:
        raise ValueError(f"unknown code {wanted.code}; known are {sorted(SHAPES)}")
    faults = _token_faults(sandbox, request)
    faults.append(TokenFault(wanted.code, wanted.times, wanted.grant_type))
    return faults


async def _clear_token_faults(sandbox: Sandbox, request: Request) -> None:
    _token_faults(sandbox, request).clear()


def _token_faults(sandbox: Sandbox, request: Request) -> list[TokenFault]:
    """The faults of a person, a tenant or an app. Raises NotThereError."""
    kind, name = request.path_params["kind"], request.path_params["name"]
    directory = sandbox.directory
    if kind == "people" and name in directory.people:
        return directory.people[name].token_faults
    if kind == "people" and (person := directory.person_called(name)):
        return person.token_faults
    if kind == "tenants" and (tenant := directory.tenant_named(name)):
        return tenant.token_faults
    if kind == "apps" and name in directory.apps:
        return directory.apps[name].token_faults
    raise NotThereError(f"there is no {name!r} among the {kind}")
