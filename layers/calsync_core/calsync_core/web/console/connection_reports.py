"""The connection test of one mailbox: a page with a button, and the report as its answer."""

from dataclasses import dataclass

from calsync_core.domain.connection_report import ConnectionReport
from calsync_core.domain.connections import Connection
from calsync_core.domain.errors import NotFoundError
from calsync_core.domain.ids import MailboxId
from calsync_core.usecases.check_connection import CheckConnection, check_connection
from calsync_core.web.answers import Answer
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.overview import PROVIDERS
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.report_words import WHO_ACTS, report_text, shown_report


@dataclass(frozen=True, slots=True)
class ConnectionTestPages:
    parts: ConsoleParts

    def ask(self, visit: Visit, mailbox_id: str) -> Answer:
        """Looking tests nothing: the test writes an entry, so it is pressed for."""
        return self._page(visit, self._connection(visit, mailbox_id), None)

    def run(self, visit: Visit, mailbox_id: str) -> Answer:
        connection = self._connection(visit, mailbox_id)
        command = CheckConnection(visit.account, connection.id, self.parts.deployment.public_url)
        return self._page(visit, connection, check_connection(self.parts.ports, command))

    def _connection(self, visit: Visit, mailbox_id: str) -> Connection:
        """Of the session's account. Raises NotFoundError("connection_unknown")."""
        known = len(mailbox_id) <= 64
        found = self.parts.ports.stores.connections.get(visit.account, MailboxId(mailbox_id)) if known else None
        if found is None:
            raise NotFoundError("connection_unknown")
        return found

    def _page(self, visit: Visit, connection: Connection, report: ConnectionReport | None) -> Answer:
        return self.parts.frame.show(
            visit,
            "connection_test",
            section="connections",
            connection=connection,
            provider=PROVIDERS[connection.identity.provider],
            report=report,
            shown=shown_report(report) if report else (),
            text=report_text(report) if report else "",
            actors=WHO_ACTS,
        )
