"""The routes of the console's function, and what people see when something is refused. Pages are in their own files."""

from collections.abc import Callable
from typing import Any

from calsync_core.domain.errors import CalsyncError
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.console.apps import AppPages
from calsync_core.web.console.conflicts import ConflictPages
from calsync_core.web.console.connection_reports import ConnectionTestPages
from calsync_core.web.console.connections import ConnectionPages
from calsync_core.web.console.disconnecting import DisconnectPages
from calsync_core.web.console.exchange_connect import ExchangeConnectPages
from calsync_core.web.console.history import HistoryPages
from calsync_core.web.console.invitations import InvitationPages
from calsync_core.web.console.overview import OverviewPages
from calsync_core.web.console.own_calendar import OwnCalendarPages
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.console.resources import ResourcePages
from calsync_core.web.console.role_accounts import RoleAccountPages
from calsync_core.web.console.servers import ServerPages
from calsync_core.web.console.settings import SettingsPages
from calsync_core.web.console.signin import SignInPages
from calsync_core.web.console.synclog import LogPages
from calsync_core.web.console.why import WhyPages
from calsync_core.web.problems import problem_page
from calsync_core.web.request import Request
from calsync_core.web.routing import Router, web_handler
from calsync_core.web.static_files import static_file


def console_handler(parts: ConsoleParts, sign_in: SignInPages) -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """A Lambda handler for /, /console*, /signin* and /static*."""
    router = Router()
    _add_public(router, sign_in, parts)
    _add_lists(router, parts)
    _add_servers(router, parts)
    _add_role_accounts(router, parts)
    _add_resource(router, parts)

    def on_error(_request: Request | None, error: CalsyncError) -> Answer:
        frame = parts.frame
        is_signed_out = error.code == "session_missing"
        way_on = ("/signin?next=console", "Sign in") if is_signed_out else ("/console", "Overview")
        return problem_page(frame.pages, error, locale=frame.locale, way_on=way_on)

    return web_handler(router, on_error)


def _add_public(router: Router, sign_in: SignInPages, parts: ConsoleParts) -> None:
    router.add("GET", "/", lambda _request: see_other("/console"))
    router.add("GET", "/signin", sign_in.start)
    router.add("GET", "/signin/callback", sign_in.finish)
    router.add("POST", "/signin/out", parts.frame.change(sign_in.sign_out))
    router.add("GET", "/static/{name}", lambda _request, name: static_file(name))


def _add_lists(router: Router, parts: ConsoleParts) -> None:
    read, change = parts.frame.read, parts.frame.change
    overview, invitations = OverviewPages(parts), InvitationPages(parts)
    router.add("GET", "/console", read(overview.show))
    router.add("GET", "/console/export.csv", read(overview.export))
    router.add("POST", "/console/refresh", change(overview.refresh))
    router.add("GET", "/console/invite", read(invitations.form))
    router.add("POST", "/console/invite", change(invitations.send))
    settings = SettingsPages(parts)
    router.add("GET", "/console/settings", read(settings.show))
    router.add("POST", "/console/settings", change(settings.change))
    conflicts = ConflictPages(parts)
    router.add("GET", "/console/conflicts", read(conflicts.show))
    router.add("POST", "/console/conflicts", change(conflicts.settle_all))
    router.add("POST", "/console/conflicts/{conflict_id}", change(conflicts.resolve))
    log = LogPages(parts)
    router.add("GET", "/console/log", read(log.show))
    router.add("GET", "/console/log.csv", read(log.export))
    connections = ConnectionPages(parts)
    router.add("GET", "/console/connections", read(connections.show))
    router.add("POST", "/console/connections/keys", change(connections.create_key))
    apps, tests = AppPages(parts, connections), ConnectionTestPages(parts)
    router.add("POST", "/console/connections/apps/code", change(apps.unlock))
    router.add("POST", "/console/connections/apps/invitations", change(apps.choose))
    router.add("GET", "/console/connections/mailboxes/{mailbox_id}/test", read(tests.ask))
    router.add("POST", "/console/connections/mailboxes/{mailbox_id}/test", change(tests.run))
    router.add("POST", "/console/connections/keys/{key_id}/revoke", change(connections.revoke_key))


def _add_servers(router: Router, parts: ConsoleParts) -> None:
    read, change = parts.frame.read, parts.frame.change
    pages, base = ServerPages(parts), "/console/connections/servers"
    router.add("GET", f"{base}/new", read(pages.ask_new))
    router.add("POST", base, change(pages.create))
    router.add("GET", f"{base}/{{server_id}}", read(pages.show))
    for name, view in (
        ("", pages.change),
        ("/test", pages.test),
        ("/service", pages.set_service),
        ("/service/remove", pages.forget_service),
        ("/remove", pages.remove),
    ):
        router.add("POST", f"{base}/{{server_id}}{name}", change(view))


def _add_role_accounts(router: Router, parts: ConsoleParts) -> None:
    read, change = parts.frame.read, parts.frame.change
    pages, base = RoleAccountPages(parts), "/console/connections/role-accounts"
    router.add("GET", f"{base}/new", read(pages.ask_new))
    router.add("POST", base, change(pages.create))
    router.add("GET", f"{base}/{{role_id}}", read(pages.show))
    for name, view in (("", pages.change), ("/test", pages.test), ("/remove", pages.remove)):
        router.add("POST", f"{base}/{{role_id}}{name}", change(view))


def _add_resource(router: Router, parts: ConsoleParts) -> None:
    read, change = parts.frame.read, parts.frame.change
    base = "/console/resources/{resource_id}"
    pages, settings, disconnecting = ResourcePages(parts), SettingsPages(parts), DisconnectPages(parts)
    router.add("GET", base, read(pages.show))
    for name, view in (
        ("sync", pages.sync),
        ("pause", pages.pause),
        ("resume", pages.resume),
        ("send-again", pages.send_again),
        ("copy-link", pages.copy_link),
        ("withdraw", pages.withdraw),
        ("stop-line", pages.stop_line),
        ("settings", settings.change),
        ("disconnect", disconnecting.do),
        ("connect", OwnCalendarPages(parts, pages).begin),
    ):
        router.add("POST", f"{base}/{name}", change(view))
    exchange = ExchangeConnectPages(parts)
    router.add("GET", f"{base}/exchange", read(exchange.ask))
    router.add("POST", f"{base}/exchange", change(exchange.by_password))
    router.add("POST", f"{base}/exchange/service", change(exchange.by_service))
    router.add("GET", f"{base}/settings", read(settings.show))
    router.add("GET", f"{base}/disconnect", read(disconnecting.ask))
    history = HistoryPages(parts)
    router.add("GET", f"{base}/runs", read(history.runs))
    router.add("GET", f"{base}/runs/{{run}}", read(history.run))
    router.add("POST", f"{base}/runs/{{run}}/undo", change(history.undo))
    router.add("POST", f"{base}/try-again", change(history.try_again))
    router.add("GET", f"{base}/why", read(WhyPages(parts).show))
