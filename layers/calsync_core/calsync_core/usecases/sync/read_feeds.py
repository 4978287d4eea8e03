"""Every feed of a resource, page by page, to the end of its round: what is new is planned and applied, then links, log,
cursor are stored in this order (`_store_page`)."""

import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

from calsync_core.domain.errors import CursorExpiredError, ProviderUnavailableError
from calsync_core.domain.ids import CalendarId, LinkRef, MailboxId
from calsync_core.domain.resources import Status
from calsync_core.domain.synclog import Reason
from calsync_core.domain.values import replace
from calsync_core.domain.windows import RENEWAL, Window
from calsync_core.engine.marks import KnownMarks
from calsync_core.engine.observe import observe
from calsync_core.engine.plan import plan
from calsync_core.ports.calendar import CalendarPage, CalendarProvider
from calsync_core.ports.stores import HOST_FEED, CursorRow
from calsync_core.usecases.sync.adopt_from_elsewhere import adopt_from_elsewhere, adopt_met
from calsync_core.usecases.sync.apply_plan import apply_plan
from calsync_core.usecases.sync.expect_news import expect_blocks, expected, forget_expected
from calsync_core.usecases.sync.find_elsewhere import with_standing_copies
from calsync_core.usecases.sync.finish_round import (
    STOP_LINE,
    apply_shared_copies,
    finish_calendar_round,
    finish_host_round,
    noted_leaving,
)
from calsync_core.usecases.sync.keep_links import keep_renumbered
from calsync_core.usecases.sync.read_calendar import Feed, read_calendar_page, read_known_series
from calsync_core.usecases.sync.read_host import read_host_page, take_position
from calsync_core.usecases.sync.read_own_series import series_in_calendar
from calsync_core.usecases.sync.sync_run import SyncRun
from calsync_core.usecases.sync.take_links_along import LeftBehind, meet_page
from calsync_core.usecases.sync.watch_conflicts import note_reads, settle_touched, watch_conflicts, watch_everything
from calsync_core.usecases.sync.write_series import align_waiting, clear_strays, join_series

NEAR = timedelta(days=14)
NEAR_FEED = "near:"
MAX_SERIES = 20
MOST_RENEWALS, MOST_REPEATS = 3, 3


def read_near_window(run: SyncRun) -> bool:
    """A first import brings the next 14 days in before all else; the full rounds then find them done."""
    if run.state.status is not Status.IMPORTING or run.state.progress.near_done:
        return True
    now = run.ports.clock.now()
    near = Window(now - timedelta(days=1), now + NEAR)
    for mailbox, calendar in run.state.calendars:
        key = f"{NEAR_FEED}{calendar}"
        row = run.rows.get(key) or CursorRow(key, None, near, opened_at=now)
        if row.is_round_open and not _read_calendar(run, mailbox, calendar, row):
            return False
    row = run.rows.get(f"{NEAR_FEED}{HOST_FEED}") or CursorRow(f"{NEAR_FEED}{HOST_FEED}", None, near, opened_at=now)
    if row.is_round_open and not _read_host(run, row):
        return False
    if HOST_FEED in run.rows:
        watch_everything(run)  # chosen anew: no full round follows that would judge overlaps
    run.state = run.ports.stores.resources.save(
        replace(run.state, progress=replace(run.state.progress, near_done=True))
    )
    for _, calendar in run.state.calendars:
        run.forget_cursor(f"{NEAR_FEED}{calendar}")
    run.forget_cursor(f"{NEAR_FEED}{HOST_FEED}")
    return True


def read_feeds(run: SyncRun, *, is_full_check: bool) -> bool:
    """True when every feed stands at the end of a round."""
    row = run.rows.get(HOST_FEED)
    run.is_first_round = row is None or (row.is_full and row.round == 1)
    if row is None:
        with suppress(CursorExpiredError):  # asked again when its turn has come
            take_position(run, _new_round(run, HOST_FEED, 1))
    feeds: list[tuple[str, Callable[[CursorRow], bool]]] = [
        (calendar, partial(_read_calendar, run, mailbox, calendar)) for mailbox, calendar in _calendars_to_read(run)
    ]
    feeds.append((HOST_FEED, partial(_read_host, run)))
    return all(_read_feed(run, feed, run.rows.get(feed), read, is_full_check=is_full_check) for feed, read in feeds)


def _read_feed(
    run: SyncRun, feed: str, row: CursorRow | None, read: Callable[[CursorRow], bool], *, is_full_check: bool
) -> bool:
    """R124: a full round opens a new feed, which says nothing of what happened before; the old one is read to its end
    first, so that a change of something that has just left the window is not lost.

    R142: the first pages of a round that an earlier call began know nothing of what happened since, and nobody may ring
    for that again: at its end the feed is asked what is new."""
    if row is not None and row.cursor and not row.is_full and _is_left(run, row, is_full_check=is_full_check):
        if not read(row):
            return False
        row = _stored_row(run, feed)
    opened = _row(run, row, feed, is_full_check=is_full_check)
    is_complete = read(opened)
    if not is_complete or opened is not row or not opened.is_round_open:
        return is_complete
    following = _stored_row(run, feed)
    return following is None or read(following)  # R142


def _stored_row(run: SyncRun, feed: str) -> CursorRow | None:
    return run.ports.stores.cursors.load(run.account, run.resource).get(feed)


def read_near_series(run: SyncRun) -> None:
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
            leaving = found.leaving | noted_leaving(run, rows[calendar])
            finish_calendar_round(run, provider, rows[calendar], leaving)
        align_waiting(run)
        watch_conflicts(run)


def _calendars_to_read(run: SyncRun) -> tuple[tuple[MailboxId, CalendarId], ...]:
    """Bookings -> calendar only: the primary one is still read, because copies may have been moved or deleted; all of
    them where the blocks of a direction that was closed must go (R43)."""
    reads_all = run.scope.settings.writes_host or run.scope.reproject_below
    return run.state.calendars if reads_all else run.state.calendars[:1]


def _row(run: SyncRun, row: CursorRow | None, feed: str, *, is_full_check: bool) -> CursorRow:
    """The stored row, or a new full round: first time, weekly renewal (staggered), settings for the whole window, a
    full check. A run of many calls of *work* opens each round once."""
    if row is None:
        return _new_round(run, feed, 1)
    if _is_outdated(run, row):
        return _full_round(run, row)
    if row.is_round_open and row.is_full:
        return row
    if _is_old(run, row) or (is_full_check and row.opened_by != run.run):
        return _full_round(run, row)
    return row


def _is_left(run: SyncRun, row: CursorRow, *, is_full_check: bool) -> bool:
    """Whether a new round takes the place of this feed. What a calendar has outside the window is asked for by its id
    in any case (R121), so that its feed is read on at a renewal alone."""
    is_opened = _is_outdated(run, row) or (is_full_check and row.opened_by != run.run)
    return _is_old(run, row) or (row.feed == HOST_FEED and is_opened)


def _is_outdated(run: SyncRun, row: CursorRow) -> bool:
    """Settings were changed since for all that is there."""
    return row.settings_version < max(run.scope.reproject_below, run.state.read_below)


def _is_old(run: SyncRun, row: CursorRow) -> bool:
    if row.opened_at is None:
        return True
    age = run.ports.clock.now() - row.opened_at
    return age > RENEWAL and age > RENEWAL + _stagger(run, row)


def _stagger(run: SyncRun, row: CursorRow) -> timedelta:
    """Less than a day, always the same for one feed of one resource."""
    return timedelta(minutes=zlib.crc32(f"{run.resource}/{row.feed}".encode()) % 1440)


def _full_round(run: SyncRun, row: CursorRow) -> CursorRow:
    run.log(Reason.FULL_CHECK, code=row.feed if row.feed == HOST_FEED else "calendar")
    return _new_round(run, row.feed, row.round + 1)


def _new_round(run: SyncRun, feed: str, number: int) -> CursorRow:
    """A round that was opened and lost in a crash may have left notes of seen links under the same number."""
    run.ports.stores.links.forget_seen(run.account, run.resource, feed, number)
    now, reach = run.ports.clock.now(), run.scope.settings.window
    window = Window.around(now, reach.weeks_back, reach.weeks_ahead)
    return CursorRow(
        feed, None, window, number, opened_at=now, opened_by=run.run,
        settings_version=run.scope.settings_version,
    )  # fmt: skip


class _Patience:
    """With one feed in one call of *work*: a service that gives no cursor that it takes, or pages in a circle, must not
    keep a run for ever."""

    def __init__(self) -> None:
        self._renewals = 0
        self._cursors: dict[str, int] = {}

    def renew(self) -> None:
        """Raises ProviderUnavailableError("feed_endless")."""
        self._renewals += 1
        if self._renewals > MOST_RENEWALS:
            raise ProviderUnavailableError("feed_endless")

    def meet(self, cursor: str, *, is_last: bool) -> None:
        """Raises CursorExpiredError: the way out of a circle is a round from the beginning."""
        if is_last:
            return
        self._cursors[cursor] = self._cursors.get(cursor, 0) + 1
        if self._cursors[cursor] > MOST_REPEATS:
            self._cursors.clear()
            raise CursorExpiredError


def _read_calendar(run: SyncRun, mailbox: MailboxId, calendar: CalendarId, row: CursorRow) -> bool:
    """Pages until the round is complete; False when time is up first."""
    provider = run.calendar(mailbox)
    known, left, patience = None, LeftBehind.of(run), _Patience()
    while True:
        if row.is_full and known is None:
            marked = provider.marked(run.ports.installation)
            known = KnownMarks.of(marked)
            run.marks = known if calendar == run.scope.primary else run.marks
            if calendar == run.scope.primary and not adopt_from_elsewhere(run, row, marked, known):
                return False
        try:
            page = provider.changes(calendar, row.cursor, row.window, run.content)
            patience.meet(page.next_cursor, is_last=page.is_last)
        except CursorExpiredError:
            patience.renew()
            row = _full_round(run, row)
            continue
        following = _take_page(run, Feed(calendar, provider, known if row.is_full else None), row, page, left)
        if following is None:
            return True
        row = following
        if run.is_time_up:
            return False


def _take_page(
    run: SyncRun, feed: Feed, row: CursorRow, page: CalendarPage, left: LeftBehind | None
) -> CursorRow | None:
    """What the page tells is decided, done and noted; gives where the next page begins, None after the last one."""
    calendar, provider = feed.calendar_id, feed.provider
    run.seen_changes += len(page.entries) + len(page.removed)
    meet_page(run, left, calendar, provider, page)
    found = read_calendar_page(run, feed, row, page)
    found.reads = keep_renumbered(run, calendar, found.reads)
    adopt_met(run, found.elsewhere)
    expects = _expects(run, provider, row)
    told = expects if page.is_last else expects & (found.seen | found.leaving)
    found.leaving |= told - found.seen
    apply_shared_copies(run, found.reads)
    note_reads(run, found.reads)
    actions = plan(observe(found.reads, run.scope), run.scope)
    if row.feed.startswith(NEAR_FEED):
        expect_blocks(run, actions)
    elif not row.is_full or row.page == 0:  # a full round that goes on judges itself what it did not meet
        told |= expect_blocks(run, actions)
    apply_plan(run, actions)
    has_news = bool(page.entries or page.removed)
    if page.is_last and (has_news or _must_finish(run, row, found.leaving)):
        found.leaving |= noted_leaving(run, row)
    if page.is_last and _must_finish(run, row, found.leaving):
        finish_calendar_round(run, provider, row, found.leaving, frozenset(found.seen))
    align_waiting(run)
    following = _store_page(
        run, row, page.next_cursor, found.leaving, found.seen, is_last=page.is_last, has_news=has_news
    )
    if (page.is_last or page.next_cursor != row.cursor) and not _goes_on(run, row):
        forget_expected(run, calendar, told)  # a page that comes again has told of nothing yet
    return following


def _goes_on(run: SyncRun, row: CursorRow) -> bool:
    """A full round that an earlier call began: nobody knows what of it was written meanwhile, which only the feed that
    it opened will tell; that is read on at once (R142)."""
    began = run.rows.get(row.feed)
    return began is not None and row.is_full and began.is_full and began.round == row.round


def _expects(run: SyncRun, provider: CalendarProvider, row: CursorRow) -> frozenset[LinkRef]:
    """R140. The round of an import's next days is asked nothing: it moves no cursor. What was written in a full round
    is told by the feed that begins where the round did, and not by its later pages."""
    if not row.is_full or row.page == 0:
        run.expecting.clear()
    if row.feed.startswith(NEAR_FEED):
        return frozenset()
    return expected(run.ports.stores.links, run.account, run.resource, provider, row)


def _read_host(run: SyncRun, row: CursorRow) -> bool:
    patience = _Patience()
    while True:
        try:
            page = read_host_page(run, row)
            patience.meet(page.cursor, is_last=page.is_last)
        except CursorExpiredError:
            patience.renew()
            row = _full_round(run, row)
            continue
        run.seen_changes += page.count
        apply_shared_copies(run, page.found.reads)
        reads = join_series(run, page.found.reads, page.found.leaving, is_full=row.is_full)
        told = {read.ref for read in page.found.reads}
        apply_shared_copies(run, [read for read in reads if read.ref not in told])  # dates of a series that is gone
        if row.is_full and (run.marks is not None or row.feed.startswith(NEAR_FEED)):
            reads = with_standing_copies(run, reads)
        note_reads(run, reads)
        apply_plan(run, plan(observe(reads, run.scope), run.scope))
        if page.is_last and _must_finish(run, row, page.found.leaving):
            finish_host_round(run, row, page.found.leaving, frozenset(page.found.seen))
        align_waiting(run)
        if page.is_last and row.is_full and not _is_read_again(run, row):
            clear_strays(run)
        found = page.found
        has_news = page.count > 0
        following = _store_page(
            run, row, page.cursor, found.leaving, found.seen, is_last=page.is_last, has_news=has_news
        )
        if following is None:
            return True
        row = following
        if run.is_time_up:
            return False


def _is_read_again(run: SyncRun, row: CursorRow) -> bool:
    """A first import's next days: its full round follows, and looks at the whole window."""
    return row.feed.startswith(NEAR_FEED) and HOST_FEED not in run.rows


def _must_finish(run: SyncRun, row: CursorRow, leaving: set[LinkRef]) -> bool:
    """Idle rounds spend nothing on stop-lines; a stop-line that waits for a person is looked at again."""
    if row.feed.startswith(NEAR_FEED):
        return False  # the full round that follows judges what is missing
    was_stopped = run.state.degraded is not None and run.state.degraded.reason == STOP_LINE
    return bool(leaving) or row.page > 0 or row.is_full or was_stopped


def _store_page(
    run: SyncRun, row: CursorRow, cursor: str, leaving: set[LinkRef], seen: set[LinkRef], *, is_last: bool,
    has_news: bool,
) -> CursorRow | None:  # fmt: skip
    """The one place where the order links, log, cursor is kept. Gives where the next page begins, None when the round
    is complete."""
    links, now = run.ports.stores.links, run.ports.clock.now()
    if row.is_full:
        settle_touched(run)
    else:
        watch_conflicts(run)
    if is_last:
        if row.is_full:
            if row.page:
                links.forget_seen(run.account, run.resource, row.feed, row.round)
            _watch_after_full_round(run, row)
        run.flush()
        is_in_a_round = row.is_round_open or row.is_full or row.page > 0
        if is_in_a_round or (cursor != row.cursor and (has_news or not row.may_stand(now))):
            done = replace(row, cursor=cursor, is_round_open=False, is_full=False, page=0, stored_at=now)
            run.ports.stores.cursors.store(run.lease, done)
        return None
    if leaving:
        links.set_leaving(run.account, run.resource, row.feed, sorted(leaving))
    if row.is_full:
        links.note_seen(run.account, run.resource, row.feed, row.round, row.page, sorted(seen))
    _note_progress(run, len(seen))
    run.flush()
    following = replace(row, cursor=cursor, is_round_open=True, page=row.page + 1, stored_at=now)
    run.ports.stores.cursors.store(run.lease, following)
    return following


def _watch_after_full_round(run: SyncRun, row: CursorRow) -> None:
    """Before its cursor is stored, so that a crash in between judges again. In a first import the booking system's
    round is the last one and judges for all."""
    is_judged_later = row.feed.startswith(NEAR_FEED) or (row.feed != HOST_FEED and run.is_first_round)
    if not is_judged_later:
        watch_everything(run)


def _note_progress(run: SyncRun, count: int) -> None:
    if run.state.status is Status.IMPORTING:
        progress = replace(run.state.progress, done=run.state.progress.done + count)
        run.state = run.ports.stores.resources.save(replace(run.state, progress=progress))
