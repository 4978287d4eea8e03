"""How many calls may be under way to one mailbox: Graph allows four at once and answers the fifth with 429."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

LANES = 4
"""The limit of the service, per app and mailbox (graph.md section 6)."""


class Lanes:
    """Four lanes of one mailbox: bulk work uses three, so that a live change always finds the fourth.

    A batch takes all four, because the service itself runs up to four of its parts at once.
    """

    def __init__(self, lanes: int = LANES) -> None:
        self._lanes = lanes
        self._taken = 0
        self._waiting_batches = 0
        self._changed = Condition()

    @contextmanager
    def one(self, *, is_live: bool = False) -> Iterator[None]:
        limit = self._lanes if is_live else self._lanes - 1
        with self._changed:
            # a batch that waits goes first, else single calls would keep it waiting for ever
            self._changed.wait_for(lambda: self._taken < limit and (is_live or not self._waiting_batches))
            self._taken += 1
        try:
            yield
        finally:
            self._release(1)

    @contextmanager
    def all(self) -> Iterator[None]:
        with self._changed:
            self._waiting_batches += 1
            self._changed.wait_for(lambda: self._taken == 0)
            self._waiting_batches -= 1
            self._taken = self._lanes
        try:
            yield
        finally:
            self._release(self._lanes)

    def _release(self, count: int) -> None:
        with self._changed:
            self._taken -= count
            self._changed.notify_all()
