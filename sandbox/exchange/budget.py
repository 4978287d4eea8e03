"""The throttling budget of a login: so many requests a minute, then ErrorServerBusy until it has recovered.

Whoever goes on during the back-off makes it longer. Off unless a server's limits say a number: Exchange counts time
and not requests, and its policies cannot be read by clients.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.exchange.errors import SoapFaultError

WINDOW = timedelta(minutes=1)


@dataclass(slots=True)
class _Usage:
    times: deque[datetime] = field(default_factory=deque)
    busy_until: datetime | None = None


class Budgets:
    """Counts the requests of each login."""

    def __init__(self) -> None:
        self._usage: dict[str, _Usage] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._usage.clear()

    def spend(self, person_id: str, allowed: int | None, now: datetime) -> None:
        """Count one request. Raises SoapFaultError with BackOffMilliseconds."""
        if allowed is None:
            return
        usage = self._usage.setdefault(person_id, _Usage())
        while usage.times and usage.times[0] <= now - WINDOW:
            usage.times.popleft()
        usage.times.append(now)
        is_busy = usage.busy_until is not None and usage.busy_until > now
        if is_busy or len(usage.times) > allowed:
            usage.busy_until = now + WINDOW
            back_off = str(int(WINDOW.total_seconds() * 1000))
            raise SoapFaultError("ErrorServerBusy", values={"BackOffMilliseconds": back_off})
