"""POST /hooks/graph/{path_id}[/lifecycle]: the handshake and the bells of Microsoft Graph.

Answers fast or Microsoft slows everybody down (graph.md 8.3): one look-up, one message per resource, 202. Standard
library only; nothing of a body is logged. Whatever is wrong with one, the answer outside is the same 202.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.ports.outward import Queue
from calsync_core.usecases.receive_notification import Bell, SubscriptionBook, receive_notification

LONGEST_TOKEN = 1024
LONGEST_BODY = 256 * 1024
HEADERS = {
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'",
    "cache-control": "no-store",
}


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
        body = _body(event)
        if body is None or len(body) > LONGEST_BODY:
            return _answer(413)
        bells = self.parse(body)
        if bells is None:
            return _answer(202)
        path_id = str((event.get("pathParameters") or {}).get("path_id", ""))
        try:
            received = receive_notification(path_id, bells, self.book, self.queue)
        except ProviderUnavailableError:
            return _answer(503)  # Graph tries again for four hours
        if received.refused:
            self.count_refused(received.refused)
        return _answer(202)


def _handshake(token: str) -> dict[str, Any]:
    """The decoded token exactly as it came, as plain text (graph.md 8.2); never anything a browser would render."""
    if not token or len(token) > LONGEST_TOKEN or not token.isprintable():
        return _answer(400)
    return _answer(200, token)


def _body(event: Mapping[str, Any]) -> bytes | None:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode(errors="surrogatepass")  # what that gives is no JSON, and is refused as such
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _answer(status: int, body: str = "") -> dict[str, Any]:
    return {"statusCode": status, "headers": HEADERS, "body": body}
