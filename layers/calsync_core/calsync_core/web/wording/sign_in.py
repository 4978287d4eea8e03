"""Signing in, the links in mails, and the way from an invitation to a connected calendar."""

from collections.abc import Mapping

from calsync_core.web.wording.words import BY_ITSELF, NO_LOSS, Actor, Wording, _

SIGN_IN: Mapping[str, Wording] = {
    "sign_in_refused": Wording(
        _("The sign-in could not be completed"),
        _("Nothing was connected."),
        _("Open the link in your mail again and start from there."),
        Actor.RESOURCE,
    ),
    "state_unknown": Wording(
        _("This sign-in is no longer under way"),
        _("It took longer than ten minutes, or the page was opened a second time. Nothing was connected."),
        _("Open the link in your mail again and start from there."),
        Actor.RESOURCE,
    ),
    "state_foreign": Wording(
        _("This sign-in was started in another browser"),
        _("For your safety it must end where it began. Nothing was connected."),
        _("Open the link in your mail in this browser and start from there."),
        Actor.RESOURCE,
    ),
    "token_invalid": Wording(
        _("Microsoft's answer does not belong to this sign-in"),
        _("For your safety we did not accept it. Nothing was connected."),
        _("Open the link in your mail again and start from there."),
        Actor.RESOURCE,
    ),
    "sign_in_again": Wording(
        _("The sign-in was interrupted"),
        _("Nothing was connected."),
        _("Try again from the link in your mail."),
        Actor.RESOURCE,
    ),
    "declined": Wording(
        _("You pressed Cancel at Microsoft"),
        _("Nothing was connected."),
        _("Try again, or tell the sender that you do not want this."),
        Actor.RESOURCE,
    ),
    "wrong_account": Wording(
        _("You signed in with a different account than expected"),
        _("Nothing was connected yet."),
        _("Use this account, or sign in with the other one."),
        Actor.RESOURCE,
    ),
    "wrong_account_type": Wording(
        _("This kind of account cannot be used here"),
        _("Nothing was connected."),
        _("Sign in with the account in which you see your calendar."),
        Actor.RESOURCE,
    ),
    "blocked_by_organisation": Wording(
        _("A rule of your organisation stopped the sign-in"),
        _("Nothing was connected."),
        _("Ask your IT to allow calsync for your account; signing in again does not help before that."),
        Actor.IT,
    ),
    "other_mailbox": Wording(
        _("This is not the account that is connected"),
        _("Your calendar stays connected as it was."),
        _("Sign in with the account that was connected, or disconnect it first."),
        Actor.RESOURCE,
    ),
    "tenant_elsewhere": Wording(
        _("This organisation belongs to another account of this installation"),
        _("Nothing was connected."),
        _("Ask the operator of this installation."),
        Actor.OPERATOR,
    ),
    "grant_missing": Wording(
        _("Please sign in once more"),
        _("More than an hour has passed since you signed in, or this is another browser. Nothing was saved."),
        _("Open the link in your mail again and start from there."),
        Actor.RESOURCE,
    ),
    "mailbox_taken": Wording(
        _("This calendar account already belongs to someone else here"),
        _("One calendar account serves one person, so that bookings of two people never mix. Nothing was changed."),
        _(
            "Share that calendar with your own account and choose it there, or ask the present owner to disconnect it"
            " first."
        ),
        Actor.RESOURCE,
    ),
    "session_missing": Wording(
        _("Please sign in"),
        _("You were signed out, or too much time has passed. Nothing was changed."),
        _("Sign in to go on."),
        Actor.ADMIN,
    ),
    "role_missing": Wording(
        _("Your account may not do this"),
        _("Nothing was changed."),
        _("Ask an administrator of your organisation."),
        Actor.ADMIN,
    ),
}

LINKS: Mapping[str, Wording] = {
    "link_unknown": Wording(
        _("This link does not lead anywhere"),
        _("It may have been cut off when it was copied."),
        _("Open the link from the mail itself, or ask the sender for a new one."),
        Actor.RESOURCE,
    ),
    "link_expired": Wording(
        _("This link has expired"),
        _("Links work for a limited time, for your safety. Nothing was changed."),
        _("Ask for a new one; it goes to the address that was invited."),
        Actor.RESOURCE,
    ),
    "link_used": Wording(
        _("This calendar is already connected"),
        _("The link has done its work and cannot be used again."),
        _("Use the link in the mail “Your calendar is connected” to manage it."),
        Actor.NOBODY,
    ),
    "link_withdrawn": Wording(
        _("This invitation was withdrawn"),
        _("Nothing was connected."),
        _("If you think that is a mistake, ask the sender."),
        Actor.ADMIN,
    ),
    "link_replaced": Wording(
        _("There is a newer link"),
        _("You were sent a new link after this one; only the newest works."),
        _("Open the newest mail."),
        Actor.RESOURCE,
    ),
}

JOURNEYS: Mapping[str, Wording] = {
    "date_invalid": Wording(
        _("This is not a date"),
        _("Nothing was changed."),
        _("Choose a day from the calendar field."),
        Actor.RESOURCE,
    ),
    "pause_in_the_past": Wording(
        _("This day is over already"),
        _("Nothing was changed."),
        _("Choose a day in the future."),
        Actor.RESOURCE,
    ),
    "not_paused": Wording(
        _("It is not paused"),
        _("Nothing was changed."),
        _("Look at the page again: the state has changed."),
        Actor.RESOURCE,
    ),
    "still_disconnecting": Wording(
        _("The old connection is still being removed"),
        _("This takes a few minutes. Nothing was changed."),
        _("Try again in five minutes."),
        Actor.RESOURCE,
    ),
    "sign_in_unavailable": Wording(
        _("Microsoft's sign-in does not answer at the moment"),
        _("Nothing was connected."),
        _("Try again in a few minutes; your link stays valid."),
        Actor.RESOURCE,
    ),
    "host_unavailable": Wording(
        _("The booking system does not answer at the moment"), NO_LOSS, BY_ITSELF, Actor.NOBODY
    ),
    "store_unavailable": Wording(
        _("calsync itself is very busy at the moment"), NO_LOSS, _("Try again in a minute."), Actor.NOBODY
    ),
}
