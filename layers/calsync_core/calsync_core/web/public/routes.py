"""The addresses of the public pages. Two functions share them: one for links in mails, one for Microsoft's redirect."""

from calsync_core.web.public.calendars import CalendarPages
from calsync_core.web.public.conflicts import ConflictPage
from calsync_core.web.public.consent import ConsentPages
from calsync_core.web.public.exchange import ExchangePages
from calsync_core.web.public.invitation import InvitationPages
from calsync_core.web.public.manage import ManagePages
from calsync_core.web.public.site import Site
from calsync_core.web.routing import Router


def mail_link_routes(site: Site) -> Router:
    """/i (invitation), /m (manage), /c (conflict)."""
    router = Router()
    invitation = InvitationPages(site)
    router.add("GET", "/i/help", invitation.help)
    router.add("GET", "/i/{token}", invitation.landing)
    router.add("POST", "/i/{token}/continue", invitation.go_on)
    router.add("GET", "/i/{token}/it", invitation.for_it)
    router.add("GET", "/i/{token}/not-me", invitation.ask_not_me)
    router.add("POST", "/i/{token}/not-me", invitation.not_me)
    router.add("POST", "/i/{token}/new", invitation.renew)
    router.add("POST", "/i/{token}/manage-link", invitation.send_manage_link)
    manage = ManagePages(site)
    router.add("GET", "/m/{link}", manage.overview)
    router.add("GET", "/m/{link}/progress", manage.progress)
    router.add("POST", "/m/{link}/pause", manage.pause)
    router.add("POST", "/m/{link}/resume", manage.resume)
    router.add("POST", "/m/{link}/sign-in", manage.sign_in)
    router.add("GET", "/m/{link}/disconnect", manage.ask_disconnect)
    router.add("POST", "/m/{link}/disconnect", manage.disconnect)
    router.add("POST", "/m/{link}/new-link", manage.send_new_link)
    calendars = CalendarPages(site, manage)
    router.add("GET", "/m/{link}/account", calendars.ask_account)
    router.add("POST", "/m/{link}/account", calendars.use_account)
    router.add("GET", "/m/{link}/calendars", calendars.ask_calendars)
    router.add("POST", "/m/{link}/calendars", calendars.choose)
    exchange = ExchangePages(site, invitation, manage)
    router.add("GET", "/i/{token}/exchange", exchange.of_invitation)
    router.add("POST", "/i/{token}/exchange", exchange.enter_by_invitation)
    router.add("GET", "/m/{link}/exchange", exchange.of_resource)
    router.add("POST", "/m/{link}/exchange", exchange.enter_by_resource)
    conflict = ConflictPage(site)
    router.add("GET", "/c/{link}", conflict.show)
    router.add("POST", "/c/{link}", conflict.resolve)
    return router


def redirect_routes(site: Site) -> Router:
    """/oauth: one registered redirect address, and an alias for approvals."""
    router = Router()
    consent = ConsentPages(site)
    router.add("GET", "/oauth/callback", consent.callback)
    router.add("GET", "/oauth/admin", consent.approval)
    return router
