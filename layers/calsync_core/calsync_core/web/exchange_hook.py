"""POST /hooks/exchange/{path_id}: what Exchange servers post about subscriptions (ews.md section 4).

Answered at once: one look-up, now and then one small write, one message per resource. Standard library only; nothing of
a body is logged. A stranger, a wrong id and a subscription of ours that is over all get the same "Unsubscribe".
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.ports.outward import Clock, Queue
from calsync_core.usecases.receive_exchange_post import HeardBook, Knock, receive_exchange_post
from calsync_core.web.posts import answered, posted

_KIND = "text/xml; charset=utf-8"


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
        body = posted(event)
        if body is None:
            return answered(413, _KIND)
        knocks = self.parse(body)
        if knocks is None:
            self.count_refused(1)
            return answered(400, _KIND)
        path_id = str((event.get("pathParameters") or {}).get("path_id", ""))
        try:
            heard = receive_exchange_post(path_id, knocks, self.book, self.queue, self.clock)
        except ProviderUnavailableError:
            return answered(503, _KIND)  # the server posts it again after 30 s, a minute and so on
        if heard.refused:
            self.count_refused(heard.refused)
        return answered(200, _KIND, self.answer(heard.goes_on))
