"""The account's Exchange servers: enter, change, test before anybody is invited, service account, remove.

Passwords are read from the form of their press and shown in no answer. Not here: people's sign-ins (web/public).
"""

from dataclasses import dataclass
from typing import Any

from calsync_core.domain.connection_report import ConnectionReport
from calsync_core.domain.errors import CalsyncError
from calsync_core.domain.ids import ServerId
from calsync_core.domain.servers import KnownServer
from calsync_core.usecases.examine_server import TestMailbox, examine_server, service_access, set_service
from calsync_core.usecases.manage_servers import (
    ServerWish,
    ServiceWish,
    add_server,
    change_server,
    connections_of,
    find_known_server,
    forget_service,
    remove_server,
)
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.listing import notice
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.exchange_help import HELP
from calsync_core.web.problems import status_of
from calsync_core.web.report_words import WHO_ACTS, report_text, shown_report
from calsync_core.web.request import Request
from calsync_core.web.wording import wording

BASE = "/console/connections/servers"


@dataclass(frozen=True, slots=True)
class ServerPages:
    parts: ConsoleParts

    def ask_new(self, visit: Visit) -> Answer:
        return self._page(visit, None)

    def create(self, visit: Visit) -> Answer:
        ports = self.parts.ports
        try:
            server = add_server(ports.stores, ports.ids, visit.account, _wish(visit.request))
        except CalsyncError as error:
            return self._page(visit, None, error=error, wish=_wish(visit.request))
        return see_other(f"{BASE}/{server.id}?done=server_saved")

    def show(self, visit: Visit, server_id: str) -> Answer:
        return self._page(visit, self._server(visit, server_id))

    def change(self, visit: Visit, server_id: str) -> Answer:
        server = self._server(visit, server_id)
        wish = _wish(visit.request)
        if not wish.ca_pem and visit.request.field("keep_ca") == "yes" and server.ca_pem:
            wish = ServerWish(wish.title, wish.address, wish.mail_domains, server.ca_pem, wish.is_2007, wish.time_zone)
        try:
            change_server(self.parts.ports.stores, visit.account, server.id, wish)
        except CalsyncError as error:
            return self._page(visit, server, error=error, wish=wish)
        return see_other(f"{BASE}/{server.id}?done=server_saved")

    def remove(self, visit: Visit, server_id: str) -> Answer:
        server = self._server(visit, server_id)
        try:
            remove_server(self.parts.ports.stores, visit.account, server.id)
        except CalsyncError as error:
            return self._page(visit, server, error=error)
        return see_other("/console/connections?done=server_removed")

    def test(self, visit: Visit, server_id: str) -> Answer:
        """The pre-flight check. The report stands in this answer; the password in none."""
        server, request = self._server(visit, server_id), visit.request
        mailbox = TestMailbox(
            request.field("test_address").strip()[:254],
            request.field("test_password"),
            request.field("test_login").strip()[:254],
            request.field("web_mail"),
        )
        try:
            report = examine_server(self.parts.ports, visit.account, server.id, mailbox)
        except CalsyncError as error:
            return self._page(visit, server, error=error, place="test")
        return self._page(visit, self._server(visit, server_id), report=report)

    def set_service(self, visit: Visit, server_id: str) -> Answer:
        server, request = self._server(visit, server_id), visit.request
        try:
            wish = ServiceWish(
                request.field("service_address").strip()[:254],
                request.field("service_login").strip()[:254],
                request.field("service_password"),
                service_access(request.field("access")),
            )
            set_service(self.parts.ports, visit.account, server.id, wish, request.field("mailbox").strip()[:254])
        except CalsyncError as error:
            return self._page(visit, server, error=error, place="service")
        return see_other(f"{BASE}/{server.id}?done=service_saved")

    def forget_service(self, visit: Visit, server_id: str) -> Answer:
        server = self._server(visit, server_id)
        try:
            forget_service(self.parts.ports.stores, server)
        except CalsyncError as error:
            return self._page(visit, server, error=error, place="service")
        return see_other(f"{BASE}/{server.id}?done=service_removed")

    def _server(self, visit: Visit, server_id: str) -> KnownServer:
        return find_known_server(self.parts.ports.stores, visit.account, ServerId(server_id[:64]))

    def _page(
        self,
        visit: Visit,
        server: KnownServer | None,
        *,
        error: CalsyncError | None = None,
        wish: ServerWish | None = None,
        report: ConnectionReport | None = None,
        place: str = "server",
    ) -> Answer:
        """`place` is the section in which the refusal is told."""
        stores = self.parts.ports.stores
        return self.parts.frame.show(
            visit,
            "server",
            section="connections",
            status=status_of(error) if error else 200,
            server=server,
            base=f"{BASE}/{server.id}" if server else BASE,
            wish=wish or _present(server),
            trouble=wording(error.code) if error else None,
            place=place,
            wrong_field=str(error.detail.get("field", "")) if error else "",
            typed=_typed(visit.request),
            report=report,
            shown=shown_report(report) if report else (),
            text=report_text(report) if report else "",
            actors=WHO_ACTS,
            users=len(connections_of(stores, server)) if server else 0,
            last=wording(server.test_code) if server and server.test_code else None,
            service_trouble=wording(server.service_code) if server and server.service_code else None,
            help=HELP,
            notice=notice(visit.request),
        )


def _wish(request: Request) -> ServerWish:
    """A file that was uploaded comes before the text that was pasted."""
    return ServerWish(
        title=request.field("title"),
        address=request.field("address"),
        mail_domains=request.field("mail_domains"),
        ca_pem=request.field("ca_file").strip() or request.field("ca_pem"),
        is_2007=request.field("is_2007") == "yes",
        time_zone=request.field("time_zone"),
    )


def _present(server: KnownServer | None) -> ServerWish:
    if server is None:
        return ServerWish("", "")
    domains = "\n".join(server.mail_domains)
    return ServerWish(server.title, server.address, domains, "", server.is_2007, server.time_zone or "")


def _typed(request: Request) -> dict[str, Any]:
    """What is kept in the forms after a refusal: never a password."""
    names = ("test_address", "test_login", "web_mail", "service_address", "service_login", "mailbox", "access")
    return {name: request.field(name)[:500] for name in names}
