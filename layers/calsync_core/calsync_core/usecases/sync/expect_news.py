"""R140: what an Exchange calendar's feed must still tell of.

It says nothing of what came and went between two looks, so a copy that was just written, or an entry that was read by a
run which was cut off, may be gone without a word. Until the feed has shown it, it is expected; what a complete round
leaves out is asked for by its id.
"""

from collections.abc import Iterable, Sequence

from calsync_core.domain.ids import AccountId, CalendarId, LinkRef, ResourceId
from calsync_core.domain.links import Link
from calsync_core.engine.actions import Action, PutBlock
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.ports.stores import CursorRow, LinkStore
from calsync_core.usecases.sync.sync_run import SyncRun

_EXPECTED = "expected:"


def expect_copy(run: SyncRun, link: Link) -> None:
    """Before it is written: after a crash nothing else would tell that it was."""
    run.expecting.add(link.ref)
    _expect(run, run.primary, run.scope.primary, [link.ref])


def expect_blocks(run: SyncRun, actions: Sequence[Action]) -> frozenset[LinkRef]:
    """Before the blocks of entries are written that no cursor has gone past yet; gives those that are expected now."""
    if not actions:
        return frozenset()
    of_calendar: dict[CalendarId, list[LinkRef]] = {}
    for action in actions:
        if isinstance(action, PutBlock) and action.is_new:
            of_calendar.setdefault(action.link.calendar_id, []).append(action.link.ref)
    expects: set[LinkRef] = set()
    for mailbox, calendar in run.state.calendars:
        refs = of_calendar.get(calendar, ())
        if refs and _expect(run, run.calendar(mailbox), calendar, refs):
            expects.update(refs)
    return frozenset(expects)


def _expect(run: SyncRun, provider: CalendarProvider, calendar: CalendarId, refs: Sequence[LinkRef]) -> bool:
    is_expected = run.foreseen is None and provider.hides_brief()
    if is_expected:
        run.ports.stores.links.set_leaving(run.account, run.resource, _feed(calendar), refs)
    return is_expected


def expected(
    links: LinkStore, account: AccountId, resource: ResourceId, provider: CalendarProvider, row: CursorRow
) -> frozenset[LinkRef]:
    """What the feed has not told of yet."""
    return frozenset(links.leaving(account, resource, _feed(row.feed)) if provider.hides_brief() else ())


def forget_expected(run: SyncRun, feed: str, told: Iterable[LinkRef]) -> None:
    """After the cursor is stored; what was written anew since the page was read is expected again."""
    refs = sorted(set(told) - run.expecting)
    if refs:
        run.ports.stores.links.clear_leaving(run.account, run.resource, _feed(feed), refs)


def _feed(calendar: str) -> str:
    return f"{_EXPECTED}{calendar}"
