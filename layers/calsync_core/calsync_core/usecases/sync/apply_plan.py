"""Carry out actions, one outcome each; a bad appointment never stops the rest.

Order inside an action: intent row, remote write, result row. A crash between any two of them is found again by the
mark (copies) or by the block's own ref (blocks), because the cursor moves last.
"""

from functools import partial

from calsync_core.domain.appointments import Entry
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    LinkChangedError,
    VersionChangedError,
)
from calsync_core.domain.links import Intent
from calsync_core.domain.synclog import Reason
from calsync_core.domain.values import replace
from calsync_core.engine.actions import (
    Action,
    AdoptCopy,
    Agree,
    CancelBooking,
    CreateCopy,
    DeleteBlock,
    DeleteCopy,
    DropLink,
    Leave,
    MoveBooking,
    OpenConflict,
    PutBlock,
    Skip,
    UpdateCopy,
    link_of,
)
from calsync_core.engine.deeds import deeds_of
from calsync_core.engine.observe import Missing, observe
from calsync_core.engine.plan import plan
from calsync_core.usecases.sync.ask_host import cancel_booking, move_booking
from calsync_core.usecases.sync.keep_links import forget_link, quarantine, revisit, store_link
from calsync_core.usecases.sync.lanes import in_lanes
from calsync_core.usecases.sync.read_both import read_both
from calsync_core.usecases.sync.series_parts import detach_parts
from calsync_core.usecases.sync.sync_run import SyncRun
from calsync_core.usecases.sync.watch_conflicts import open_conflict
from calsync_core.usecases.sync.write_blocks import delete_block, put_block, put_new_blocks, write_again
from calsync_core.usecases.sync.write_copies import (
    OCCURRENCE_CROSSING,
    adopt_copy,
    create_copy,
    delete_copy,
    scatter_series,
    taken_out,
    update_copy,
)

REPLANS = 3

BULK = 8


def apply_plan(run: SyncRun, actions: list[Action]) -> None:
    """Raises only what stops the whole run: the provider, the booking system or the store does not answer."""
    if run.foreseen is not None:
        run.foreseen.extend(actions)
        return
    if not actions:
        return
    run.note_times(actions)
    run.journal(deeds_of(actions, run.ports.clock.now()))
    creates: list[Action] = []
    blocks: list[PutBlock] = []
    for action in actions:
        match action:
            case CreateCopy():
                creates.append(action)
            case PutBlock(is_new=True):
                blocks.append(action)
            case _:
                _apply(run, action)
    if len(blocks) < BULK:
        for block in blocks:
            _apply(run, block)
    else:
        put_new_blocks(run, blocks)
    in_lanes(run, [partial(_apply, run, action) for action in creates])


def _apply(run: SyncRun, action: Action) -> None:
    for _ in range(REPLANS):
        run.check_lease()
        try:
            _do(run, action)
        except (VersionChangedError, AppointmentGoneError, LinkChangedError):
            again = _look_again(run, action)
            if again is None:
                return
            action = again
            run.journal(deeds_of([again], run.ports.clock.now()))
        except AppointmentRejectedError as error:
            if error.code == OCCURRENCE_CROSSING and isinstance(action, UpdateCopy | AdoptCopy):
                action = taken_out(run, action)
                continue
            quarantine(run, action, error.code)
            return
        else:
            return
    link = link_of(action)
    run.log(Reason.ENTRY_SKIPPED, ref=link.ref if link else None, code="kept_changing", is_problem=True)
    if link is not None:
        revisit(run, link.ref)


def _do(run: SyncRun, action: Action) -> None:  # noqa: C901 - one line per kind of action
    match action:
        case CreateCopy():
            create_copy(run, action)
        case AdoptCopy():
            adopt_copy(run, action)
        case UpdateCopy():
            update_copy(run, action)
        case DeleteCopy():
            delete_copy(run, action)
        case PutBlock():
            put_block(run, action)
        case DeleteBlock():
            delete_block(run, action)
        case MoveBooking():
            move_booking(run, action)
        case CancelBooking():
            cancel_booking(run, action)
        case Agree():
            store_link(run, action.link, has_agreed=action.is_proof)
            if action.link.intent is Intent.ALIGN:
                run.unaligned.add(action.link.ref)
        case DropLink():
            if action.link.pattern:
                scatter_series(run, action.link)
            forget_link(run, action.link)
            run.log(Reason.LINK_DROPPED, rule=action.rule, ref=action.link.ref)
        case OpenConflict():
            _open_conflict(run, action)
        case Skip():
            if action.is_noteworthy:
                run.log(action.reason, rule=action.rule, ref=action.ref, code=action.code)
        case Leave():
            revisit(run, action.link.ref)


def _open_conflict(run: SyncRun, action: OpenConflict) -> None:
    """The conflict first: a row that knows its copy is gone is not looked at again."""
    link = action.link
    open_conflict(run, link, action.kind, action.booking_when, action.calendar_when, action.code, action.rule)
    if link.entry_id is None and link.pattern:
        detach_parts(run, link, None)
    row, links = replace(link, is_disputed=True), run.ports.stores.links
    if link.entry_id is None or row != links.get(run.account, run.resource, [link.ref]).get(link.ref):
        run.touched[link.ref] = links.put(run.account, row)


# --- when it does not go as planned -------------------------------------------------------------------------------


def _look_again(run: SyncRun, action: Action) -> Action | None:
    """Read both sides anew and plan once more; None when there is nothing left to do."""
    old = link_of(action)
    if old is None:
        return None
    is_block = isinstance(action, PutBlock | DeleteBlock)
    if is_block:
        link = write_again(run, old)
    else:
        link = run.ports.stores.links.get(run.account, run.resource, [old.ref]).get(old.ref)
    if link is None and isinstance(action, AdoptCopy) and old.series_id is not None:
        # It went while we looked: written as a single entry, or nothing would lead to this booking any more.
        return CreateCopy("R82", replace(old, original_start_at=None), action.booking, action.copy)
    read = read_both(run, link) if link is not None else None
    if read is not None and is_block and isinstance(read.calendar, Entry):
        read = replace(read, host=Missing.GONE)
    actions = plan(observe([read], run.scope), run.scope, is_final=True) if read else []
    return actions[0] if actions else None
