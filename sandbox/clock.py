"""The sandbox's clock: real time plus an offset that tests and the control page can move."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the sandbox's time. All of the sandbox asks this clock and never the machine's."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """Return the sandbox's time as an aware UTC instant."""
        return datetime.now(UTC) + self._offset

    @property
    def offset(self) -> timedelta:
        """How far the clock stands from real time."""
        return self._offset

    def advance(self, by: timedelta) -> None:
        """Move the clock by that much; a negative value moves it back."""
        self._offset += by

    def set(self, instant: datetime) -> None:
        """Let the clock show this aware instant now and run on from there.

        Raises ValueError for a naive datetime.
        """
        if instant.tzinfo is None:
            raise ValueError("the clock is set to aware instants only")
        self._offset = instant.astimezone(UTC) - datetime.now(UTC)
