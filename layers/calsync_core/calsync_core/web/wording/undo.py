"""What an undo does, or why it leaves something alone; and what a run did, in the list of runs."""

from collections.abc import Mapping

from calsync_core.web.wording.words import NOTHING, Actor, Wording, _

_AS_IT_IS = _("Nothing was changed there.")

UNDO: Mapping[str, Wording] = {
    "undo_asked": Wording(_("Somebody wants a check undone"), "", _("The next check carries it out."), Actor.NOBODY),
    "undo_left": Wording(_("One thing could not be undone"), _AS_IT_IS, _("The reason stands beside it."), Actor.ADMIN),
    "undo_done": Wording(
        _("A check was undone"), "", _("What could not be undone has a line of its own."), Actor.NOBODY
    ),
    "try_again": Wording(_("Somebody asked for another try"), "", _("The next check tries it."), Actor.NOBODY),
    "undo_copy_again": Wording(
        _("The booking is written into the calendar again"), "", _("Press Undo to have it done."), Actor.ADMIN
    ),
    "undo_block_again": Wording(
        _("The time is blocked in the booking system again"), "", _("Press Undo to have it done."), Actor.ADMIN
    ),
    "undo_booking_back": Wording(
        _("The booking system is asked to move the booking back"), "", _("Press Undo to have it done."), Actor.ADMIN
    ),
    "undo_there_again": Wording(_("It stands as before already"), "", NOTHING, Actor.NOBODY),
    "undo_changed_since": Wording(
        _("It was changed since"),
        _("What came later counts, so it is left as it is."),
        _("Change it in the booking system or in the calendar if it is wrong."),
        Actor.ADMIN,
    ),
    "undo_follows": Wording(
        _("It followed the other side"),
        _("A copy stands where its original stands; moving the copy alone would not last."),
        _("Move the original if it is wrong."),
        Actor.ADMIN,
    ),
    "undo_booking_gone": Wording(
        _("The booking no longer exists in the booking system"),
        _("There is nothing to write into the calendar."),
        _("Make it again in the booking system; it then appears by itself."),
        Actor.ADMIN,
    ),
    "undo_booking_cancelled": Wording(
        _("The booking is cancelled in the booking system"),
        _("A cancellation cannot be taken back from here."),
        _("Make the booking again in the booking system; it then appears by itself."),
        Actor.ADMIN,
    ),
    "undo_booking_elsewhere": Wording(
        _("The booking belongs to somebody else now"), _AS_IT_IS, _("Look at that person or room."), Actor.ADMIN
    ),
    "undo_entry_gone": Wording(
        _("The entry no longer exists in the calendar"), _("There is nothing to block."), NOTHING, Actor.NOBODY
    ),
    "undo_calendar_left": Wording(
        _("The calendar is not checked any more"),
        _("Its entries do not block time."),
        _("Choose it again if it should count."),
        Actor.RESOURCE,
    ),
    "run_unknown": Wording(
        _("Nothing is kept of this check"),
        _("It deleted and moved nothing, or it is longer ago than 30 days."),
        _("Choose another one from the list."),
        Actor.ADMIN,
    ),
    "did_copy_deleted": Wording(_("removed from the calendar"), "", NOTHING, Actor.NOBODY),
    "did_copy_moved": Wording(_("moved in the calendar"), "", NOTHING, Actor.NOBODY),
    "did_block_deleted": Wording(_("freed in the booking system"), "", NOTHING, Actor.NOBODY),
    "did_block_moved": Wording(_("blocked at another time in the booking system"), "", NOTHING, Actor.NOBODY),
    "did_booking_moved": Wording(_("moved in the booking system"), "", NOTHING, Actor.NOBODY),
    "did_booking_cancelled": Wording(_("cancelled in the booking system"), "", NOTHING, Actor.NOBODY),
}
