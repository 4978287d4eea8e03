"""What a delta round tells about a calendar: from its entries in the first round, from its log in later ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.appointments import Appointment
from sandbox.calendars import LogEntry
from sandbox.graph import ids
from sandbox.graph.delta_tokens import DeltaState
from sandbox.graph.events import Viewer, show_abbreviated, show_event
from sandbox.series import occurrence_on, occurrences_between, overlaps


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are never split over pages: one single event, or a whole series."""

    mark: int
    """Arrival (first round) or log line (later rounds): where the next page goes on."""
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Feed:
    """One calendar as one viewer follows it."""

    viewer: Viewer
    state: DeltaState
    deleted_occurrence: str = "silent"

    def first_round(self) -> Iterator[Group]:
        """All entries in the window that come after the last told one, in order of their arrival."""
        entries = self.viewer.folder.calendar.entries.values()
        for appointment in sorted(entries, key=lambda a: a.arrival):
            if appointment.arrival > self.state.after:
                rows = self._rows(appointment)
                if rows:
                    yield Group(appointment.arrival, rows)

    def later_round(self) -> Iterator[Group]:
        """What changed between the last delta link and this round's end, each entry once, at its last change."""
        begin = max(self.state.position, self.state.after)
        lines = [line for line in self.viewer.folder.calendar.log_after(begin) if line.sequence <= self.state.until]
        for line in _last_lines(lines, self.deleted_occurrence):
            rows = self._changed_rows(line)
            if rows:
                yield Group(line.sequence, rows)

    def _changed_rows(self, line: LogEntry) -> list[dict[str, Any]]:
        appointment = self.viewer.folder.calendar.entries.get(line.entry_id)
        if line.kind == "occurrence_deleted" and self.deleted_occurrence == "removed":
            return [self._removed(line)]
        if appointment is None or appointment.arrival != line.arrival:
            return [self._removed(line)]
        # An entry outside the window reads as removed: moved out and created outside look the same.
        return self._rows(appointment) or [self._removed(line)]

    def _removed(self, line: LogEntry) -> dict[str, Any]:
        text = ids.entry_id_text(
            self.viewer.mailbox,
            self.viewer.folder,
            line.entry_id,
            line.arrival,
            line.day,
            line.pattern_version if line.day else 0,
            immutable=self.viewer.prefer.immutable_ids,
        )
        return {"@removed": {"reason": "deleted"}, "id": text}

    def _rows(self, appointment: Appointment) -> list[dict[str, Any]]:
        start_at, end_at = self.state.window
        if self.state.feed == "events":
            return self._event_rows(appointment, start_at)
        assert start_at is not None
        assert end_at is not None
        if not appointment.is_series:
            inside = overlaps(appointment.content, start_at, end_at)
            return [show_event(self.viewer, appointment)] if inside else []
        occurrences = occurrences_between(appointment, start_at, end_at)
        if not occurrences:
            return []
        shown = [
            show_abbreviated(self.viewer, one) if one.exception is None else show_event(self.viewer, one)
            for one in occurrences
        ]
        return [show_event(self.viewer, appointment), *shown]

    def _event_rows(self, appointment: Appointment, start_at: datetime | None) -> list[dict[str, Any]]:
        """Masters, exceptions and single events; no occurrences."""
        if not appointment.is_series:
            outside = start_at is not None and appointment.content.end_at <= start_at
            return [] if outside else [show_event(self.viewer, appointment)]
        exceptions = [occurrence_on(appointment, day) for day in sorted(appointment.exceptions)]
        shown = [show_event(self.viewer, one) for one in exceptions if one is not None]
        return [show_event(self.viewer, appointment), *shown]


def _last_lines(lines: list[LogEntry], deleted_occurrence: str) -> list[LogEntry]:
    """The last line about each entry, in order. What deleted occurrences tell is a setting."""
    last: dict[tuple[object, ...], LogEntry] = {}
    for line in lines:
        key: tuple[object, ...] = (line.entry_id, line.arrival)
        if line.kind == "occurrence_deleted":
            if deleted_occurrence == "silent":
                continue
            if deleted_occurrence == "removed":
                key = (*key, line.day)
        last.pop(key, None)
        last[key] = line
    return list(last.values())
