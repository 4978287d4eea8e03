"""Who has allowed the app what: the consent page, "Need admin approval", and an admin's consent for everyone."""

from starlette.responses import Response

from sandbox.entra.answers import answer_app, error_page, page, refuse_app
from sandbox.entra.errors import StsError
from sandbox.entra.scopes import DELEGATED, ROLES, SIGN_IN_SCOPES, needs_admin
from sandbox.entra.service import Entra, SignIn
from sandbox.people import App, AppGrant, Person, Tenant


def granted_scopes(tenant: Tenant, person: Person, client_id: str) -> set[str]:
    """All delegated scopes the app has for this person, granted by him or by an admin for everyone."""
    by_admin = tenant.grants.get(client_id)
    granted = set(person.consents.get(client_id, ()))
    return granted | set(by_admin.scopes) if by_admin else granted


def missing_scopes(tenant: Tenant, person: Person, client_id: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """What of these scopes nobody has granted yet. An admin's consent covers the sign-in scopes as well."""
    granted = granted_scopes(tenant, person, client_id)
    covered = set(SIGN_IN_SCOPES) | {"User.Read"} if client_id in tenant.grants else set()
    return tuple(name for name in names if name not in granted | covered)


def consent_step(entra: Entra, sign_in: SignIn, person: Person) -> Response | None:
    """The consent page that is due, or None when the app may have its answer."""
    app = entra.directory.apps[sign_in.client_id]
    tenant = entra.directory.tenants[person.tenant_id]
    if sign_in.kind != "authorize":
        return _admin_page(entra, sign_in, app, tenant, person)
    service = tenant.grants.get(app.client_id)
    if service is not None and service.is_disabled:
        return refuse_app(entra, sign_in, StsError(7000112, entra.text_values(app, person)))
    missing = missing_scopes(tenant, person, app.client_id, sign_in.names)
    if not missing and sign_in.prompt != "consent":
        return None
    if sign_in.prompt == "none":
        return refuse_app(entra, sign_in, StsError(65001, entra.text_values(app, person)))
    if missing and not person.is_personal and not person.is_admin and needs_admin(missing, tenant.consent_policy):
        return _approval_page(sign_in, app, tenant, person)
    names = [name for name in sign_in.names if name in DELEGATED]
    return page(
        "consent.html",
        sign_in=sign_in,
        app=app,
        person=person,
        tenant=tenant,
        items=[DELEGATED[name] for name in names],
        may_grant_for_all=person.is_admin and not person.is_personal,
        for_all=False,
    )


def take_consent(entra: Entra, sign_in: SignIn, person: Person, fields: dict[str, str]) -> Response | None:
    """Write down the answer of the consent page; None when the sign-in goes on.

    `fields`: answer=accept|cancel and, by admins, for_organization=1.
    """
    if sign_in.kind != "authorize":
        return _answer_admin(entra, sign_in, person, is_accepted=fields.get("answer") == "accept")
    app = entra.directory.apps[sign_in.client_id]
    tenant = entra.directory.tenants[person.tenant_id]
    if fields.get("answer") != "accept":
        return refuse_app(entra, sign_in, StsError(65004), subcode="cancel")
    missing = missing_scopes(tenant, person, app.client_id, sign_in.names)
    if missing and not person.is_personal and not person.is_admin and needs_admin(missing, tenant.consent_policy):
        return refuse_app(entra, sign_in, StsError(90094, entra.text_values(app, person)))
    if fields.get("for_organization") == "1" and person.is_admin and not person.is_personal:
        grant = tenant.grants.setdefault(app.client_id, AppGrant())
        grant.scopes = sorted({*grant.scopes, *sign_in.names})
    else:
        person.consents[app.client_id] = sorted({*person.consents.get(app.client_id, ()), *sign_in.names})
    sign_in.prompt = ""  # prompt=consent is satisfied; asked again it would never end
    return None


def take_approval(entra: Entra, sign_in: SignIn, person: Person, fields: dict[str, str]) -> Response:
    """Answer "Need admin approval": answer=back, or =request where the tenant lets users ask."""
    app = entra.directory.apps[sign_in.client_id]
    tenant = entra.directory.tenants[person.tenant_id]
    if fields.get("answer") == "request" and tenant.consent_policy == "admin_request":
        return page("requested.html", sign_in=sign_in, app=app, person=person, tenant=tenant)
    code = 90095 if fields.get("answer") == "back_after_request" else 90094
    return refuse_app(entra, sign_in, StsError(code, entra.text_values(app, person)))


def _approval_page(sign_in: SignIn, app: App, tenant: Tenant, person: Person) -> Response:
    items = [DELEGATED[name] for name in sign_in.names if name in DELEGATED]
    return page("approval.html", sign_in=sign_in, app=app, person=person, tenant=tenant, items=items)


# An admin's consent for the whole tenant ----------------------------------------------------------------------


def _admin_page(entra: Entra, sign_in: SignIn, app: App, tenant: Tenant, person: Person) -> Response:
    if person.is_personal or not person.is_admin:
        return error_page(entra, StsError(90094, entra.text_values(app, person)))
    items = [DELEGATED[name] for name in sign_in.names if name in DELEGATED]
    if sign_in.is_default:
        items += [(ROLES[role], "The app may do this without a signed-in user.") for role in app.roles]
    return page(
        "consent.html",
        sign_in=sign_in,
        app=app,
        person=person,
        tenant=tenant,
        items=items,
        may_grant_for_all=False,
        for_all=True,
    )


def _answer_admin(entra: Entra, sign_in: SignIn, person: Person, *, is_accepted: bool) -> Response:
    app = entra.directory.apps[sign_in.client_id]
    tenant = entra.directory.tenants[person.tenant_id]
    if person.is_personal or not person.is_admin:
        return error_page(entra, StsError(90094, entra.text_values(app, person)))
    if not is_accepted:
        description = "The admin canceled the request"
        return answer_app(entra, sign_in, {"error": "permission_denied", "error_description": description})
    grant = tenant.grants.setdefault(app.client_id, AppGrant())
    grant.scopes = sorted({*grant.scopes, *sign_in.names})
    if sign_in.is_default:
        grant.roles = sorted({*grant.roles, *app.roles})
    fields = {"admin_consent": "True", "tenant": tenant.id}
    if sign_in.kind == "adminconsent_v2":
        fields["scope"] = sign_in.scope_text
    return answer_app(entra, sign_in, fields)
