"""A small Outlook on the sandbox's mailboxes: a person's inbox and week. Plain HTML forms, works without scripts.

Whose page it is stands in the address: /outlook/{address}/mail and /outlook/{address}/calendar.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.microsoft import Sandbox
from sandbox.outlook import apps_page, calendar_page, mail_page
from sandbox.outlook.views import Visit, visit

__all__ = ["outlook_routes"]


def outlook_routes(sandbox: Sandbox) -> list[BaseRoute]:
    """All addresses of the page."""

    def personal(path: str, page: Callable[[Visit], Response], method: str) -> Route:
        async def endpoint(request: Request) -> Response:
            found = await visit(sandbox, request)
            return found if isinstance(found, Response) else page(found)

        return Route(path, endpoint, methods=[method])

    async def home(request: Request) -> Response:
        return mail_page.home(sandbox, request)

    async def all_mail(request: Request) -> Response:
        return mail_page.all_mail(sandbox, request)

    return [
        Route("/outlook", home, name="outlook_home"),
        Route("/outlook/mail", all_mail),
        personal("/outlook/{person}/mail", mail_page.inbox, "GET"),
        personal("/outlook/{person}/mail/{mail:int}", mail_page.one_mail, "GET"),
        personal("/outlook/{person}/mail/{mail:int}/body", mail_page.body, "GET"),
        personal("/outlook/{person}/mail/{mail:int}/delete", mail_page.delete, "POST"),
        personal("/outlook/{person}/mail/{mail:int}/junk", mail_page.report_junk, "POST"),
        personal("/outlook/{person}/apps", apps_page.connected, "GET"),
        personal("/outlook/{person}/apps/{client_id}/remove", apps_page.remove, "POST"),
        personal("/outlook/{person}/calendar", calendar_page.week, "GET"),
        personal("/outlook/{person}/calendar/new", calendar_page.create, "POST"),
        personal("/outlook/{person}/calendar/{entry}", calendar_page.change, "POST"),
    ]
