"""Appointments that cannot be read: set aside with a reason, so that neither the run nor the others suffer.

What stands for such an appointment on the other side stays as it is: unreadable is `unknown`, never gone.
"""

from collections.abc import Iterable

from calsync_core.domain.appointments import Entry
from calsync_core.domain.ids import CalendarId, LinkRef
from calsync_core.domain.links import booking_ref, entry_ref
from calsync_core.domain.synclog import Reason, Way
from calsync_core.engine.observe import Missing, Read
from calsync_core.ports.host import Unreadable
from calsync_core.usecases.sync.sync_run import SyncRun


def set_aside_entries(run: SyncRun, calendar: CalendarId, entries: Iterable[Entry]) -> tuple[list[Entry], list[Read]]:
    """R120. The entries that can be read, and reads of the links of those that cannot."""
    found = list(entries)
    bad = [entry for entry in found if entry.problem is not None]
    if not bad:
        return found, []
    known = run.ports.stores.links.by_entries(run.account, run.resource, calendar, [entry.id for entry in bad])
    for entry in bad:
        link = known.get(entry.id)
        ref = link.ref if link is not None else entry_ref(run.resource, calendar, entry.id)
        note_unreadable(run, ref, entry.problem or "", Way.FROM_CALENDAR)
    reads = [Read(link.ref, link, calendar=Missing.UNKNOWN) for link in known.values()]
    return [entry for entry in found if entry.problem is None], reads


def set_aside_bookings(run: SyncRun, bookings: Iterable[Unreadable]) -> list[Read]:
    """R120. Reads of the links of bookings that cannot be read."""
    refs = {}
    for one in bookings:
        ref = booking_ref(one.id) if one.id is not None else None
        note_unreadable(run, ref, one.code, Way.TO_CALENDAR, one.field)
        if ref is not None:
            refs[ref] = one
    links = run.ports.stores.links.get(run.account, run.resource, list(refs)) if refs else {}
    return [Read(ref, link, Missing.UNKNOWN) for ref, link in links.items()]


def note_unreadable(run: SyncRun, ref: LinkRef | None, code: str, way: Way, field: str | None = None) -> None:
    detail = {"field": field} if field else {}
    run.log(Reason.ENTRY_QUARANTINED, way, rule="R120", ref=ref, code=code, is_problem=True, **detail)
