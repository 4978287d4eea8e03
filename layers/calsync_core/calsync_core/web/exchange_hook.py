"""POST /hooks/exchange/{path_id}: what Exchange servers post about subscriptions (ews.md section 4).

Answered at once: one look-up, now and then one small write, one message per resource. Standard library only; nothing of
a body is logged. A stranger, a wrong id and a subscription of ours that is over all get the same "Unsubscribe".
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.ports.outward import Clock, Queue
from calsync_core.usecases.receive_exchange_post import HeardBook, Knock, receive_exchange_post

LONGEST_BODY = 256 * 1024
HEADERS = {
    "content-type": "text/xml; charset=utf-8",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class ExchangeHook:
    """`parse` gives the messages of a body, or None for one that cannot be read; `answer` writes SOAP. No I/O."""

    book: HeardBook
    queue: Queue
    clock: Clock
    parse: Callable[[bytes], Iterable[Knock] | None]
    answer: Callable[[bool], str]
    count_refused: Callable[[int], None]

    def handle(self, event: Mapping[str, Any], _context: object) -> dict[str, Any]:
        body = _body(event)
        if body is None or len(body) > LONGEST_BODY:
            return _answer(413)
        knocks = self.parse(body)
        if knocks is None:
            self.count_refused(1)
            return _answer(400)
        path_id = str((event.get("pathParameters") or {}).get("path_id", ""))
        try:
            heard = receive_exchange_post(path_id, knocks, self.book, self.queue, self.clock)
        except ProviderUnavailableError:
            return _answer(503)  # the server posts it again after 30 s, a minute and so on
        if heard.refused:
            self.count_refused(heard.refused)
        return _answer(200, self.answer(heard.goes_on))


def _body(event: Mapping[str, Any]) -> bytes | None:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode(errors="surrogatepass")  # what that gives is no XML, and is refused as such
    if len(text) > LONGEST_BODY // 3 * 4 + 4:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _answer(status: int, body: str = "") -> dict[str, Any]:
    return {"statusCode": status, "headers": HEADERS, "body": body}
