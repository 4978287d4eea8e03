"""What a series and its occurrences show: pattern, first, last, edited and deleted ones."""

from sandbox.appointments import Appointment, Occurrence
from sandbox.exchange.items.recurrences import show_recurrence
from sandbox.exchange.items.seen import Seen
from sandbox.exchange.items.times import show_instant
from sandbox.exchange.xml import Element, t
from sandbox.recurrence import Recurrence, dates
from sandbox.series import occurrence_on


def original_start(seen: Seen) -> str | None:
    """OriginalStart and RecurrenceId of an occurrence."""
    return show_instant(seen.entry.original_start_at) if isinstance(seen.entry, Occurrence) else None


def _series(seen: Seen) -> tuple[Appointment, Recurrence] | None:
    entry = seen.entry
    if isinstance(entry, Appointment) and entry.recurrence is not None:
        return entry, entry.recurrence
    return None


def recurrence(seen: Seen) -> Element | None:
    """Recurrence of a series."""
    series = _series(seen)
    return show_recurrence(series[1], series[0].content.start) if series else None


def _occurrence(name: str, seen: Seen, occurrence: Occurrence) -> Element:
    shown = seen.item.with_entry(occurrence)
    content = occurrence.content
    return t(
        name,
        shown.id_element,
        t("Start", show_instant(content.start_at)),
        t("End", show_instant(content.end_at)),
        t("OriginalStart", show_instant(occurrence.original_start_at)),
    )


def first(seen: Seen) -> Element | None:
    """FirstOccurrence."""
    series = _series(seen)
    days = dates(series[1]) if series else iter(())
    for day in days:
        occurrence = occurrence_on(seen.item.master, day)
        if occurrence is not None:
            return _occurrence("FirstOccurrence", seen, occurrence)
    return None


def last(seen: Seen) -> Element | None:
    """LastOccurrence; a series without end has none."""
    series = _series(seen)
    if series is None or series[1].range_type == "noEnd":
        return None
    for day in reversed(list(dates(series[1]))):
        occurrence = occurrence_on(series[0], day)
        if occurrence is not None:
            return _occurrence("LastOccurrence", seen, occurrence)
    return None


def modified(seen: Seen) -> Element | None:
    """ModifiedOccurrences."""
    series = _series(seen)
    if series is None:
        return None
    found = [occurrence_on(series[0], day) for day in sorted(series[0].exceptions)]
    shown = [_occurrence("Occurrence", seen, one) for one in found if one is not None]
    return t("ModifiedOccurrences", shown) if shown else None


def deleted(seen: Seen) -> Element | None:
    """DeletedOccurrences: when each would start."""
    series = _series(seen)
    if series is None or not series[0].cancelled:
        return None
    starts = [Occurrence(series[0], day, series[0].content, None).original_start_at for day in series[0].cancelled]
    shown = [t("DeletedOccurrence", t("Start", show_instant(at))) for at in sorted(starts)]
    return t("DeletedOccurrences", shown)
