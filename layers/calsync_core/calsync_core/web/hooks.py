"""POST /hooks/host/{account}: signed events of the booking system. Answered fast, believed only as "look there"."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from calsync_core.domain.errors import InputError
from calsync_core.domain.ids import AccountId
from calsync_core.ports.outward import Queue
from calsync_core.ports.stores import ResourceStore
from calsync_core.usecases.receive_host_event import HostEvent, receive_host_event
from calsync_core.usecases.refresh_resources import Refreshed
from calsync_core.web.answers import Answer
from calsync_core.web.request import Request

Verify = Callable[[AccountId, Mapping[str, str], bytes], HostEvent]


@dataclass(frozen=True, slots=True)
class HostEvents:
    """`verify` checks the signature under the account's own key; an unknown account has a key that nobody knows."""

    resources: ResourceStore
    queue: Queue
    verify: Verify
    refresh: Callable[[AccountId], Refreshed]

    def receive(self, request: Request, account: str) -> Answer:
        """202 for a signed event, doubled ones included. Raises InputError("event_refused"), "body_too_large",
        "malformed"; ProviderUnavailableError, so that the host sends it again."""
        whose = AccountId(account)
        try:
            event = self.verify(whose, request.headers, request.body)
        except InputError as error:
            raise InputError("event_refused") if error.code == "signature_invalid" else error from None
        receive_host_event(self.resources, self.queue, self.refresh, whose, event)
        return Answer(202, "", "text/plain; charset=utf-8")
