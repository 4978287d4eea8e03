"""The time span in scope: fixed at its renewal, kept with the cursor that was opened for it."""

from datetime import datetime, time, timedelta

from calsync_core.domain.appointments import When
from calsync_core.domain.values import value

WEEK = timedelta(days=7)
RENEWAL, STAGGER = WEEK, timedelta(days=1)
"""How often a window is renewed; not all at once: each up to a day later, always the same."""

EARLIEST_YEAR, LATEST_YEAR = 1602, 4499
"""What Exchange can store (Outlook writes 4501 for "never"); beyond it zones cannot be converted either."""


@value(frozen=True, slots=True)
class Window:
    """Half open, UTC. Both sides are read with the same two instants."""

    start_at: datetime
    end_at: datetime

    def holds(self, when: When, zone: str) -> bool:
        start, end = when.interval(zone)
        if start == end:
            return self.start_at <= start < self.end_at
        return start < self.end_at and self.start_at < end  # as `overlap`, asked of everything that is read

    @classmethod
    def around(cls, now: datetime, weeks_back: int, weeks_ahead: int) -> "Window":
        """From whole days, one week longer ahead than asked for, because it is renewed weekly (design.md section 5)."""
        today = datetime.combine(now, time.min, now.tzinfo)
        return cls(today - weeks_back * WEEK, today + (weeks_ahead + 1) * WEEK)
