"""Why something is here, is not here, or looks as it does."""

from collections.abc import Mapping

from calsync_core.web.wording.words import NOTHING, Actor, Wording, _

_CHANGE_SETTING = _("Change the setting if it should count.")

WHY: Mapping[str, Wording] = {
    "in_step": Wording(_("Both sides say the same"), "", NOTHING, Actor.NOBODY),
    "entry_cancelled": Wording(
        _("The organiser cancelled it"), _("A cancelled entry takes no time."), NOTHING, Actor.NOBODY
    ),
    "entry_declined": Wording(
        _("The person declined it"), _("By the settings a declined entry takes no time."), _CHANGE_SETTING, Actor.ADMIN
    ),
    "entry_not_responded": Wording(
        _("The person has not answered the invitation"),
        _("By the settings such an entry takes no time."),
        _CHANGE_SETTING,
        Actor.ADMIN,
    ),
    "entry_free": Wording(
        _("It is shown as free in the calendar"),
        _("By the settings a free entry takes no time."),
        _("Show it as busy in the calendar, or change the setting."),
        Actor.RESOURCE,
    ),
    "entry_tentative": Wording(
        _("It is shown as tentative in the calendar"),
        _("By the settings a tentative entry takes no time."),
        _CHANGE_SETTING,
        Actor.ADMIN,
    ),
    "entry_working_elsewhere": Wording(
        _("It is shown as working elsewhere"),
        _("By the settings such an entry takes no time."),
        _CHANGE_SETTING,
        Actor.ADMIN,
    ),
    "entry_all_day": Wording(
        _("It lasts whole days"), _("By the settings whole days take no time."), _CHANGE_SETTING, Actor.ADMIN
    ),
    "entry_private_skipped": Wording(
        _("It is private"), _("By the settings private entries are left alone."), _CHANGE_SETTING, Actor.ADMIN
    ),
    "entry_excluded_category": Wording(
        _("It has a category that is left out"),
        _("By the settings entries of this category take no time."),
        _CHANGE_SETTING,
        Actor.ADMIN,
    ),
    "entry_excluded_subject": Wording(
        _("It has words in its title that are left out"),
        _("By the settings entries with such a title take no time."),
        _CHANGE_SETTING,
        Actor.ADMIN,
    ),
    "entry_no_length": Wording(
        _("It begins and ends at the same moment"),
        _("Such an entry reminds of something and takes no time."),
        _("Give it a length in the calendar if it should count."),
        Actor.RESOURCE,
    ),
    "copy_deleted_here": Wording(
        _("It was deleted in the calendar"),
        _("The booking still stands in the booking system; it comes back when the booking changes."),
        _("Choose in the conflict what is right."),
        Actor.RESOURCE,
    ),
    "will_be_written": Wording(
        _("It is going to be written"), "", _("Wait for the next check, or press Sync now."), Actor.NOBODY
    ),
    "will_be_changed": Wording(
        _("It is going to be brought up to date"), "", _("Wait for the next check, or press Sync now."), Actor.NOBODY
    ),
    "will_be_removed": Wording(
        _("It is going to be removed"), "", _("Wait for the next check, or press Sync now."), Actor.NOBODY
    ),
    "will_be_asked": Wording(
        _("The booking system is going to be asked"),
        _("Somebody moved or deleted the booking's copy in the calendar."),
        _("Wait for the next check, or press Sync now."),
        Actor.NOBODY,
    ),
    "waits_for_person": Wording(
        _("A conflict waits for somebody"), _("Both stay as they are."), _("Settle the conflict."), Actor.RESOURCE
    ),
    "is_left_alone": Wording(_("No rule asks for anything here"), "", NOTHING, Actor.NOBODY),
    "link_only": Wording(
        _("It was found on neither side"),
        _("calsync still remembers it; the next full check clears it up."),
        NOTHING,
        Actor.NOBODY,
    ),
    "not_of_resource": Wording(
        _("The booking is cancelled, or belongs to somebody else"), "", _("Look at that person or room."), Actor.ADMIN
    ),
    "question_missing": Wording(
        _("Nothing was asked for"), "", _("Enter a day and time, a title, or the number of the booking."), Actor.ADMIN
    ),
    "question_time_unreadable": Wording(
        _("This is no day and time"), "", _("Choose the day and the time at which it should be."), Actor.ADMIN
    ),
    "nothing_found": Wording(
        _("Nothing was found on either side"),
        _("Of private entries, and of titles that the settings do not let us read, only the time can be asked for."),
        _("Ask by the time, and check that it stands in a calendar that was chosen."),
        Actor.NOBODY,
    ),
    "next_check": Wording(
        _("With the next check, within an hour at the latest"),
        "",
        _("Press Sync now to have it at once."),
        Actor.NOBODY,
    ),
    "next_when_changed": Wording(
        _("When it is changed, or when somebody presses Try again"), "", _("Press Try again."), Actor.ADMIN
    ),
    "next_when_decided": Wording(
        _("When somebody settles the conflict"), "", _("Settle the conflict."), Actor.RESOURCE
    ),
    "next_never": Wording(_("Not again while all stays as it is"), "", NOTHING, Actor.NOBODY),
    "not_quarantined": Wording(
        _("This entry is not set aside any more"),
        _("Nothing was changed."),
        _("Look at the page again."),
        Actor.NOBODY,
    ),
    "both_times_changed": Wording(
        _("The time was changed on both sides"), "", _("Choose one of the two."), Actor.RESOURCE
    ),
    "both_details_changed": Wording(
        _("Title, notes or place were changed on both sides"), "", _("Choose one of the two."), Actor.RESOURCE
    ),
    "repeats_otherwise": Wording(
        _("How the series repeats was changed in the calendar"),
        _("The booking system decides how a booking repeats; both stay as they are until somebody chooses."),
        _("Keep the booking's rule, or change how it repeats in the booking system."),
        Actor.RESOURCE,
    ),
    "accepted_outside_hours": Wording(
        _("The booking stands outside the working hours"),
        _("The booking system accepted it there."),
        _("Accept it, or move the booking into the working hours."),
        Actor.RESOURCE,
    ),
}
