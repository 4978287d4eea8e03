"""Copies of bookings in the primary calendar: intent row, remote write, result row."""

from contextlib import suppress

from calsync_core.domain.appointments import Copy, Entry
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    LinkChangedError,
    VersionChangedError,
)
from calsync_core.domain.ids import LinkRef
from calsync_core.domain.journal import span
from calsync_core.domain.links import Agreed, Attempt, Intent, Link, Origin, booking_ref
from calsync_core.domain.synclog import Reason, Way
from calsync_core.domain.values import replace
from calsync_core.engine import fingerprint, guards
from calsync_core.engine.actions import (
    UNSEEN,
    AdoptCopy,
    CreateCopy,
    DeleteCopy,
    UpdateCopy,
)
from calsync_core.engine.marks import uid_hash
from calsync_core.engine.observe import Read, observe
from calsync_core.engine.plan import plan
from calsync_core.engine.plan_changes import repeats_alike
from calsync_core.ports.outward import Wish
from calsync_core.usecases.read_span import bookings_in
from calsync_core.usecases.sync.expect_news import expect_copy
from calsync_core.usecases.sync.keep_links import forget_link, revisit, revisited, store_link
from calsync_core.usecases.sync.series_parts import detach_parts
from calsync_core.usecases.sync.sync_run import EVERYTHING, SyncRun

OCCURRENCE_CROSSING = "occurrence_crossing"
"""What every provider says of an occurrence that would come to the day of its neighbour, or past it."""


USED_UP = 20
"""Transactions in a row that a mailbox may call used: a restored table is behind by as many copies."""


def create_copy(run: SyncRun, action: CreateCopy, *, tries: int = USED_UP) -> None:
    links, is_again = run.ports.stores.links, action.reason is Reason.COPY_RESTORED or action.rule == "R85"
    # Its tombstone is used up, or names the dates of a series, and the new row has no pointer: after a crash only this
    # leads back to it.
    is_noted = is_again or bool(action.link.pattern)
    if is_noted:
        revisit(run, action.link.ref)
    row = links.put(run.account, run.named(action.link))
    if row.pattern and row.generation > 1:
        detach_parts(run, row, Intent.CREATE)
    expect_copy(run, row)
    try:
        entry = run.primary.create(row.calendar_id, action.copy, run.mark(row), run.transaction_id(row))
    except AppointmentRejectedError as error:
        if error.code != "transaction_used" or not tries:
            raise
        # It had been written, its answer was lost, and the person has deleted it since: the next one is a new copy.
        again = replace(action, link=replace(row, generation=row.generation + 1, mark_id=""))
        create_copy(run, again, tries=tries - 1)
        return
    try:
        store_link(run, _agreed(run, row, entry, action))
    except LinkChangedError:
        take_back(run, row, entry)
        raise
    if is_noted:
        revisited(run, row.ref)
    run.log(action.reason, Way.TO_CALENDAR, rule=action.rule, ref=row.ref)


def take_back(run: SyncRun, row: Link, made: Entry) -> None:
    """R31: this run hung, and another one overtook it, which wrote the same copy or let the booking go. A transaction
    id makes the two copies one entry; where there is none (Exchange), what nobody knows of but this call goes again,
    unless the row still waits for what its mark finds."""
    stored = run.ports.stores.links.get(run.account, run.resource, [row.ref]).get(row.ref)
    is_found_by_mark = stored is not None and stored.entry_id is None and run.mark(stored) == run.mark(row)
    if is_found_by_mark or (stored is not None and stored.entry_id == made.id):
        return
    with suppress(AppointmentGoneError):
        run.primary.delete(row.calendar_id, made.id, None)


def taken_out(run: SyncRun, action: UpdateCopy | AdoptCopy) -> CreateCopy:
    """R85: an occurrence cannot come to the day of its neighbour: it leaves the series and is written as a single
    entry. The row knows first, so that the person is never held to have deleted it."""
    links = run.ports.stores.links
    stored = links.get(run.account, run.resource, [action.link.ref]).get(action.link.ref, action.link)
    entry_id = action.entry.id if isinstance(action, AdoptCopy) else stored.entry_id
    revisit(run, stored.ref)  # after a crash only this leads back to it
    row = links.put(
        run.account,
        replace(
            stored, calendar_id=action.link.calendar_id, intent=Intent.CREATE, entry_id=None, entry_uid=None,
            original_start_at=None, attempt=None,
            calendar=Agreed(), host=Agreed(), generation=stored.generation + 1, mark_id="",
        ),
    )  # fmt: skip
    if entry_id is not None:
        with suppress(AppointmentGoneError):
            run.primary.delete(row.calendar_id, entry_id, None)
    return CreateCopy("R85", row, action.booking, action.copy)


def is_up_to_date(entry: Entry, copy: Copy) -> bool:
    """Whether an entry that is adopted shows its booking already."""
    is_there = fingerprint.time_of(entry.when) == fingerprint.time_of(copy.when) and repeats_alike(copy, entry)
    return is_there and fingerprint.rest_of_entry(entry) == fingerprint.rest_of_copy(copy)


def adopt_copy(run: SyncRun, action: AdoptCopy) -> None:
    entry = (
        action.entry
        if action.is_read
        else run.primary.entries(action.link.calendar_id, [action.entry.id], EVERYTHING)[action.entry.id]
    )
    if entry is None:
        raise AppointmentGoneError
    if not is_up_to_date(entry, action.copy):
        if entry.has_attendees:
            raise AppointmentRejectedError("has_attendees")  # R53
        # Occurrences share their series' version, which each write to one of them changes.
        version = None if action.link.series_id is not None else entry.version
        entry = run.primary.update(action.link.calendar_id, entry.id, action.copy, version)
    store_link(run, _agreed(run, action.link, entry, action))
    run.log(Reason.COPY_ADOPTED, Way.TO_CALENDAR, rule=action.rule, ref=action.link.ref)


def update_copy(run: SyncRun, action: UpdateCopy) -> None:
    link = action.link
    if link.entry_id is None:
        raise AppointmentGoneError
    is_new_origin = action.booking.version != link.host.version or link.settings_version < run.scope.reproject_below
    link = guards.new_origin(link) if is_new_origin else guards.spend(link, run.ports.clock.now())
    if link.is_quarantined:
        store_link(run, link, has_agreed=False)
        run.log(
            Reason.ENTRY_QUARANTINED, Way.TO_CALENDAR, rule="R52", ref=link.ref, code="write_budget", is_problem=True
        )
        return
    time, rest = fingerprint.time_of(action.copy.when), fingerprint.rest_of_copy(action.copy)
    if not action.is_text_only:
        attempt = Attempt(Origin.CALENDAR, time, rest, _repeats(link, action.copy))
        link = run.ports.stores.links.put(run.account, replace(link, attempt=attempt))
    if action.copy.recurrence is not None and not action.is_text_only:
        link = run.ports.stores.links.put(run.account, replace(link, intent=Intent.ALIGN))
    if _is_rewritten(action.copy):
        detach_parts(run, link, Intent.CREATE)
    entry = run.primary.update(link.calendar_id, action.link.entry_id, action.copy, action.entry_version)  # type: ignore[arg-type]
    if action.is_text_only:
        store_link(run, _text_agreed(run, link, entry, action.copy), has_agreed=False)
    else:
        store_link(run, _agreed(run, link, entry, action))
    run.log(action.reason, Way.TO_CALENDAR, rule=action.rule, ref=link.ref)


def _text_agreed(run: SyncRun, link: Link, entry: Entry, copy: Copy) -> Link:
    """R100. Version and time of the copy stay as last agreed on, so that what is open about its time stays open."""
    return replace(
        link, settings_version=run.scope.settings_version,
        host=replace(link.host, rest=fingerprint.asked_of_copy(copy)),
        calendar=replace(link.calendar, rest=fingerprint.rest_of_entry(entry)),
    )  # fmt: skip


def _is_rewritten(copy: Copy) -> bool:
    """The times of a whole series: its occurrences must be brought in line afterwards."""
    return copy.recurrence is not None and not copy.keeps_times


def _agreed(run: SyncRun, link: Link, entry: Entry, action: CreateCopy | AdoptCopy | UpdateCopy) -> Link:
    start, end = action.booking.when.interval(run.scope.resource.time_zone)
    time, repeats, intent = fingerprint.time_of(action.copy.when), action.copy.recurrence, None
    if link.pattern:
        end = start
    if repeats is not None:
        intent = Intent.ALIGN if _is_rewritten(action.copy) or link.intent is Intent.ALIGN else None
        link = replace(link, pattern=fingerprint.pattern_of(repeats))
    if intent is Intent.ALIGN:
        run.unaligned.add(link.ref)
    return replace(
        link, intent=intent, attempt=None, settings_version=run.scope.settings_version,
        entry_id=entry.id, entry_uid=uid_hash(entry) or link.entry_uid,
        when=action.booking.when, start_at=start, end_at=end, decision=None, has_attendees=entry.has_attendees,
        is_disputed=False,
        host=Agreed(action.booking.version, time, fingerprint.asked_of_copy(action.copy)),
        calendar=_agreed_there(link, entry, action.copy),
    )  # fmt: skip


def _agreed_there(link: Link, entry: Entry, copy: Copy) -> Agreed:
    """What was written may be read back by a call of its own (Exchange): where a person was faster, the other time is
    his move, which nobody has agreed to, and no version of ours; so it is with how a series repeats, which is told only
    where it is ours (R135): a single entry by now (R134) is nothing that a server makes of a rule."""
    time, rest = fingerprint.time_of(entry.when), fingerprint.rest_of_entry(entry)
    wanted = time if copy.keeps_times else fingerprint.time_of(copy.when)
    said = fingerprint.pattern_of(entry.recurrence) if _is_rewritten(copy) and entry.recurrence else ""
    is_ours = time == wanted and bool(said or not _is_rewritten(copy))
    return Agreed(entry.version if is_ours else "", wanted, rest, said or _repeats(link, copy))


def _repeats(link: Link, copy: Copy) -> str:
    """How a series must repeat once this is written."""
    if copy.recurrence is None or copy.keeps_times:
        return link.calendar.repeats
    return fingerprint.pattern_of(copy.recurrence)


def delete_copy(run: SyncRun, action: DeleteCopy) -> None:
    link = action.link
    if link.entry_id is not None and action.entry_version == UNSEEN:
        raise VersionChangedError
    if link.entry_id is not None:
        with suppress(AppointmentGoneError):  # gone is what we wanted
            run.primary.delete(link.calendar_id, link.entry_id, action.entry_version or None)
    if link.pattern:
        scatter_series(run, link)
    forget_link(run, link)
    code = "edited_copy" if action.had_changed else None
    run.log(Reason.COPY_DELETED, Way.TO_CALENDAR, rule=action.rule, ref=link.ref, code=code, was=span(link.when))


def _note_dates(run: SyncRun, series: Link) -> list[LinkRef]:
    """Its occurrences in the window that no row knows yet get one, before the series' own is forgotten: where a run was
    cut off between the series and its occurrences, nothing else would lead to them."""
    told = bookings_in(run.host, run.resource, run.scope.window)
    dates = {
        booking_ref(one.id): one for one in told if one.series_id == series.booking_id and not one.is_series_master
    }
    known = run.ports.stores.links.get(run.account, run.resource, list(dates)) if dates else {}
    reads = [Read(ref, None, one, is_single=True) for ref, one in dates.items() if ref not in known]
    planned = plan(observe(reads, run.scope), run.scope)
    rows = [action.link for action in planned if isinstance(action, CreateCopy)]
    if rows:
        run.check_lease()
        run.ports.stores.links.put_many(run.account, rows)
    return [row.ref for row in rows]


def scatter_series(run: SyncRun, series: Link) -> None:
    """The series is gone from the calendar: those of its occurrences that stay with the resource become single entries
    (R82), and no feed need tell of them."""
    refs = detach_parts(run, series, Intent.CREATE) + _note_dates(run, series)
    if refs:
        revisit(run, *refs)
        run.ports.queue.wish(Wish(run.account, run.resource, "host"))
