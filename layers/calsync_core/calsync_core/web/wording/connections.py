"""A connected mailbox: why it cannot be read or written, on either provider."""

from collections.abc import Mapping

from calsync_core.web.wording.words import Actor, Wording, _

CONNECTION: Mapping[str, Wording] = {
    "connection_broken": Wording(
        _("The calendar can no longer be reached"),
        _("New bookings do not reach the calendar, and we cannot see when it is busy."),
        _("Connect the calendar again."),
        Actor.RESOURCE,
    ),
    "auth_expired": Wording(
        _("Microsoft no longer lets us in"),
        _(
            "Your password or a rule of your organisation changed. Until you sign in again, new bookings do not reach"
            " your calendar and we cannot see when you are busy."
        ),
        _("Sign in again."),
        Actor.RESOURCE,
    ),
    "auth_admin_approval": Wording(
        _("Your IT has to allow calsync first"),
        _("Your organisation allows new apps only after IT has approved them. Nothing was connected."),
        _("Send your IT the text that we prepared. Your link stays valid: come back when they have approved."),
        Actor.IT,
    ),
    "permission_missing": Wording(
        _("We are not allowed to write to this calendar"),
        _("Bookings cannot appear in it."),
        _("Choose a calendar of your own, or ask its owner for the right to change entries."),
        Actor.RESOURCE,
    ),
    "mailbox_unusable": Wording(
        _("This account has no calendar that we can reach"),
        _("The sign-in worked, but Microsoft does not offer a calendar for this account. Nothing was connected."),
        _("Sign in with the account in which you see your calendar, or ask your IT."),
        Actor.IT,
    ),
    "mailbox_on_premises_or_unlicensed": Wording(
        _("This mailbox is not in Microsoft 365"),
        _(
            "The sign-in worked, but the mailbox is on a server of your organisation, or it has no licence for a"
            " calendar. Nothing was connected."
        ),
        _("Ask your IT whether your mailbox is in Microsoft 365 and has a licence with a calendar."),
        Actor.IT,
    ),
    "mailbox_missing": Wording(
        _("This account has no mailbox"),
        _("The sign-in worked, but there is no mailbox and so no calendar behind this address. Nothing was connected."),
        _("Sign in with the account in which you see your calendar."),
        Actor.RESOURCE,
    ),
    "has_attendees": Wording(
        _("Other people were invited to this entry in Outlook"),
        _("Microsoft would mail them about every change of ours, so the entry stays as it is. The booking did change."),
        _("Change or delete the entry in Outlook yourself, or take the invited people out."),
        Actor.RESOURCE,
    ),
    "mailbox_full": Wording(
        _("The mailbox is full"),
        _("Outlook takes no new entries until there is room again. Nothing was lost."),
        _("Delete or archive something in this mailbox, then sync again."),
        Actor.RESOURCE,
    ),
    "mailbox_guest": Wording(
        _("You are a guest in this organisation"),
        _("Guests have no calendar there. Nothing was connected."),
        _("Sign in with the account of your own organisation, in which you see your calendar."),
        Actor.RESOURCE,
    ),
    "mailbox_new": Wording(
        _("This mailbox is still being set up by Microsoft"),
        _("It is so new that its calendar does not answer yet. Nothing was connected."),
        _("Open Outlook once with this account, then use your link again in an hour."),
        Actor.RESOURCE,
    ),
    "calendar_gone": Wording(
        _("The chosen calendar no longer exists"),
        _("Nothing was deleted in the booking system."),
        _("Choose another calendar."),
        Actor.RESOURCE,
    ),
    "calendar_read_only": Wording(
        _("We may read this calendar but not write to it"),
        _("Bookings cannot appear in it."),
        _("Choose a calendar of your own for the bookings."),
        Actor.RESOURCE,
    ),
    "calendar_unknown": Wording(
        _("One of the chosen calendars is no longer there"),
        _("Nothing was saved."),
        _("Choose again from the list."),
        Actor.RESOURCE,
    ),
    "calendars_too_many": Wording(
        _("At most ten more calendars can be checked"),
        _("Nothing was saved."),
        _("Choose those in which you are really busy."),
        Actor.RESOURCE,
    ),
    "calendar_not_chosen": Wording(
        _("No calendar is chosen for the bookings"),
        _("Nothing was saved."),
        _("Choose the calendar in which your bookings are to appear."),
        Actor.RESOURCE,
    ),
}

EXCHANGE: Mapping[str, Wording] = {
    "password_wrong": Wording(
        _("Exchange does not accept this sign-in"),
        _(
            "The user name or the password does not fit, or it was changed. It is tried only once, so that the account"
            " is not locked because of us."
        ),
        _("Enter the current password. Some servers want a user name such as CLINIC\\anna in place of the e-mail."),
        Actor.RESOURCE,
    ),
    "account_locked": Wording(
        _("The account is locked on the Exchange server"),
        _("There were too many wrong passwords, from wherever they came. We try nothing until somebody signs in."),
        _("Ask your IT to unlock the account, then enter the password here."),
        Actor.IT,
    ),
    "microsoft365": Wording(
        _("This mailbox is in Microsoft 365"),
        _("It needs no Exchange password, and none was kept."),
        _("Choose Office 365 in place of Exchange, and sign in at Microsoft."),
        Actor.RESOURCE,
    ),
    "server_address": Wording(
        _("This server address cannot be used"),
        _("It must be the public name of an Exchange server, or its whole address. No password was sent."),
        _("Check the address, or ask your IT for the external address of the Exchange Web Services."),
        Actor.RESOURCE,
    ),
    "server_not_found": Wording(
        _("No Exchange server was found for this e-mail address"),
        _("Nobody answered under the usual names. No password was sent to anybody else."),
        _("Enter the name of the Exchange server, for instance that of Outlook on the web."),
        Actor.RESOURCE,
    ),
    "certificate_untrusted": Wording(
        _("The server's certificate is not trusted"),
        _("We never send a password over a connection that somebody else could read."),
        _("Your IT installs a valid certificate, or the admin uploads that of your own authority."),
        Actor.IT,
    ),
    "web_services_off": Wording(
        _("The Exchange server does not let calsync in"),
        _("Its web services are switched off, for this mailbox or for programs such as calsync."),
        _("Your IT allows Exchange Web Services for this mailbox and for calsync."),
        Actor.IT,
    ),
    "sign_in_scheme": Wording(
        _("The Exchange server offers no way to sign in that calsync knows"),
        _("calsync can use NTLM and Basic, and the server offers neither for its web services."),
        _("Your IT switches on NTLM (Windows authentication) or Basic for the web services."),
        Actor.IT,
    ),
    "server_version": Wording(
        _("This version of Exchange is too old or too new"),
        _("The server did not take any version of the questions that calsync knows."),
        _("Tell your IT which versions calsync supports: Exchange 2010 to Exchange SE."),
        Actor.IT,
    ),
    "impersonation_denied": Wording(
        _("The service account may not open this mailbox"),
        _("The sign-in worked, but Exchange does not let this account act for others."),
        _("Your IT gives the service account the role ApplicationImpersonation, or rights on the calendar."),
        Actor.IT,
    ),
}
