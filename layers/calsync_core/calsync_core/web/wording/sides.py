"""Both sides as they answer, and single entries."""

from collections.abc import Mapping

from calsync_core.web.wording.words import BY_ITSELF, NO_LOSS, NOTHING, Actor, Wording, _

REMOTE: Mapping[str, Wording] = {
    "provider_unavailable": Wording(
        _("The other side does not answer at the moment"), NO_LOSS, BY_ITSELF, Actor.NOBODY
    ),
    "throttled": Wording(_("The mail server asks us to slow down"), NO_LOSS, BY_ITSELF, Actor.NOBODY),
    "cursor_expired": Wording(
        _("The calendar is being read again in full"),
        _("This happens after a longer break. Nothing is deleted because of it."),
        NOTHING,
        Actor.NOBODY,
    ),
    "version_changed": Wording(
        _("The entry was changed at the same moment"),
        _("The newer version is read before anything is written."),
        NOTHING,
        Actor.NOBODY,
    ),
    "link_changed": Wording(
        _("Another check handled this entry at the same moment"),
        _("The newer version is read before anything is written."),
        NOTHING,
        Actor.NOBODY,
    ),
    "lease_lost": Wording(
        _("Another check took over"),
        _("Two checks of one calendar never write at the same time."),
        NOTHING,
        Actor.NOBODY,
    ),
    "gone": Wording(_("The entry no longer exists"), _("It was removed meanwhile."), NOTHING, Actor.NOBODY),
    "window_unread": Wording(
        _("Not known at the moment"),
        _("The calendar could not be read. Times are offered or not according to your setting."),
        BY_ITSELF,
        Actor.NOBODY,
    ),
}

HOST: Mapping[str, Wording] = {
    "host_refused": Wording(
        _("The booking system did not accept the change"),
        _("The booking keeps its time in the booking system."),
        _("Choose in the conflict which time is right."),
        Actor.RESOURCE,
    ),
    "slot_taken": Wording(
        _("The booking system did not accept the change: the time is taken"),
        _("The booking keeps its time in the booking system."),
        _("Choose in the conflict which time is right."),
        Actor.RESOURCE,
    ),
    "outside_hours": Wording(
        _("The booking was moved outside working hours"),
        _("The booking keeps its time in the booking system."),
        _("Keep the old time, or take the new one once the working hours in the booking system allow it."),
        Actor.RESOURCE,
    ),
    "locked": Wording(
        _("The booking is locked in the booking system"),
        _("It cannot be moved or cancelled from the calendar."),
        _("Change it in the booking system, or ask there."),
        Actor.RESOURCE,
    ),
    "granularity": Wording(
        _("The booking system does not offer this start time"),
        _("The booking keeps its time in the booking system."),
        _("Move the entry to a start time that the booking system offers."),
        Actor.RESOURCE,
    ),
    "forbidden": Wording(
        _("The booking system does not allow this change"),
        _("The booking stays as it is in the booking system."),
        _("Make the change in the booking system."),
        Actor.RESOURCE,
    ),
    "not_supported": Wording(
        _("The booking system cannot do this"),
        _("The booking stays as it is in the booking system."),
        _("Make the change in the booking system."),
        Actor.RESOURCE,
    ),
    "host_unauthorised": Wording(
        _("The booking system does not accept our key"),
        _("New bookings do not reach calendars, and calendars do not block times, until this is settled."),
        _("The operator enters a valid key for the booking system."),
        Actor.OPERATOR,
    ),
}

ENTRIES: Mapping[str, Wording] = {
    "entry_rejected": Wording(
        _("One entry could not be written"),
        _("All other entries go on as usual."),
        _("Open the entry in the log to see which one, and change it if needed."),
        Actor.ADMIN,
    ),
    "mail_refused": Wording(
        _("The mail service did not accept the mail"),
        _("The person was not told."),
        _("Check the address and send the mail again, or copy the link."),
        Actor.ADMIN,
    ),
}
