"""POST /hooks/graph/{path_id}[/lifecycle]: the handshake and the bells of Microsoft Graph.

Answers fast or Microsoft slows everybody down (graph.md 8.3): one look-up, one message per resource, 202. Standard
library only; nothing of a body is logged. Whatever is wrong with one, the answer outside is the same 202.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.ports.outward import Queue
from calsync_core.usecases.receive_notification import Bell, SubscriptionBook, receive_notification
from calsync_core.web.posts import answered, posted

LONGEST_TOKEN = 1024
_KIND = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class GraphHook:
    """`parse` gives the bells of a body, or None for one that cannot be read; it does no I/O."""

    book: SubscriptionBook
    queue: Queue
    parse: Callable[[bytes], Iterable[Bell] | None]
    count_refused: Callable[[int], None]

    def handle(self, event: Mapping[str, Any], _context: object) -> dict[str, Any]:
        token = (event.get("queryStringParameters") or {}).get("validationToken")
        if token is not None:
            return _handshake(token)
        body = posted(event)
        if body is None:
            return answered(413, _KIND)
        bells = self.parse(body)
        if bells is None:
            return answered(202, _KIND)
        path_id = str((event.get("pathParameters") or {}).get("path_id", ""))
        try:
            received = receive_notification(path_id, bells, self.book, self.queue)
        except ProviderUnavailableError:
            return answered(503, _KIND)  # Graph tries again for four hours
        if received.refused:
            self.count_refused(received.refused)
        return answered(202, _KIND)


def _handshake(token: str) -> dict[str, Any]:
    """The decoded token exactly as it came, as plain text (graph.md 8.2); never anything a browser would render."""
    if not token or len(token) > LONGEST_TOKEN or not token.isprintable():
        return answered(400, _KIND)
    return answered(200, _KIND, token)
