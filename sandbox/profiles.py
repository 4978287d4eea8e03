"""Who is who in Graph: /me, /users/{id}, /organization. They answer for accounts without a mailbox too."""

import uuid
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.graph import errors
from sandbox.graph.access import Principal, authenticate
from sandbox.graph.calls import Answer, finish
from sandbox.graph.errors import GraphError
from sandbox.graph.routes import refuse
from sandbox.people import Directory, Person, Tenant
from sandbox.world import World

_DEFAULT = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
)  # fmt: skip
_READ_SELF = {"User.Read", "User.ReadBasic.All", "User.Read.All"}
_READ_ALL = {"User.ReadBasic.All", "User.Read.All"}


def profile_routes(world: World, directory: Directory) -> list[BaseRoute]:
    """The routes below /v1.0."""

    def route(path: str, answer: Callable[[Request, Principal], dict[str, Any]]) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                principal = authenticate(world.verifier, request.headers.get("authorization"))
                body = answer(request, principal)
            except GraphError as refused:
                return refuse(world, request, refused)
            request_id = str(uuid.UUID(int=world.random.getrandbits(128), version=4))
            client_request_id = request.headers.get("client-request-id") or request_id
            return finish(world, Answer(200, body), request_id, client_request_id)

        return Route(path, endpoint, methods=["GET"])

    def me(request: Request, principal: Principal) -> dict[str, Any]:
        if principal.oid is None:
            raise errors.bad_request("/me request is only valid with delegated authentication flow.")
        return _user(request, _person(directory, principal, principal.oid))

    def user(request: Request, principal: Principal) -> dict[str, Any]:
        return _user(request, _person(directory, principal, request.path_params["user"]))

    def organization(request: Request, principal: Principal) -> dict[str, Any]:
        tenant = directory.tenants[principal.tenant_id]
        value = [] if tenant.is_personal else [_organization(tenant)]
        return {"@odata.context": _context(request, "organization"), "value": value}

    return [route("/me", me), route("/users/{user}", user), route("/organization", organization)]


def _person(directory: Directory, principal: Principal, named: str) -> Person:
    """Raises GraphError 404 outside the caller's tenant, 403 where the rights do not reach."""
    person = directory.people.get(named.lower()) or next(
        (p for p in directory.people_called(named) if p.tenant_id == principal.tenant_id), None
    )
    if person is None or person.tenant_id != principal.tenant_id:
        raise GraphError(
            404,
            "Request_ResourceNotFound",
            f"Resource '{named}' does not exist or one of its queried reference-property objects are not present.",
        )
    granted = {scope.rsplit("/", 1)[-1] for scope in (principal.scopes if principal.oid else principal.roles)}
    needed = _READ_SELF if principal.oid == person.id else _READ_ALL
    if not granted & (needed if principal.oid else {"User.Read.All"}):
        raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    return person


def _user(request: Request, person: Person) -> dict[str, Any]:
    given, _, family = person.display_name.rpartition(" ")
    known: dict[str, Any] = {
        "businessPhones": [],
        "displayName": person.display_name,
        "givenName": given or None,
        "jobTitle": None,
        # A personal account's mail may be null: clients must fall back to userPrincipalName.
        "mail": None if person.is_personal else person.email,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": family or None,
        "userPrincipalName": person.email,
        "id": person.id,
        "otherMails": [],
        "accountEnabled": person.sign_in_block != 50057,
        "userType": "Member",
        "proxyAddresses": [f"SMTP:{person.email}"],
    }
    select = request.query_params.get("$select", "")
    names = [name.strip() for name in select.split(",")] if select else list(_DEFAULT)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise errors.bad_request(f"Could not find a property named '{unknown[0]}' on type 'microsoft.graph.user'.")
    fragment = f"users({','.join(names)})/$entity" if select else "users/$entity"
    return {"@odata.context": _context(request, fragment), **{name: known[name] for name in names}}


def _organization(tenant: Tenant) -> dict[str, Any]:
    domains = [
        {"capabilities": "Email", "isDefault": i == 0, "isInitial": i == 0, "name": name, "type": "Managed"}
        for i, name in enumerate(tenant.domains)
    ]
    return {"id": tenant.id, "displayName": tenant.name, "tenantType": "AAD", "verifiedDomains": domains}


def _context(request: Request, fragment: str) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/v1.0/$metadata#{fragment}"
