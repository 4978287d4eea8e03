"""Puts together the page that Microsoft sends the browser back to."""

from calsync_core.bootstrap import Handler
from calsync_core.bootstrap.invitation_function import public_site
from calsync_core.bootstrap.parts import Parts
from calsync_core.config import OauthCallbackConfig, load
from calsync_core.web.public.routes import redirect_routes
from calsync_core.web.routing import web_handler


def build() -> Handler:
    """Raises InstallationError("configuration_missing")."""
    site = public_site(Parts(load(OauthCallbackConfig)))
    return web_handler(redirect_routes(site), site.on_error)
