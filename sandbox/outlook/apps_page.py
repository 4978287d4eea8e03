"""Connected apps: which apps a person has let in, and the button that ends it (Microsoft's "My Apps")."""

from starlette.responses import RedirectResponse, Response

from sandbox.entra.scopes import DELEGATED, SIGN_IN_SCOPES
from sandbox.outlook.views import Visit


def connected(visit: Visit) -> Response:
    """List the apps with what they may do."""
    directory, tokens = visit.sandbox.directory, visit.sandbox.tokens
    alive = {g.client_id for g in tokens.state.grants.values() if g.person_id == visit.person.id and not g.revoked_at}
    by_admin = directory.tenants[visit.person.tenant_id].grants
    rows = []
    for app in directory.apps.values():
        names = set(visit.person.consents.get(app.client_id, ()))
        if app.client_id in alive and app.client_id in by_admin:
            names |= set(by_admin[app.client_id].scopes)
        shown = sorted({DELEGATED[name][0] for name in names if name not in SIGN_IN_SCOPES and name in DELEGATED})
        if names or app.client_id in alive:
            rows.append((app, shown, app.client_id in alive))
    return visit.page("apps.html", section="apps", rows=rows)


def remove(visit: Visit) -> Response:
    """Take the consent back and end all sign-ins of the app for this person."""
    client_id = visit.request.path_params["client_id"]
    visit.person.consents.pop(client_id, None)
    visit.sandbox.tokens.revoke(visit.person.id, client_id)
    return RedirectResponse(f"{visit.address}/apps", 303)
