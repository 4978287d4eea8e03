"""The sync log: what was done to which appointment by which rule. Ids, times, codes and rules; never content."""

from datetime import datetime
from enum import StrEnum

from calsync_core.domain.appointments import When
from calsync_core.domain.ids import AccountId, LinkRef, ResourceId, RunId
from calsync_core.domain.journal import when_of_span
from calsync_core.domain.values import value


class Reason(StrEnum):
    """What happened. The text for people stands in the wording catalogue under the same code."""

    COPY_CREATED = "copy_created"
    COPY_ADOPTED = "copy_adopted"
    COPY_UPDATED = "copy_updated"
    COPY_DELETED = "copy_deleted"
    COPY_RESTORED = "copy_restored"
    BLOCK_WRITTEN = "block_written"
    BLOCK_PUT_BACK = "block_put_back"
    BLOCK_DELETED = "block_deleted"
    BOOKING_MOVED = "booking_moved"
    BOOKING_CANCELLED = "booking_cancelled"
    HOST_REFUSED = "host_refused"
    CONFLICT_OPENED = "conflict_opened"
    CONFLICT_SETTLED = "conflict_settled"
    CONFLICT_RESOLVED = "conflict_resolved"
    ENTRY_SKIPPED = "entry_skipped"
    ENTRY_QUARANTINED = "entry_quarantined"
    LINK_DROPPED = "link_dropped"
    SERIES_AS_SINGLES = "series_as_singles"
    FULL_CHECK = "full_check"
    STOP_LINE = "stop_line"
    UNDO_ASKED = "undo_asked"
    UNDO_LEFT = "undo_left"
    UNDO_DONE = "undo_done"
    TRY_AGAIN = "try_again"
    RUN_FAILED = "run_failed"
    INVITED = "invited"
    MAIL_STATE = "mail_state"
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    CALENDARS_CHOSEN = "calendars_chosen"
    IMPORT_DONE = "import_done"
    STATUS_CHANGED = "status_changed"
    SETTINGS_CHANGED = "settings_changed"
    SUBSCRIPTION_RENEWED = "subscription_renewed"
    SUBSCRIPTION_LOST = "subscription_lost"
    ACCESS_LOST = "access_lost"
    CONNECTION_TESTED = "connection_tested"


class Way(StrEnum):
    TO_CALENDAR = "to_calendar"
    FROM_CALENDAR = "from_calendar"
    NONE = "none"


@value(frozen=True, slots=True)
class LogEntry:
    """One line. `detail` holds ids, codes, counts and instants as text, never titles or notes; `when` and `was` are
    times of the appointment, as journal.py writes a span."""

    account: AccountId
    resource_id: ResourceId | None
    at: datetime
    reason: Reason
    way: Way = Way.NONE
    rule: str | None = None
    ref: LinkRef | None = None
    run: RunId | None = None
    code: str | None = None
    detail: tuple[tuple[str, str], ...] = ()
    is_problem: bool = False

    @property
    def when(self) -> When | None:
        """When the appointment is that the line is about; None where it is about none."""
        text = dict(self.detail).get("when")
        return when_of_span(text) if text else None
