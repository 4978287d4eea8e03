"""Blocks of entries at the booking system: their row says before each write that the block must be written."""

from contextlib import suppress
from functools import partial

from calsync_core.domain.errors import (
    AppointmentRejectedError,
    LeaseLostError,
    LinkChangedError,
)
from calsync_core.domain.links import Agreed, Intent, Link
from calsync_core.domain.synclog import Reason, Way
from calsync_core.domain.values import replace
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import (
    DeleteBlock,
    PutBlock,
)
from calsync_core.usecases.sync.keep_links import forget_link, quarantine, revisit, store_link
from calsync_core.usecases.sync.lanes import in_lanes
from calsync_core.usecases.sync.sync_run import SyncRun


def put_new_blocks(run: SyncRun, actions: list[PutBlock]) -> None:
    """Many at once on an import: intent rows in batches, the blocks in lanes and as many in a call as the booking
    system takes, results in batches."""
    links = run.ports.stores.links
    run.check_lease()
    rows = links.put_many(run.account, [action.link for action in actions])
    results: list[Link] = []

    def put(part: list[tuple[Link, PutBlock]]) -> None:
        outcomes = run.host.put_blocks([action.block for _, action in part])
        for (row, action), outcome in zip(part, outcomes, strict=True):
            if isinstance(outcome, AppointmentRejectedError):
                version = _time_alone(run, row, action, outcome)
                if version is None:
                    quarantine(run, replace(action, link=row), outcome.code)
                else:
                    results.append(_block_agreed(row, action, version))
                continue
            results.append(_block_agreed(row, action, outcome))
            run.log(action.reason, Way.FROM_CALENDAR, rule=action.rule, ref=row.ref)

    pairs, most = list(zip(rows, actions, strict=True)), run.host.blocks_a_call()
    in_lanes(run, [partial(put, pairs[start : start + most]) for start in range(0, len(pairs), most)])
    _check_overtaken(run, results)
    for link in links.put_many(run.account, results):
        run.touched[link.ref] = link


def _check_overtaken(run: SyncRun, rows: list[Link]) -> None:
    """Right after blocks were written or deleted. Raises LeaseLostError."""
    try:
        run.check_lease()
    except LeaseLostError:
        for row in rows:
            write_again(run, row)
        raise


def write_again(run: SyncRun, row: Link) -> Link | None:
    """R31: this run hung, and another one overtook it. Blocks carry no version: what we wrote may have overwritten what
    the other knew better, so its row says that the block must be written, whatever becomes of this run. The row as it
    stands; without one the block goes."""
    links = run.ports.stores.links
    stored = links.get(run.account, run.resource, [row.ref]).get(row.ref)
    if stored is None:
        run.host.delete_block(row.block_ref)
    elif stored.intent is None:
        revisit(run, row.ref)
        with suppress(LinkChangedError):  # somebody writes this very row now, and after us
            stored = _intend(run, stored)
    return stored


def put_block(run: SyncRun, action: PutBlock) -> None:
    row = _intend(run, action.link)
    try:
        version = run.host.put_block(action.block)
    except AppointmentRejectedError as error:
        alone = _time_alone(run, row, action, error)
        if alone is None:
            raise
        version = alone
    _check_overtaken(run, [row])
    store_link(run, _block_agreed(row, action, version))
    run.log(action.reason, Way.FROM_CALENDAR, rule=action.rule, ref=row.ref)


def _time_alone(run: SyncRun, row: Link, action: PutBlock, error: AppointmentRejectedError) -> str | None:
    """R141: words that the booking system will not have must not cost the time. None where it is not the words."""
    block = action.block
    if block.title is None and block.notes is None:
        return None
    try:
        version = run.host.put_block(replace(block, title=None, notes=None))
    except AppointmentRejectedError:
        return None
    run.log(
        Reason.BLOCK_WRITTEN, Way.FROM_CALENDAR, rule="R141", ref=row.ref, code="block_text_refused", is_problem=True,
        cause=error.code,
    )  # fmt: skip
    return version


def _intend(run: SyncRun, link: Link) -> Link:
    """Before a block is touched, its row says that it must be written: after a crash nothing else would tell so, once
    the entry is again what it was."""
    return run.ports.stores.links.put(run.account, replace(link, host=Agreed(), intent=Intent.CREATE))


def _block_agreed(row: Link, action: PutBlock, version: str) -> Link:
    host = Agreed(version, fingerprint.time_of(action.block.when), fingerprint.rest_of_block(action.block))
    return replace(row, host=host, intent=None)


def delete_block(run: SyncRun, action: DeleteBlock) -> None:
    row = _intend(run, action.link)
    run.host.delete_block(row.block_ref)
    _check_overtaken(run, [row])
    forget_link(run, row)
    run.log(Reason.BLOCK_DELETED, Way.FROM_CALENDAR, rule=action.rule, ref=action.link.ref, code=action.filtered)
