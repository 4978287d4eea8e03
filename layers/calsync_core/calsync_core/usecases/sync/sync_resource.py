"""*work*: as many pages each way as fit into a minute, under the lease; the heart of calsync.

Order of writes on every page: links, then log, cursor last. Whatever stops in between is read again and found to be
done already. Expected outcomes are answers, never exceptions (design.md section 1).
"""

import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from math import ceil

from calsync_core.domain.appointments import Mark
from calsync_core.domain.errors import (
    ConcurrentChangeError,
    ConnectionBrokenError,
    CursorExpiredError,
    InstallationError,
    LeaseLostError,
    LinkChangedError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import AccountId, CalendarId, LinkRef, MailboxId, ResourceId, RunId
from calsync_core.domain.links import Intent, Origin
from calsync_core.domain.resources import Degraded, Following, ResourceState, Status
from calsync_core.domain.settings import effective
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.windows import Window
from calsync_core.engine.marks import KnownMarks
from calsync_core.engine.observe import Read, observe
from calsync_core.engine.plan import plan
from calsync_core.ports.stores import CursorRow, Due, Lease
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.finish_disconnect import finish_disconnect
from calsync_core.usecases.subscribe_calendars import SubscribePorts, subscribe_calendars
from calsync_core.usecases.sync.apply_plan import REVISIT, apply_plan, read_both
from calsync_core.usecases.sync.finish_round import (
    STOP_LINE,
    apply_shared_copies,
    finish_calendar_round,
    finish_host_round,
)
from calsync_core.usecases.sync.leave_calendars import leave_calendars
from calsync_core.usecases.sync.open_run import open_run
from calsync_core.usecases.sync.read_calendar import Feed, read_calendar_page, read_known_series
from calsync_core.usecases.sync.read_host import read_host_page
from calsync_core.usecases.sync.read_own_series import series_in_calendar
from calsync_core.usecases.sync.sync_run import SyncPorts, SyncRun
from calsync_core.usecases.sync.take_links_along import LeftBehind, meet_page, part_with_the_rest, take_links_along
from calsync_core.usecases.sync.undo_run import carry_out_undo
from calsync_core.usecases.sync.watch_conflicts import note_reads, settle_touched, watch_conflicts, watch_everything
from calsync_core.usecases.sync.write_series import align_waiting, clear_strays, join_series

NEAR = timedelta(days=14)
RENEWAL = timedelta(days=7)
HOST = "host"
NEAR_FEED = "near:"
LOOK_AGAIN = (15, 45)  # seconds: a notification may run ahead of its feed (graph.md section 4)
MAX_WAIT = 60
MAX_SERIES = 20
MAX_TRIES = 5
PATIENT = frozenset({"import", "full"})
LATER = timedelta(minutes=5)


class Result(StrEnum):
    AGAIN = "again"
    WAIT = "wait"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Work:
    """One call of *work*. `round` counts the calls of this run that found nothing or had to wait."""

    account: AccountId
    resource: ResourceId
    cause: str
    run: RunId
    round: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    result: Result
    seconds: int = 0
    code: str | None = None


def sync_resource(work: Work, ports: SyncPorts) -> Outcome:
    """Never raises for an expected outcome."""
    now = ports.clock.now()
    lease = ports.stores.leases.take(work.account, work.resource, now, now + ports.lease_for)
    if lease is None:
        return Outcome(Result.DONE, code="held")  # the holder will see `wanted`
    try:
        outcome = _under_lease(work, ports, lease)
    except LeaseLostError:
        return Outcome(Result.DONE, code="lease_lost")
    except ProviderThrottledError as error:
        outcome = _wait(work, ports, max(1, ceil(error.retry_after.total_seconds())), error.code)
    except ProviderUnavailableError as error:
        outcome = _wait(work, ports, min(MAX_WAIT, 5 * 2 ** min(work.round, 4)), error.code)
    except ConnectionBrokenError as error:
        outcome = _broken(work, ports, error.code)
    except InstallationError as error:
        outcome = _try_later(work, ports, LATER, error.code)
    except ConcurrentChangeError:
        outcome = Outcome(Result.AGAIN, code="changed_meanwhile")  # a person pressed something while we worked
    return _give_back(lease, ports, outcome)


def _wait(work: Work, ports: SyncPorts, seconds: int, code: str) -> Outcome:
    """Up to a minute the machine waits, an import as often as it takes; else the run ends and becomes a due item."""
    if seconds > MAX_WAIT or (work.round >= MAX_TRIES and work.cause not in PATIENT):
        return _try_later(work, ports, max(timedelta(seconds=seconds), LATER), code)
    return Outcome(Result.WAIT, seconds=seconds, code=code)


def _try_later(work: Work, ports: SyncPorts, after: timedelta, code: str) -> Outcome:
    """Passing: the state says since when, the due item brings the resource back."""
    now = ports.clock.now()
    ports.stores.due.schedule(Due("wait", work.account, work.resource, now + after))

    def note(state: ResourceState) -> ResourceState | None:
        return replace(state, degraded=Degraded(code, now)) if state.may_sync and state.degraded is None else None

    change_state(ports.stores.resources, work.account, work.resource, note)
    return Outcome(Result.FAILED, code=code)


def _broken(work: Work, ports: SyncPorts, code: str) -> Outcome:
    """A definite refusal: nothing is tried until the person acts; close mails."""
    now = ports.clock.now()

    def note(state: ResourceState) -> ResourceState | None:
        return state.moved_to(Status.REAUTH_REQUIRED, now, reason=code) if state.may_sync else None

    before = ports.stores.resources.get(work.account, work.resource)
    after = change_state(ports.stores.resources, work.account, work.resource, note)
    if before is not None and before.may_sync and not after.may_sync:
        line = LogEntry(work.account, work.resource, now, Reason.ACCESS_LOST, run=work.run, code=code, is_problem=True)
        ports.stores.log.add([line])
    return Outcome(Result.FAILED, code=code)


def _give_back(lease: Lease, ports: SyncPorts, outcome: Outcome) -> Outcome:
    try:
        if ports.stores.leases.give_back(lease):
            return outcome
        grown = ports.stores.leases.renote(lease, ports.clock.now() + ports.lease_for)
        while not ports.stores.leases.give_back(grown):
            grown = ports.stores.leases.renote(grown, ports.clock.now() + ports.lease_for)
    except LeaseLostError:
        return Outcome(Result.DONE, code="lease_lost")
    return Outcome(Result.AGAIN) if outcome.result is Result.DONE else outcome


def _under_lease(work: Work, ports: SyncPorts, lease: Lease) -> Outcome:
    state = ports.stores.resources.get(work.account, work.resource)
    if state is not None and state.status is Status.DISCONNECTED:
        return _take_leave(ports, lease)
    if state is None or not state.may_sync:
        return Outcome(Result.DONE, code="inactive")
    stored = ports.stores.settings.both(work.account, work.resource)
    settings = effective(stored[0].values, stored[1].values)
    if not settings.active:
        return Outcome(Result.DONE, code="inactive")
    run = open_run(ports, lease, state, settings, stored[0].version + stored[1].version, work.run)
    push = SubscribePorts(ports.stores, run.calendar, ports.clock, ports.ids, ports.public_url, ports.poll_minutes)
    run.lines.extend(subscribe_calendars(push, state))
    if not take_links_along(run):
        run.flush()
        return Outcome(Result.AGAIN)
    _revisit(run)
    is_complete = carry_out_undo(run) and leave_calendars(run) and _near_window(run) and _all_feeds(run, work)
    is_complete = is_complete and part_with_the_rest(run)
    is_silent = work.cause == "notification" and run.seen_changes == 0
    if is_complete and is_silent and work.round >= len(LOOK_AGAIN):
        _read_near_series(run)
    run.flush()
    if not is_complete:
        return Outcome(Result.AGAIN)
    _note_success(run)
    if is_silent and work.round < len(LOOK_AGAIN):
        return Outcome(Result.WAIT, LOOK_AGAIN[work.round])
    return Outcome(Result.DONE)


def _take_leave(ports: SyncPorts, lease: Lease) -> Outcome:
    """Disconnected: what is left to remove is removed, in steps."""
    _find_unfinished(ports, lease)
    is_done = finish_disconnect(
        ports.stores, ports.host(lease.account), ports.provider, ports.clock, lease.account, lease.resource,
        ports.clock.now() + ports.work_for, lease,
    )  # fmt: skip
    return Outcome(Result.DONE if is_done else Result.AGAIN, code="inactive")


def _find_unfinished(ports: SyncPorts, lease: Lease) -> None:
    """A copy that was written in the moment of a crash is known by its mark only; it must not stay behind."""
    account, resource = lease.account, lease.resource
    state = ports.stores.resources.get(account, resource)
    if state is None or state.mailbox is None:
        return
    for link in ports.stores.links.all(account, resource):
        is_lost = state.following is Following.LEAVING or link.is_left_behind  # R133: its id is of the old server
        is_unfinished = link.intent is Intent.CREATE and link.entry_id is None
        if link.origin is not Origin.HOST or link.booking_id is None or not (is_lost or is_unfinished):
            continue
        mark = Mark(ports.installation, account, resource, link.booking_id, link.generation, link.mark_id)
        with suppress(ConnectionBrokenError, LinkChangedError):  # no access: what is there the person can delete
            found = ports.provider(account, state.mailbox).find_mark(mark)[:1]
            for entry in found:
                row = replace(link, entry_id=entry.id, calendar_id=entry.calendar_id if is_lost else link.calendar_id)
                ports.stores.links.put(account, row)
            if is_lost and not found and link.entry_id is not None:
                ports.stores.links.put(account, replace(link, entry_id=None))


# --- feeds --------------------------------------------------------------------------------------------------------


def _near_window(run: SyncRun) -> bool:
    """A first import brings the next 14 days in before all else; the full rounds then find them done."""
    if run.state.status is not Status.IMPORTING or run.state.progress.near_done:
        return True
    now = run.ports.clock.now()
    near = Window(now - timedelta(days=1), now + NEAR)
    rows = run.ports.stores.cursors.load(run.account, run.resource)
    for mailbox, calendar in run.state.calendars:
        key = f"{NEAR_FEED}{calendar}"
        row = rows.get(key) or CursorRow(key, None, near, opened_at=now)
        if row.is_round_open and not _read_calendar(run, mailbox, calendar, row):
            return False
    row = rows.get(f"{NEAR_FEED}{HOST}") or CursorRow(f"{NEAR_FEED}{HOST}", None, near, opened_at=now)
    if row.is_round_open and not _read_host(run, row):
        return False
    if rows.get(HOST) is not None:
        watch_everything(run)  # chosen anew: no full round follows that would judge overlaps
    run.state = run.ports.stores.resources.save(
        replace(run.state, progress=replace(run.state.progress, near_done=True))
    )
    for _, calendar in run.state.calendars:
        run.ports.stores.cursors.forget(run.account, run.resource, f"{NEAR_FEED}{calendar}")
    run.ports.stores.cursors.forget(run.account, run.resource, f"{NEAR_FEED}{HOST}")
    return True


def _all_feeds(run: SyncRun, work: Work) -> bool:
    """True when every feed stands at the end of a round."""
    rows = run.ports.stores.cursors.load(run.account, run.resource)
    run.is_first_round = HOST not in rows
    for mailbox, calendar in _calendars_to_read(run):
        if not _read_feed(run, work, calendar, rows.get(calendar), partial(_read_calendar, run, mailbox, calendar)):
            return False
    return _read_feed(run, work, HOST, rows.get(HOST), partial(_read_host, run))


def _read_feed(run: SyncRun, work: Work, feed: str, row: CursorRow | None, read: Callable[[CursorRow], bool]) -> bool:
    """R124: a renewed window opens a new feed, which says nothing of what happened before; the old one is read to its
    end first, so that a change of something that has just left the window is not lost."""
    if row is not None and row.cursor and not row.is_full and _is_old(run, row):
        if not read(row):
            return False
        row = run.ports.stores.cursors.load(run.account, run.resource).get(feed)
    return read(_row(run, row, feed, work))


def _read_near_series(run: SyncRun) -> None:
    """The feed had nothing to say about a bell, three times: the series of the next days are read anew."""
    now = run.ports.clock.now()
    near = run.ports.stores.links.overlapping(run.account, run.resource, now, now + NEAR)
    rows = run.ports.stores.cursors.load(run.account, run.resource)
    for mailbox, calendar in _calendars_to_read(run):
        of_calendar = [link for link in near if link.series_id and link.calendar_id == calendar]
        series = sorted(series_in_calendar(run, of_calendar))
        if not series or calendar not in rows:
            continue
        provider = run.calendar(mailbox)
        found = read_known_series(run, Feed(calendar, provider), rows[calendar], series[:MAX_SERIES])
        apply_plan(run, plan(observe(found.reads, run.scope), run.scope))
        if found.leaving:
            finish_calendar_round(run, provider, rows[calendar], found.leaving)
        align_waiting(run)
        watch_conflicts(run)


def _calendars_to_read(run: SyncRun) -> tuple[tuple[MailboxId, CalendarId], ...]:
    """Bookings -> calendar only: the primary one is still read, because copies may have been moved or deleted; all of
    them where the blocks of a direction that was closed must go (R43)."""
    reads_all = run.scope.settings.writes_host or run.scope.reproject_below
    return run.state.calendars if reads_all else run.state.calendars[:1]


def _row(run: SyncRun, row: CursorRow | None, feed: str, work: Work) -> CursorRow:
    """The stored row, or a new full round: first time, weekly renewal (staggered), settings for the whole window, a
    full check. A run of many calls of *work* opens each round once."""
    if row is None:
        return _new_round(run, feed, 1)
    if row.settings_version < run.scope.reproject_below:
        return _full_round(run, row)
    if row.is_round_open and row.is_full:
        return row
    if _is_old(run, row) or (work.cause == "full" and row.opened_by != run.run):
        return _full_round(run, row)
    return row


def _is_old(run: SyncRun, row: CursorRow) -> bool:
    if row.opened_at is None:
        return True
    age = run.ports.clock.now() - row.opened_at
    return age > RENEWAL and age > RENEWAL + _stagger(run, row)


def _stagger(run: SyncRun, row: CursorRow) -> timedelta:
    """Less than a day, always the same for one feed of one resource."""
    return timedelta(minutes=zlib.crc32(f"{run.resource}/{row.feed}".encode()) % 1440)


def _full_round(run: SyncRun, row: CursorRow) -> CursorRow:
    run.log(Reason.FULL_CHECK, code=row.feed if row.feed == HOST else "calendar")
    return _new_round(run, row.feed, row.round + 1)


def _new_round(run: SyncRun, feed: str, number: int) -> CursorRow:
    """A round that was opened and lost in a crash may have left notes of seen links under the same number."""
    run.ports.stores.links.forget_seen(run.account, run.resource, feed, number)
    return CursorRow(
        feed, None, run.scope.window, number, opened_at=run.ports.clock.now(), opened_by=run.run,
        settings_version=run.scope.settings_version,
    )  # fmt: skip


def _read_calendar(run: SyncRun, mailbox: MailboxId, calendar: CalendarId, row: CursorRow) -> bool:
    """Pages until the round is complete; False when time is up first."""
    provider = run.calendar(mailbox)
    known, left = None, LeftBehind.of(run)
    while True:
        if row.is_full and known is None:
            known = KnownMarks.of(provider.marked(run.ports.installation))
        try:
            page = provider.changes(calendar, row.cursor, row.window, run.content)
        except CursorExpiredError:
            row = _full_round(run, row)
            continue
        run.seen_changes += len(page.entries) + len(page.removed)
        meet_page(run, left, calendar, provider, page)
        found = read_calendar_page(run, Feed(calendar, provider, known if row.is_full else None), row, page)
        apply_shared_copies(run, found.reads)
        note_reads(run, found.reads)
        apply_plan(run, plan(observe(found.reads, run.scope), run.scope))
        if page.is_last and _must_finish(run, row, found.leaving):
            finish_calendar_round(run, provider, row, found.leaving, frozenset(found.seen))
        align_waiting(run)
        has_news = bool(page.entries or page.removed)
        if _store_page(run, row, page.next_cursor, found.leaving, found.seen, is_last=page.is_last, has_news=has_news):
            return True
        row = _next_page(row, page.next_cursor)
        if run.is_time_up:
            return False


def _read_host(run: SyncRun, row: CursorRow) -> bool:
    while True:
        try:
            page = read_host_page(run, row)
        except CursorExpiredError:
            row = _full_round(run, row)
            continue
        run.seen_changes += page.count
        apply_shared_copies(run, page.found.reads)
        reads = join_series(run, page.found.reads, page.found.leaving, is_full=row.is_full)
        told = {read.ref for read in page.found.reads}
        apply_shared_copies(run, [read for read in reads if read.ref not in told])  # dates of a series that is gone
        note_reads(run, reads)
        apply_plan(run, plan(observe(reads, run.scope), run.scope))
        if page.is_last and _must_finish(run, row, page.found.leaving):
            finish_host_round(run, row, page.found.leaving, frozenset(page.found.seen))
        align_waiting(run)
        if page.is_last and row.is_full:
            clear_strays(run)
        found = page.found
        has_news = page.count > 0
        if _store_page(run, row, page.cursor, found.leaving, found.seen, is_last=page.is_last, has_news=has_news):
            return True
        row = _next_page(row, page.cursor)
        if run.is_time_up:
            return False


def _must_finish(run: SyncRun, row: CursorRow, leaving: set[LinkRef]) -> bool:
    """Idle rounds spend nothing on stop-lines; a stop-line that waits for a person is looked at again."""
    if row.feed.startswith(NEAR_FEED):
        return False  # the full round that follows judges what is missing
    was_stopped = run.state.degraded is not None and run.state.degraded.reason == STOP_LINE
    return bool(leaving) or row.page > 0 or row.is_full or was_stopped


def _store_page(
    run: SyncRun, row: CursorRow, cursor: str, leaving: set[LinkRef], seen: set[LinkRef], *, is_last: bool,
    has_news: bool,
) -> bool:  # fmt: skip
    """The one place where the order links, log, cursor is kept. True when the round is complete."""
    links, now = run.ports.stores.links, run.ports.clock.now()
    if row.is_full:
        settle_touched(run)
    else:
        watch_conflicts(run)
    if is_last:
        if row.is_full:
            links.forget_seen(run.account, run.resource, row.feed, row.round)
            _watch_after_full_round(run, row)
        run.flush()
        is_in_a_round = row.is_round_open or row.is_full or row.page > 0
        if is_in_a_round or (cursor != row.cursor and (has_news or not row.may_stand(now))):
            done = replace(row, cursor=cursor, is_round_open=False, is_full=False, page=0, stored_at=now)
            run.ports.stores.cursors.store(run.lease, done)
        return True
    if leaving:
        links.set_leaving(run.account, run.resource, row.feed, sorted(leaving))
    if row.is_full:
        links.note_seen(run.account, run.resource, row.feed, row.round, row.page, sorted(seen))
    _note_progress(run, len(seen))
    run.flush()
    run.ports.stores.cursors.store(run.lease, replace(_next_page(row, cursor), stored_at=now))
    return False


def _watch_after_full_round(run: SyncRun, row: CursorRow) -> None:
    """Before its cursor is stored, so that a crash in between judges again. In a first import the booking system's
    round is the last one and judges for all."""
    is_judged_later = row.feed.startswith(NEAR_FEED) or (row.feed != HOST and run.is_first_round)
    if not is_judged_later:
        watch_everything(run)


def _next_page(row: CursorRow, cursor: str) -> CursorRow:
    return replace(row, cursor=cursor, is_round_open=True, page=row.page + 1)


def _revisit(run: SyncRun) -> None:
    """Links that wait for another look: decisions of people, writes that kept changing."""
    links = run.ports.stores.links
    refs = links.leaving(run.account, run.resource, REVISIT)
    if not refs:
        return
    found = links.get(run.account, run.resource, refs)
    reads = [read_both(run, link) for link in found.values()]
    apply_shared_copies(run, reads)
    reads = _with_places(run, reads)
    note_reads(run, reads)
    apply_plan(run, plan(observe(reads, run.scope), run.scope, is_final=True))
    run.unaligned |= {link.ref for link in found.values() if link.intent is Intent.ALIGN}
    align_waiting(run)
    watch_conflicts(run)
    run.flush()
    links.clear_leaving(run.account, run.resource, REVISIT, refs)


def _with_places(run: SyncRun, reads: list[Read]) -> list[Read]:
    """Occurrences that lost their place with their series; a series itself waits as it is."""
    parts = [read for read in reads if read.link and read.link.intent is Intent.CREATE and read.link.series_id]
    return [read for read in reads if read not in parts] + join_series(run, parts, set(), is_full=False)


# --- state --------------------------------------------------------------------------------------------------------


def _note_progress(run: SyncRun, count: int) -> None:
    if run.state.status is Status.IMPORTING:
        progress = replace(run.state.progress, done=run.state.progress.done + count)
        run.state = run.ports.stores.resources.save(replace(run.state, progress=progress))


def _note_success(run: SyncRun) -> None:
    """Everything is in: an import is done, passing faults are over. Quiet runs note their time every five minutes."""
    now, state = run.ports.clock.now(), run.state
    new = state
    if state.status is Status.IMPORTING:
        new = state.moved_to(Status.CONNECTED, now)
        run.ports.stores.due.schedule(Due("refresh", run.account, state.mailbox or "", now + RENEWAL))
        run.log(Reason.IMPORT_DONE)
    if new.degraded is not None and new.degraded.reason != STOP_LINE:
        new = replace(new, degraded=None)
    if new is not state:
        run.ports.stores.due.cancel("wait", run.account, run.resource)  # the guarantee has done its service
    if run.scope.reproject_below:
        new = replace(new, reprojected=run.scope.reproject_below)
    if new.is_stop_line_confirmed:
        new = replace(new, is_stop_line_confirmed=False, degraded=None)
    if new is not state or _is_older(state.last_sync_at, now):
        run.flush()
        run.state = run.ports.stores.resources.save(replace(new, last_sync_at=now))


def _is_older(at: datetime | None, now: datetime) -> bool:
    return at is None or now - at > timedelta(minutes=5)
