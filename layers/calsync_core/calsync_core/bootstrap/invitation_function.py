"""Puts together the pages behind links in mails."""

from calsync_core.bootstrap import Handler
from calsync_core.bootstrap.parts import Parts
from calsync_core.config import InvitationConfig, load
from calsync_core.web.public.routes import mail_link_routes
from calsync_core.web.public.site import Site
from calsync_core.web.routing import web_handler


def build() -> Handler:
    """Raises InstallationError("configuration_missing")."""
    site = public_site(Parts(load(InvitationConfig)))
    return web_handler(mail_link_routes(site), site.on_error)


def public_site(parts: Parts) -> Site:
    return Site(parts.pages, parts.journeys, parts.key("links"), parts.key("csrf"))
