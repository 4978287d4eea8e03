"""A dry run in words: numbers, examples, and what a title looks like. What is counted: usecases/dry_run_settings.py."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from calsync_core.domain.appointments import Booking, BookingStatus, Customer, Notes, Timed
from calsync_core.domain.ids import BookingId, ResourceId
from calsync_core.domain.resources import Owner, Resource, ResourceKind, ResourceState
from calsync_core.domain.settings import CUSTOM, SyncSettings
from calsync_core.engine.project import project_booking
from calsync_core.usecases.dry_run_settings import Done, DryRun
from calsync_core.web.when import shown_when


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


_NUMBERS: dict[Done, tuple[str, str]] = {
    Done.COPY_ADDED: (_("%(num)s entry is written into a calendar"), _("%(num)s entries are written into calendars")),
    Done.COPY_REWRITTEN: (
        _("%(num)s entry in a calendar is rewritten"), _("%(num)s entries in calendars are rewritten"),
    ),
    Done.COPY_REMOVED: (
        _("%(num)s entry is removed from a calendar"), _("%(num)s entries are removed from calendars"),
    ),
    Done.BLOCK_ADDED: (_("%(num)s time is blocked"), _("%(num)s times are blocked")),
    Done.BLOCK_REWRITTEN: (_("%(num)s blocked time is rewritten"), _("%(num)s blocked times are rewritten")),
    Done.BLOCK_REMOVED: (_("%(num)s blocked time becomes free"), _("%(num)s blocked times become free")),
    Done.BOOKING_ASKED: (
        _("the booking system is asked to change %(num)s booking"),
        _("the booking system is asked to change %(num)s bookings"),
    ),
}  # fmt: skip
_KINDS = {
    Done.COPY_ADDED: _("Written into the calendar"),
    Done.COPY_REWRITTEN: _("Rewritten in the calendar"),
    Done.COPY_REMOVED: _("Removed from the calendar"),
    Done.BLOCK_ADDED: _("Blocked"),
    Done.BLOCK_REWRITTEN: _("Blocked anew"),
    Done.BLOCK_REMOVED: _("Becomes free"),
    Done.BOOKING_ASKED: _("Asked of the booking system"),
}
_PARTS = {
    "title": _("title"),
    "when": _("time"),
    "notes": _("notes"),
    "location": _("place"),
    "busy": _("how the time counts"),
    "is_private": _("private or not"),
    "reminder": _("alarm"),
    "time_zone": _("time zone"),
}
_START = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ToldExample:
    what: str
    when: str
    before: str
    after: str
    changed: tuple[str, ...]


def told_counts(run: DryRun) -> list[tuple[int, str, str]]:
    """Numbers that are not zero, each with its sentence in singular and plural."""
    return [
        (number, *words) for done, words in _NUMBERS.items() if (number := getattr(run.counts, done.value))
    ]  # fmt: skip


def told_examples(run: DryRun, zone: str) -> list[ToldExample]:
    return [
        ToldExample(
            _KINDS[one.done], shown_when(one.when, zone), one.before or "", one.after or "",
            tuple(_PARTS[name] for name in one.changed),
        )
        for one in run.examples
    ]  # fmt: skip


def example_title(settings: SyncSettings, state: ResourceState | None) -> str:
    """The title that an invented booking would have, so that a template can be seen before it is saved."""
    name = state.resource.name if state else "Dr Anna Weber"
    resource = Resource(ResourceId("example"), name, "", ResourceKind.STAFF, "UTC", "en", Owner("example", name, ""))
    custom = tuple(
        (one.removeprefix(CUSTOM), one.removeprefix(CUSTOM))
        for one in settings.to_calendar.fields
        if one.startswith(CUSTOM)
    )
    booking = Booking(
        BookingId("example"), "1", BookingStatus.CONFIRMED, (resource.id,), Timed(_START, _START + timedelta(hours=1)),
        "UTC", "Consultation", "Massage", Customer("M. Muster", "m@example.org", "+49 30 1"), Notes("Prefers mornings"),
        "Room 4", custom_fields=custom,
    )  # fmt: skip
    return project_booking(booking, settings, resource).title
