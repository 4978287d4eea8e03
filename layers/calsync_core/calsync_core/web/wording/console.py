"""What the console says about a press of an admin."""

from collections.abc import Mapping

from calsync_core.web.wording.words import BY_ITSELF, NOTHING, Actor, Wording, _

CONSOLE: Mapping[str, Wording] = {
    "not_a_member": Wording(
        _("You signed in, but this account is not known here"),
        _("Nothing was opened."),
        _("Sign in with another account, or ask the operator to add this one."),
        Actor.ADMIN,
    ),
    "console_sign_in_refused": Wording(
        _("The sign-in could not be completed"),
        _("It took too long, was opened twice, or came from another browser."),
        _("Sign in once more."),
        Actor.ADMIN,
    ),
    "console_declined": Wording(_("The sign-in was cancelled"), "", _("Sign in when you are ready."), Actor.ADMIN),
    "identity_provider_unavailable": Wording(
        _("The sign-in service does not answer at the moment"),
        _("Nobody can sign in here; calendars go on being kept in step."),
        _("Try again in a minute."),
        Actor.NOBODY,
    ),
    "oidc_missing": Wording(
        _("Sign-in to this installation is not set up"),
        _("Nobody can open these pages."),
        _("The operator names the identity provider in the deployment."),
        Actor.OPERATOR,
    ),
    "destination_unknown": Wording(
        _("This address does not exist"), "", _("Open the console and go on from there."), Actor.NOBODY
    ),
    "too_soon": Wording(
        _("A check was asked for less than a minute ago"),
        _("It is under way."),
        _("Wait a minute before asking again."),
        Actor.NOBODY,
    ),
    "resource_inactive": Wording(
        _("The booking system does not offer this person or room any more"),
        _("Nothing is copied while that is so. It goes on by itself when it is offered again."),
        _("Disconnect the calendar if it is not coming back."),
        Actor.ADMIN,
    ),
    "resource_active": Wording(_("The booking system offers this again"), "", NOTHING, Actor.NOBODY),
    "conflict_ended": Wording(
        _("This conflict has ended already"),
        _("Nothing was changed."),
        _("Look at the list again."),
        Actor.NOBODY,
    ),
    "conflict_changed": Wording(
        _("The conflict changed while you were looking at it"),
        _("Nothing was changed."),
        _("Look at both versions again, then choose."),
        Actor.ADMIN,
    ),
    "resolution_not_offered": Wording(
        _("This way out does not fit this conflict"),
        _("Nothing was changed."),
        _("Choose one of the offered ways."),
        Actor.ADMIN,
    ),
    "resolution_unknown": Wording(
        _("Nothing was chosen"), _("Nothing was changed."), _("Choose one of the offered ways."), Actor.ADMIN
    ),
    "until_out_of_range": Wording(
        _("Until when both stay is not a day of the coming year"),
        _("Nothing was changed."),
        _("Choose a day between tomorrow and a year from now."),
        Actor.ADMIN,
    ),
    "no_free_slot": Wording(
        _("No free time was found in the next four weeks"),
        _("The booking stays where it is."),
        _("Move it in the booking system."),
        Actor.ADMIN,
    ),
    "scope_unknown": Wording(
        _("It was not said what the change applies to"),
        _("Nothing was saved."),
        _("Choose future changes only, or also everything in the window."),
        Actor.ADMIN,
    ),
    "span_inverted": Wording(
        _("The end is not after the beginning"),
        "",
        _("Ask for a span that ends after it begins."),
        Actor.ADMIN,
    ),
    "span_too_long": Wording(_("The span is too long"), "", _("Ask for at most 62 days at once."), Actor.ADMIN),
    "instant_unreadable": Wording(
        _("A moment in time could not be read"),
        "",
        _("Write it with its offset, for instance 2026-11-23T09:00:00Z."),
        Actor.ADMIN,
    ),
    "cursor_unknown": Wording(
        _("This place in the list does not exist"), "", _("Start from the first page."), Actor.ADMIN
    ),
    "field_unknown": Wording(
        _("A field of this name is not known"), _("Nothing was saved."), _("Leave it out."), Actor.ADMIN
    ),
    "name_missing": Wording(_("The key has no name"), _("No key was made."), _("Enter what it is for."), Actor.ADMIN),
    "too_many_keys": Wording(
        _("There are fifty keys already"),
        _("No key was made."),
        _("Revoke one that nobody uses."),
        Actor.ADMIN,
    ),
    "key_missing": Wording(
        _("The key is missing"), "", _("Send the key as Bearer in the header Authorization."), Actor.OPERATOR
    ),
    "key_unknown": Wording(
        _("This key is not valid"), "", _("Make a new key on the page Connections."), Actor.OPERATOR
    ),
    "scope_missing": Wording(
        _("This key may only read"), _("Nothing was changed."), _("Use a key that may write."), Actor.OPERATOR
    ),
    "conflict_unknown": Wording(
        _("This conflict is not known here"), _("Nothing was changed."), _("Look at the list."), Actor.ADMIN
    ),
    "event_refused": Wording(
        _("The event is not signed as agreed"),
        _("It was not looked at."),
        _("Compare key and clock."),
        Actor.OPERATOR,
    ),
    "nobody_chosen": Wording(
        _("Nobody is chosen"),
        _("No invitation was sent."),
        _("Choose at least one person or room."),
        Actor.ADMIN,
    ),
    "paused": Wording(_("Paused"), "", _("Resume it when it is to go on."), Actor.ADMIN),
    "resumed": Wording(_("Resumed"), "", NOTHING, Actor.NOBODY),
    "renewed": Wording(_("Signed in again"), "", NOTHING, Actor.NOBODY),
    "withdrawn": Wording(_("Invitation withdrawn"), "", NOTHING, Actor.NOBODY),
    "disconnected": Wording(_("Disconnected"), "", NOTHING, Actor.NOBODY),
    "disconnect_done": Wording(_("Disconnecting is complete"), "", NOTHING, Actor.NOBODY),
    "stop_line_confirmed": Wording(_("Somebody confirmed that it was on purpose"), "", NOTHING, Actor.NOBODY),
    "stop_line_restored": Wording(_("Somebody had the bookings written again"), "", NOTHING, Actor.NOBODY),
    "outside_window": Wording(_("Outside the weeks that are copied"), "", NOTHING, Actor.NOBODY),
    "own_booking": Wording(_("The copy of a booking that this person or room has too"), "", NOTHING, Actor.NOBODY),
    "direction": Wording(_("The setting copies in the other direction only"), "", NOTHING, Actor.NOBODY),
    "times_inverted": Wording(
        _("The entry ends before it begins and was set aside"),
        _("What stood for it on the other side stays as it was."),
        _("Open it in the calendar and correct its times."),
        Actor.RESOURCE,
    ),
    "block_text_refused": Wording(
        _("The booking system would not have the title or notes of an entry"),
        _("Its time is blocked without them."),
        _("Make the title or the notes shorter, or tell the maker of the booking system."),
        Actor.ADMIN,
    ),
    "times_too_long": Wording(
        _("The entry lasts for more than a hundred years and was set aside"),
        _("What stood for it on the other side stays as it was; if it was new, it takes no time there."),
        _("Open it in the calendar and correct its times."),
        Actor.RESOURCE,
    ),
    "times_out_of_range": Wording(
        _("The entry lies too many centuries away and was set aside"),
        _("What stood for it on the other side stays as it was."),
        _("Open it in the calendar and correct its times."),
        Actor.RESOURCE,
    ),
    "entry_unreadable": Wording(
        _("An entry of the calendar could not be read and was set aside"),
        _("What stood for it on the other side stays as it was; all others go on."),
        _("Open it in the calendar and save it again."),
        Actor.RESOURCE,
    ),
    "booking_unreadable": Wording(
        _("A booking could not be read and was set aside"),
        _("Its copy stays as it was; all others go on."),
        _("Tell the maker of the booking system which field is named."),
        Actor.ADMIN,
    ),
    "kept_changing": Wording(_("The entry changed again and again while it was written"), "", BY_ITSELF, Actor.NOBODY),
    "write_budget": Wording(
        _("The entry was written too often in an hour and was set aside"),
        _("Another program may change it back each time."),
        _("Look for a second program that copies into this calendar."),
        Actor.ADMIN,
    ),
    "too_many_pages": Wording(_("The calendar holds too much to be read at once"), "", BY_ITSELF, Actor.NOBODY),
    "confirmation_missing": Wording(
        _("The second press is missing"),
        _("Nothing was changed."),
        _("Look at the numbers, then confirm."),
        Actor.ADMIN,
    ),
}
