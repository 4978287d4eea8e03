"""Lines of the sync log that are no errors, and the stop-lines."""

from collections.abc import Mapping

from calsync_core.web.wording.words import BY_ITSELF, NOTHING, Actor, Wording, _

STOP_LINES: Mapping[str, Wording] = {
    "stop_line": Wording(
        _("Many entries disappeared at once"),
        _("We stopped before anything was deleted on the other side."),
        _("Look at what would go, then confirm it or restore it."),
        Actor.ADMIN,
    ),
}

LOG: Mapping[str, Wording] = {
    "copy_created": Wording(_("Booking written to the calendar"), "", NOTHING, Actor.NOBODY),
    "copy_adopted": Wording(_("Booking found in the calendar and taken over"), "", NOTHING, Actor.NOBODY),
    "copy_updated": Wording(_("Booking changed in the calendar"), "", NOTHING, Actor.NOBODY),
    "copy_deleted": Wording(_("Booking removed from the calendar"), "", NOTHING, Actor.NOBODY),
    "copy_restored": Wording(_("Booking put back into the calendar"), "", NOTHING, Actor.NOBODY),
    "block_written": Wording(_("Time blocked in the booking system"), "", NOTHING, Actor.NOBODY),
    "block_put_back": Wording(_("Blocked time put back in the booking system"), "", NOTHING, Actor.NOBODY),
    "block_deleted": Wording(_("Blocked time freed in the booking system"), "", NOTHING, Actor.NOBODY),
    "booking_moved": Wording(_("Booking moved in the booking system"), "", NOTHING, Actor.NOBODY),
    "booking_cancelled": Wording(_("Booking cancelled in the booking system"), "", NOTHING, Actor.NOBODY),
    "conflict_opened": Wording(
        _("A conflict was opened"),
        _("Both versions stay as they are."),
        _("Choose in the conflict which one is right."),
        Actor.RESOURCE,
    ),
    "conflict_settled": Wording(_("The conflict settled itself"), "", NOTHING, Actor.NOBODY),
    "conflict_resolved": Wording(_("The conflict was settled by a person"), "", NOTHING, Actor.NOBODY),
    "entry_skipped": Wording(_("Entry left alone by a rule"), "", NOTHING, Actor.NOBODY),
    "entry_quarantined": Wording(
        _("One entry was set aside"),
        _("It could not be handled; all others go on."),
        _("Change it where it was made, or press Try again on the page of its person or room."),
        Actor.ADMIN,
    ),
    "link_dropped": Wording(_("Both entries are gone; nothing more to keep in step"), "", NOTHING, Actor.NOBODY),
    "rrule_invalid": Wording(
        _("The rule of a repeating booking cannot be read"),
        _("Each of its dates is written as an entry of its own."),
        _("Ask the makers of the booking system to correct the rule."),
        Actor.ADMIN,
    ),
    "series_as_singles": Wording(
        _("A repeating booking was written date by date"),
        _("Calendars have no words for the way it repeats, so each of its dates is an entry of its own."),
        NOTHING,
        Actor.NOBODY,
    ),
    "full_check": Wording(_("Everything was compared from the beginning"), "", NOTHING, Actor.NOBODY),
    "run_failed": Wording(
        _("A check did not come to its end"),
        _("Nothing is lost: the next check goes on where this one stopped."),
        BY_ITSELF,
        Actor.OPERATOR,
    ),
    "invited": Wording(_("Invitation made"), "", _("The invited person opens the mail."), Actor.RESOURCE),
    "mail_state": Wording(_("News about a mail that we sent"), "", NOTHING, Actor.NOBODY),
    "signed_in": Wording(_("Signed in"), "", NOTHING, Actor.NOBODY),
    "calendars_chosen": Wording(_("Calendars chosen"), "", NOTHING, Actor.NOBODY),
    "import_done": Wording(_("The first import is complete"), "", NOTHING, Actor.NOBODY),
    "status_changed": Wording(_("The state changed"), "", NOTHING, Actor.NOBODY),
    "settings_changed": Wording(_("Settings changed"), "", NOTHING, Actor.NOBODY),
    "subscription_renewed": Wording(_("The calendar's server tells us about changes again"), "", NOTHING, Actor.NOBODY),
    "subscription_lost": Wording(
        _("The calendar's server stopped telling us about changes"),
        _("Changes are found by regular checks meanwhile."),
        BY_ITSELF,
        Actor.NOBODY,
    ),
    "connection_tested": Wording(_("The connection was tested"), "", NOTHING, Actor.NOBODY),
    "access_lost": Wording(
        _("Access to the calendar was lost"),
        _("New bookings do not reach the calendar, and we cannot see when it is busy."),
        _("Sign in again."),
        Actor.RESOURCE,
    ),
}
