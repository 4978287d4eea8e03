"""The day until which both were left has come: the conflict is open again, unless it ended meanwhile."""

from calsync_core.domain.conflicts import ConflictStatus
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, ConflictId
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace
from calsync_core.ports.outward import Clock
from calsync_core.ports.stores import ConflictStore, Due, DueStore, LogStore

DUE_KIND = "conflict"
"""The kind of the due item that resolve_conflict schedules; its subject is the conflict's id."""


def reopen_conflict(
    conflicts: ConflictStore, due: DueStore, log: LogStore, clock: Clock, account: AccountId, conflict_id: ConflictId
) -> bool:
    """True when it was opened. Repeatable: the due item goes last.

    A pair that is no longer in each other's way was settled by a run before; what is still left is still there.
    """
    now = clock.now()
    conflict = conflicts.get(account, conflict_id)
    if conflict is None or conflict.status is not ConflictStatus.LEFT or conflict.left_until_at is None:
        due.cancel(DUE_KIND, account, conflict_id)
        return False
    if conflict.left_until_at > now:
        due.schedule(Due(DUE_KIND, account, conflict_id, conflict.left_until_at))  # left again for longer
        return False
    reopened = replace(
        conflict,
        status=ConflictStatus.OPEN,
        left_until_at=None,
        ended_at=None,
        ended_by=None,
        resolution=None,
        opened_at=now,
        revision=conflict.revision + 1,
    )
    try:
        conflicts.save(reopened)
    except ConcurrentChangeError:
        return False  # somebody ended it at this moment; the item comes back and looks again
    line = LogEntry(
        account=account,
        resource_id=conflict.resource_id,
        at=now,
        reason=Reason.CONFLICT_OPENED,
        ref=conflict.booking_ref,
        code=conflict.kind.value,
        detail=(("conflict", str(conflict.id)), ("left_until", "over")),
        is_problem=True,
    )
    log.add([line])
    due.cancel(DUE_KIND, account, conflict_id)
    return True
