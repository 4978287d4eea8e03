"""Limits of one app on one mailbox: four calls at once, 10,000 in ten minutes, 150 MB upload in five.

Source: "Microsoft Graph service-specific throttling limits", Outlook. Calls made during throttling count too.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.graph import errors

MAX_CONCURRENT = 4
MAX_REQUESTS = 10_000
REQUEST_WINDOW = timedelta(minutes=10)
MAX_UPLOAD = 150_000_000
UPLOAD_WINDOW = timedelta(minutes=5)


@dataclass(slots=True)
class _Usage:
    concurrent: int = 0
    requests: deque[datetime] = field(default_factory=deque)
    uploads: deque[tuple[datetime, int]] = field(default_factory=deque)
    uploaded: int = 0


class MailboxLimits:
    """Counts the calls of each app on each mailbox."""

    def __init__(self) -> None:
        self._usage: dict[tuple[str, str], _Usage] = {}

    @contextmanager
    def one_call(self, client_id: str, oid: str, now: datetime, upload: int) -> Iterator[None]:
        """Count a call for as long as the block runs. Raises GraphError 429."""
        usage = self._usage.setdefault((client_id, oid), _Usage())
        self._count(usage, now, upload)
        if usage.concurrent >= MAX_CONCURRENT:
            raise errors.over_concurrency()
        usage.concurrent += 1
        try:
            yield
        finally:
            usage.concurrent -= 1

    def _count(self, usage: _Usage, now: datetime, upload: int) -> None:
        while usage.requests and usage.requests[0] <= now - REQUEST_WINDOW:
            usage.requests.popleft()
        usage.requests.append(now)
        if len(usage.requests) > MAX_REQUESTS:
            free_at = usage.requests[len(usage.requests) - MAX_REQUESTS - 1] + REQUEST_WINDOW
            raise errors.over_rate((free_at - now).total_seconds())
        while usage.uploads and usage.uploads[0][0] <= now - UPLOAD_WINDOW:
            usage.uploaded -= usage.uploads.popleft()[1]
        if usage.uploaded + upload > MAX_UPLOAD:
            raise errors.over_rate((usage.uploads[0][0] + UPLOAD_WINDOW - now).total_seconds())
        if upload:
            usage.uploads.append((now, upload))
            usage.uploaded += upload
