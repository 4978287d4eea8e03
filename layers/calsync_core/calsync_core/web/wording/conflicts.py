"""Kinds of conflicts, for the mail about one; a kind that is also the code of an error has its text there."""

from collections.abc import Mapping

from calsync_core.web.wording.words import Actor, Wording, _

CONFLICTS: Mapping[str, Wording] = {
    "same_time": Wording(
        _("Two entries at the same time"),
        _("Both stay as they are."),
        _("Accept that both stand, or move the booking."),
        Actor.RESOURCE,
    ),
    "refused": Wording(
        _("The booking system did not accept the new time"),
        _("The booking keeps its time in the booking system."),
        _("Choose in the conflict which time is right."),
        Actor.RESOURCE,
    ),
    "changed_on_both": Wording(
        _("A booking was changed on both sides"),
        _("Both versions are kept."),
        _("Choose in the conflict which one is right."),
        Actor.RESOURCE,
    ),
    "moved": Wording(
        _("A booking was moved in the calendar"),
        _("The booking keeps its time in the booking system."),
        _("Choose in the conflict which time is right."),
        Actor.RESOURCE,
    ),
    "deleted_in_calendar": Wording(
        _("A booking was deleted in the calendar"),
        _("The booking stands in the booking system as before."),
        _("Have it written into the calendar again, or cancel the booking."),
        Actor.RESOURCE,
    ),
    "not_writable": Wording(
        _("A booking could not be written to the calendar"),
        _("It stands in the booking system only."),
        _("Try again, or leave it as it is."),
        Actor.RESOURCE,
    ),
}
