"""What the plan asks for. Each action may be repeated; each carries the id of the rule that decided it."""

from calsync_core.domain.appointments import Block, Booking, Copy, Entry, When
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.ids import LinkRef
from calsync_core.domain.links import Link
from calsync_core.domain.synclog import Reason
from calsync_core.domain.values import value


@value(frozen=True, slots=True)
class CreateCopy:
    """`link` is the row to write as intent first; its generation is already the new one."""

    rule: str
    link: Link
    booking: Booking
    copy: Copy
    reason: Reason = Reason.COPY_CREATED


@value(frozen=True, slots=True)
class AdoptCopy:
    """Our mark stands on this entry, or it is an occurrence of our series: it is the copy; it is brought up to date
    where it differs. `is_read`: the entry was just looked up, with all its content."""

    rule: str
    link: Link
    booking: Booking
    copy: Copy
    entry: Entry
    is_read: bool = False


@value(frozen=True, slots=True)
class UpdateCopy:
    """`entry_version` is the one that we saw; a newer one means: read again, plan again. `is_text_only`: the time of
    the copy is not ours to write, and what was agreed on about times stays (R100)."""

    rule: str
    link: Link
    booking: Booking
    copy: Copy
    entry_version: str
    reason: Reason = Reason.COPY_UPDATED
    is_text_only: bool = False


UNSEEN = "unseen"
"""The version of a copy that nobody has seen as it stands now (R122: it has a new id): it is read before it goes."""


@value(frozen=True, slots=True)
class DeleteCopy:
    """`had_changed` asks for both versions in the log: the person's edit goes with it. `entry_version` is the one that
    we saw; a newer one, and `UNSEEN`, mean: read again, plan again. Empty: whatever it is."""

    rule: str
    link: Link
    entry_version: str
    had_changed: bool = False


@value(frozen=True, slots=True)
class PutBlock:
    """`link` is the row as it must stand afterwards, `is_new` asks for the intent row before."""

    rule: str
    link: Link
    block: Block
    is_new: bool
    reason: Reason = Reason.BLOCK_WRITTEN


@value(frozen=True, slots=True)
class DeleteBlock:
    """`filtered`: the entry is still there, and this setting leaves it alone (R104): not a deletion."""

    rule: str
    link: Link
    filtered: str | None = None


@value(frozen=True, slots=True)
class MoveBooking:
    """The copy was moved: the booking system is asked. `entry` is the copy as it stands."""

    rule: str
    link: Link
    booking: Booking
    when: When
    entry: Entry


@value(frozen=True, slots=True)
class CancelBooking:
    rule: str
    link: Link
    booking: Booking


@value(frozen=True, slots=True)
class Agree:
    """Nothing to send, but the row must note what both sides agree on now. `is_proof`: both sides were seen."""

    rule: str
    link: Link
    is_proof: bool = False


@value(frozen=True, slots=True)
class DropLink:
    rule: str
    link: Link


@value(frozen=True, slots=True)
class Leave:
    """A tombstone: the link waits for the end of its round, where the stop-line is checked."""

    rule: str
    link: Link


@value(frozen=True, slots=True)
class OpenConflict:
    rule: str
    link: Link
    kind: ConflictKind
    booking_when: When | None
    calendar_when: When | None
    code: str | None = None


@value(frozen=True, slots=True)
class Skip:
    """Seen, and nothing may or need be done; `is_noteworthy` puts it into the log."""

    rule: str
    ref: LinkRef
    reason: Reason = Reason.ENTRY_SKIPPED
    code: str | None = None
    is_noteworthy: bool = False


@value(frozen=True, slots=True)
class Quiet:
    """Nothing is to be done, and this rule says why; it never leaves `plan()`, and answers "why isn't it here?"."""

    rule: str
    code: str


Action = (
    CreateCopy | AdoptCopy | UpdateCopy | DeleteCopy | PutBlock | DeleteBlock
    | MoveBooking | CancelBooking | Agree | DropLink | Leave | OpenConflict | Skip | Quiet
)  # fmt: skip


def link_of(action: Action) -> Link | None:
    """The row that an action is about; a `Skip` has none."""
    return getattr(action, "link", None)


def when_of(action: Action) -> When | None:
    """The time that the appointment has when it is done, as the log names it; a `Skip` has none."""
    match action:
        case CreateCopy() | AdoptCopy() | UpdateCopy():
            return action.copy.when
        case PutBlock():
            return action.block.when
        case MoveBooking():
            return action.when
        case OpenConflict():
            return action.booking_when or action.calendar_when
        case _:
            link = link_of(action)
            return link.when if link else None
