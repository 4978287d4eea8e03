"""The one wording catalogue: code -> what happened, what it means for bookings, what to do, who acts.

Pages, mails, log and API use the same codes. Rules: no word from the engine room, no blame, never a code alone.
A test walks every error and every Reason and is red when a code has no text here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Actor(StrEnum):
    """Whose turn it is."""

    RESOURCE = "resource"
    ADMIN = "admin"
    IT = "it"
    OPERATOR = "operator"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Wording:
    """`title` is a heading without a full stop; `meaning` and `next_step` are sentences, `meaning` may be empty."""

    title: str
    meaning: str
    next_step: str
    actor: Actor


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


def _w(title: str, meaning: str, next_step: str, actor: Actor) -> Wording:
    return Wording(title, meaning, next_step, actor)


_NOTHING = _("There is nothing to do for you.")
_BY_ITSELF = _("We keep trying by ourselves. There is nothing to do for you.")
_NO_LOSS = _("Nothing is lost: what waits is written as soon as it works again.")

_REMOTE: Mapping[str, Wording] = {
    "provider_unavailable": _w(_("The other side does not answer at the moment"), _NO_LOSS, _BY_ITSELF, Actor.NOBODY),
    "throttled": _w(_("Microsoft asks us to slow down"), _NO_LOSS, _BY_ITSELF, Actor.NOBODY),
    "cursor_expired": _w(
        _("The calendar is being read again in full"),
        _("This happens after a longer break. Nothing is deleted because of it."),
        _NOTHING,
        Actor.NOBODY,
    ),
    "version_changed": _w(
        _("The entry was changed at the same moment"),
        _("The newer version is read before anything is written."),
        _NOTHING,
        Actor.NOBODY,
    ),
    "link_changed": _w(
        _("Another check handled this entry at the same moment"),
        _("The newer version is read before anything is written."),
        _NOTHING,
        Actor.NOBODY,
    ),
    "lease_lost": _w(
        _("Another check took over"),
        _("Two checks of one calendar never write at the same time."),
        _NOTHING,
        Actor.NOBODY,
    ),
    "gone": _w(_("The entry no longer exists"), _("It was removed meanwhile."), _NOTHING, Actor.NOBODY),
    "window_unread": _w(
        _("Not known at the moment"),
        _("The calendar could not be read. Times are offered or not according to your setting."),
        _BY_ITSELF,
        Actor.NOBODY,
    ),
}

_HOST: Mapping[str, Wording] = {
    "host_refused": _w(
        _("The booking system did not accept the change"),
        _("The booking keeps its time in the booking system."),
        _("Choose in the conflict which time is right."),
        Actor.RESOURCE,
    ),
    "slot_taken": _w(
        _("The booking system did not accept the change: the time is taken"),
        _("The booking keeps its time in the booking system."),
        _("Choose in the conflict which time is right."),
        Actor.RESOURCE,
    ),
    "outside_hours": _w(
        _("The booking was moved outside working hours"),
        _("The booking keeps its time in the booking system."),
        _("Keep the old time, or take the new one once the working hours in the booking system allow it."),
        Actor.RESOURCE,
    ),
    "locked": _w(
        _("The booking is locked in the booking system"),
        _("It cannot be moved or cancelled from the calendar."),
        _("Change it in the booking system, or ask there."),
        Actor.RESOURCE,
    ),
    "granularity": _w(
        _("The booking system does not offer this start time"),
        _("The booking keeps its time in the booking system."),
        _("Move the entry to a start time that the booking system offers."),
        Actor.RESOURCE,
    ),
    "forbidden": _w(
        _("The booking system does not allow this change"),
        _("The booking stays as it is in the booking system."),
        _("Make the change in the booking system."),
        Actor.RESOURCE,
    ),
    "not_supported": _w(
        _("The booking system cannot do this"),
        _("The booking stays as it is in the booking system."),
        _("Make the change in the booking system."),
        Actor.RESOURCE,
    ),
    "host_unauthorised": _w(
        _("The booking system does not accept our key"),
        _("New bookings do not reach calendars, and calendars do not block times, until this is settled."),
        _("The operator enters a valid key for the booking system."),
        Actor.OPERATOR,
    ),
}

_ENTRIES: Mapping[str, Wording] = {
    "entry_rejected": _w(
        _("One entry could not be written"),
        _("All other entries go on as usual."),
        _("Open the entry in the log to see which one, and change it if needed."),
        Actor.ADMIN,
    ),
    "mail_refused": _w(
        _("The mail service did not accept the mail"),
        _("The person was not told."),
        _("Check the address and send the mail again, or copy the link."),
        Actor.ADMIN,
    ),
}

_CONNECTION: Mapping[str, Wording] = {
    "connection_broken": _w(
        _("The calendar can no longer be reached"),
        _("New bookings do not reach the calendar, and we cannot see when it is busy."),
        _("Connect the calendar again."),
        Actor.RESOURCE,
    ),
    "auth_expired": _w(
        _("Microsoft no longer lets us in"),
        _(
            "Your password or a rule of your organisation changed. Until you sign in again, new bookings do not reach"
            " your calendar and we cannot see when you are busy."
        ),
        _("Sign in again."),
        Actor.RESOURCE,
    ),
    "auth_admin_approval": _w(
        _("Your IT has to allow calsync first"),
        _("Your organisation allows new apps only after IT has approved them. Nothing was connected."),
        _("Send your IT the text that we prepared. Your link stays valid: come back when they have approved."),
        Actor.IT,
    ),
    "permission_missing": _w(
        _("We are not allowed to write to this calendar"),
        _("Bookings cannot appear in it."),
        _("Choose a calendar of your own, or ask its owner for the right to change entries."),
        Actor.RESOURCE,
    ),
    "mailbox_unusable": _w(
        _("This account has no calendar that we can reach"),
        _("The sign-in worked, but Microsoft does not offer a calendar for this account. Nothing was connected."),
        _("Sign in with the account in which you see your calendar, or ask your IT."),
        Actor.IT,
    ),
    "mailbox_on_premises_or_unlicensed": _w(
        _("This mailbox is not in Microsoft 365"),
        _(
            "The sign-in worked, but the mailbox is on a server of your organisation, or it has no licence for a"
            " calendar. Nothing was connected."
        ),
        _("Ask your IT whether your mailbox is in Microsoft 365 and has a licence with a calendar."),
        Actor.IT,
    ),
    "mailbox_missing": _w(
        _("This account has no mailbox"),
        _("The sign-in worked, but there is no mailbox and so no calendar behind this address. Nothing was connected."),
        _("Sign in with the account in which you see your calendar."),
        Actor.RESOURCE,
    ),
    "has_attendees": _w(
        _("Other people were invited to this entry in Outlook"),
        _("Microsoft would mail them about every change of ours, so the entry stays as it is. The booking did change."),
        _("Change or delete the entry in Outlook yourself, or take the invited people out."),
        Actor.RESOURCE,
    ),
    "mailbox_full": _w(
        _("The mailbox is full"),
        _("Outlook takes no new entries until there is room again. Nothing was lost."),
        _("Delete or archive something in this mailbox, then sync again."),
        Actor.RESOURCE,
    ),
    "mailbox_guest": _w(
        _("You are a guest in this organisation"),
        _("Guests have no calendar there. Nothing was connected."),
        _("Sign in with the account of your own organisation, in which you see your calendar."),
        Actor.RESOURCE,
    ),
    "mailbox_new": _w(
        _("This mailbox is still being set up by Microsoft"),
        _("It is so new that its calendar does not answer yet. Nothing was connected."),
        _("Open Outlook once with this account, then use your link again in an hour."),
        Actor.RESOURCE,
    ),
    "calendar_gone": _w(
        _("The chosen calendar no longer exists"),
        _("Nothing was deleted in the booking system."),
        _("Choose another calendar."),
        Actor.RESOURCE,
    ),
    "calendar_read_only": _w(
        _("We may read this calendar but not write to it"),
        _("Bookings cannot appear in it."),
        _("Choose a calendar of your own for the bookings."),
        Actor.RESOURCE,
    ),
    "calendar_unknown": _w(
        _("One of the chosen calendars is no longer there"),
        _("Nothing was saved."),
        _("Choose again from the list."),
        Actor.RESOURCE,
    ),
    "calendars_too_many": _w(
        _("At most ten more calendars can be checked"),
        _("Nothing was saved."),
        _("Choose those in which you are really busy."),
        Actor.RESOURCE,
    ),
    "calendar_not_chosen": _w(
        _("No calendar is chosen for the bookings"),
        _("Nothing was saved."),
        _("Choose the calendar in which your bookings are to appear."),
        Actor.RESOURCE,
    ),
}

_EXCHANGE: Mapping[str, Wording] = {
    "password_wrong": _w(
        _("Exchange does not accept this sign-in"),
        _(
            "The user name or the password does not fit, or it was changed. It is tried only once, so that the account"
            " is not locked because of us."
        ),
        _("Enter the current password. Some servers want a user name such as CLINIC\\anna in place of the e-mail."),
        Actor.RESOURCE,
    ),
    "account_locked": _w(
        _("The account is locked on the Exchange server"),
        _("There were too many wrong passwords, from wherever they came. We try nothing until somebody signs in."),
        _("Ask your IT to unlock the account, then enter the password here."),
        Actor.IT,
    ),
    "microsoft365": _w(
        _("This mailbox is in Microsoft 365"),
        _("It needs no Exchange password, and none was kept."),
        _("Choose Office 365 in place of Exchange, and sign in at Microsoft."),
        Actor.RESOURCE,
    ),
    "server_address": _w(
        _("This server address cannot be used"),
        _("It must be the public name of an Exchange server, or its whole address. No password was sent."),
        _("Check the address, or ask your IT for the external address of the Exchange Web Services."),
        Actor.RESOURCE,
    ),
    "server_not_found": _w(
        _("No Exchange server was found for this e-mail address"),
        _("Nobody answered under the usual names. No password was sent to anybody else."),
        _("Enter the name of the Exchange server, for instance that of Outlook on the web."),
        Actor.RESOURCE,
    ),
    "certificate_untrusted": _w(
        _("The server's certificate is not trusted"),
        _("We never send a password over a connection that somebody else could read."),
        _("Your IT installs a valid certificate, or the admin uploads that of your own authority."),
        Actor.IT,
    ),
    "web_services_off": _w(
        _("The Exchange server does not let calsync in"),
        _("Its web services are switched off, for this mailbox or for programs such as calsync."),
        _("Your IT allows Exchange Web Services for this mailbox and for calsync."),
        Actor.IT,
    ),
    "sign_in_scheme": _w(
        _("The Exchange server offers no way to sign in that calsync knows"),
        _("calsync can use NTLM and Basic, and the server offers neither for its web services."),
        _("Your IT switches on NTLM (Windows authentication) or Basic for the web services."),
        Actor.IT,
    ),
    "server_version": _w(
        _("This version of Exchange is too old or too new"),
        _("The server did not take any version of the questions that calsync knows."),
        _("Tell your IT which versions calsync supports: Exchange 2010 to Exchange SE."),
        Actor.IT,
    ),
    "impersonation_denied": _w(
        _("The service account may not open this mailbox"),
        _("The sign-in worked, but Exchange does not let this account act for others."),
        _("Your IT gives the service account the role ApplicationImpersonation, or rights on the calendar."),
        Actor.IT,
    ),
}

# Exchange servers of the business's own, what an account may use, and the operator's access codes.
_SERVERS: Mapping[str, Wording] = {
    "app_off": _w(
        _("This kind of calendar is switched off"),
        _("The operator of calsync does not offer it here. Nothing was changed."),
        _("Ask the operator if you need it."),
        Actor.OPERATOR,
    ),
    "app_needs_code": _w(
        _("This kind of calendar needs an access code"),
        _("The operator of calsync gives one to each business that may use it. Nothing was changed."),
        _("The admin enters the access code under Connections."),
        Actor.ADMIN,
    ),
    "code_unknown": _w(
        _("This access code opens nothing"),
        _("It may be used already, be older than 30 days, or belong to somebody else."),
        _("Copy the whole code again, or ask the operator for a new one."),
        Actor.ADMIN,
    ),
    "code_stop": _w(
        _("Too many access codes were tried"),
        _("After five tries within an hour no more are looked at for an hour."),
        _("Wait an hour, then enter the code again."),
        Actor.ADMIN,
    ),
    "exchange_off": _w(
        _("Exchange servers are not set up in this installation"),
        _("Nobody can connect a mailbox of an Exchange server until they are."),
        _("The operator deploys with the parameter ServesExchange set to true."),
        Actor.OPERATOR,
    ),
    "password_missing": _w(
        _("The password is missing"), _("Nothing was sent to anybody."), _("Enter the password."), Actor.RESOURCE
    ),
    "password_stop": _w(
        _("Three passwords were wrong"),
        _("We stop for 15 minutes, so that the account is not locked."),
        _("Check e-mail address and password in Outlook on the web meanwhile."),
        Actor.RESOURCE,
    ),
    "server_not_chosen": _w(
        _("We do not know which of your servers it is"),
        _("No password was sent to anybody."),
        _("Choose your server, or enter its name."),
        Actor.RESOURCE,
    ),
    "connection_unknown": _w(
        _("This connection is not known"),
        _("It may have been ended meanwhile."),
        _("Go back to Connections."),
        Actor.ADMIN,
    ),
    "server_unknown": _w(
        _("This server is not known"),
        _("It may have been removed meanwhile."),
        _("Go back to Connections."),
        Actor.ADMIN,
    ),
    "server_in_use": _w(
        _("This server is in use"),
        _(
            "Calendars are connected through it, or a role account asks it; their passwords were given for this server"
            " and go to no other."
        ),
        _("Enter the other server as a new one, or disconnect those calendars and remove the role account first."),
        Actor.ADMIN,
    ),
    "service_missing": _w(
        _("This server has no service account yet"),
        _("Without one only people with a password of their own can be connected."),
        _("Enter the service account on the page of the server."),
        Actor.ADMIN,
    ),
    "service_refused": _w(
        _("The server no longer accepts the service account"),
        _("Its password was changed or has expired. It is not tried again, so that the account is not locked."),
        _("Enter its new password on the page of the server."),
        Actor.ADMIN,
    ),
    "access_unknown": _w(
        _("It is not said how the account reaches the calendars"),
        _("Nothing was saved."),
        _("Choose one of the two ways."),
        Actor.ADMIN,
    ),
    "calendar_kind_unknown": _w(
        _("This kind of calendar is not known"), _("Nothing was sent."), _("Choose one from the list."), Actor.ADMIN
    ),
    "too_many_servers": _w(
        _("There are 20 servers already"), _("Nothing was saved."), _("Remove one that is not used."), Actor.ADMIN
    ),
    "mail_domain_invalid": _w(
        _("One of the mail domains cannot be right"),
        _("Nothing was saved."),
        _("Enter what stands after the @, such as clinic.example, one per line."),
        Actor.ADMIN,
    ),
    "certificate_unreadable": _w(
        _("This is not a certificate that we can read"),
        _("Nothing was saved."),
        _("Paste the certificate as text, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."),
        Actor.ADMIN,
    ),
    "time_zone_unknown": _w(
        _("This time zone is not known"),
        _("Nothing was saved."),
        _("Enter a name such as Europe/Berlin or W. Europe Standard Time."),
        Actor.ADMIN,
    ),
}

_SIGN_IN: Mapping[str, Wording] = {
    "sign_in_refused": _w(
        _("The sign-in could not be completed"),
        _("Nothing was connected."),
        _("Open the link in your mail again and start from there."),
        Actor.RESOURCE,
    ),
    "state_unknown": _w(
        _("This sign-in is no longer under way"),
        _("It took longer than ten minutes, or the page was opened a second time. Nothing was connected."),
        _("Open the link in your mail again and start from there."),
        Actor.RESOURCE,
    ),
    "state_foreign": _w(
        _("This sign-in was started in another browser"),
        _("For your safety it must end where it began. Nothing was connected."),
        _("Open the link in your mail in this browser and start from there."),
        Actor.RESOURCE,
    ),
    "token_invalid": _w(
        _("Microsoft's answer does not belong to this sign-in"),
        _("For your safety we did not accept it. Nothing was connected."),
        _("Open the link in your mail again and start from there."),
        Actor.RESOURCE,
    ),
    "sign_in_again": _w(
        _("The sign-in was interrupted"),
        _("Nothing was connected."),
        _("Try again from the link in your mail."),
        Actor.RESOURCE,
    ),
    "declined": _w(
        _("You pressed Cancel at Microsoft"),
        _("Nothing was connected."),
        _("Try again, or tell the sender that you do not want this."),
        Actor.RESOURCE,
    ),
    "wrong_account": _w(
        _("You signed in with a different account than expected"),
        _("Nothing was connected yet."),
        _("Use this account, or sign in with the other one."),
        Actor.RESOURCE,
    ),
    "wrong_account_type": _w(
        _("This kind of account cannot be used here"),
        _("Nothing was connected."),
        _("Sign in with the account in which you see your calendar."),
        Actor.RESOURCE,
    ),
    "blocked_by_organisation": _w(
        _("A rule of your organisation stopped the sign-in"),
        _("Nothing was connected."),
        _("Ask your IT to allow calsync for your account; signing in again does not help before that."),
        Actor.IT,
    ),
    "other_mailbox": _w(
        _("This is not the account that is connected"),
        _("Your calendar stays connected as it was."),
        _("Sign in with the account that was connected, or disconnect it first."),
        Actor.RESOURCE,
    ),
    "tenant_elsewhere": _w(
        _("This organisation belongs to another account of this installation"),
        _("Nothing was connected."),
        _("Ask the operator of this installation."),
        Actor.OPERATOR,
    ),
    "grant_missing": _w(
        _("Please sign in once more"),
        _("More than an hour has passed since you signed in, or this is another browser. Nothing was saved."),
        _("Open the link in your mail again and start from there."),
        Actor.RESOURCE,
    ),
    "mailbox_taken": _w(
        _("This calendar account already belongs to someone else here"),
        _("One calendar account serves one person, so that bookings of two people never mix. Nothing was changed."),
        _(
            "Share that calendar with your own account and choose it there, or ask the present owner to disconnect it"
            " first."
        ),
        Actor.RESOURCE,
    ),
    "session_missing": _w(
        _("Please sign in"),
        _("You were signed out, or too much time has passed. Nothing was changed."),
        _("Sign in to go on."),
        Actor.ADMIN,
    ),
    "role_missing": _w(
        _("Your account may not do this"),
        _("Nothing was changed."),
        _("Ask an administrator of your organisation."),
        Actor.ADMIN,
    ),
}

_LINKS: Mapping[str, Wording] = {
    "link_unknown": _w(
        _("This link does not lead anywhere"),
        _("It may have been cut off when it was copied."),
        _("Open the link from the mail itself, or ask the sender for a new one."),
        Actor.RESOURCE,
    ),
    "link_expired": _w(
        _("This link has expired"),
        _("Links work for a limited time, for your safety. Nothing was changed."),
        _("Ask for a new one; it goes to the address that was invited."),
        Actor.RESOURCE,
    ),
    "link_used": _w(
        _("This calendar is already connected"),
        _("The link has done its work and cannot be used again."),
        _("Use the link in the mail “Your calendar is connected” to manage it."),
        Actor.NOBODY,
    ),
    "link_withdrawn": _w(
        _("This invitation was withdrawn"),
        _("Nothing was connected."),
        _("If you think that is a mistake, ask the sender."),
        Actor.ADMIN,
    ),
    "link_replaced": _w(
        _("There is a newer link"),
        _("You were sent a new link after this one; only the newest works."),
        _("Open the newest mail."),
        Actor.RESOURCE,
    ),
}

_INSTALLATION: Mapping[str, Wording] = {
    "installation": _w(
        _("This installation is not set up completely"),
        _("Nothing was changed."),
        _("The operator finds the details on Overview and in the log."),
        Actor.OPERATOR,
    ),
    "mail_sender_missing": _w(
        _("Mail is not set up yet"),
        _("The mail was not sent."),
        _("The operator names the address that mails come from (README, deploy)."),
        Actor.OPERATOR,
    ),
    "entra_missing": _w(
        _("The connection to Microsoft is not set up yet"),
        _("Nobody can connect a Microsoft calendar until it is."),
        _("The operator registers calsync at Microsoft and enters the values (README, deploy)."),
        Actor.OPERATOR,
    ),
    "entra_secret_wrong": _w(
        _("Microsoft does not accept our own key"),
        _("No calendar of this installation can be read or written until it is settled."),
        _("The operator enters the right client secret."),
        Actor.OPERATOR,
    ),
    "entra_secret_expired": _w(
        _("Our own key at Microsoft has expired"),
        _("No calendar of this installation can be read or written until it is settled."),
        _("The operator makes a new client secret at Microsoft and enters it."),
        Actor.OPERATOR,
    ),
    "entra_registration": _w(
        _("Our registration at Microsoft does not fit"),
        _("Nobody can sign in until it is settled."),
        _("The operator compares redirect address and permissions with the README."),
        Actor.OPERATOR,
    ),
    "unsealing_failed": _w(
        _("Stored sign-ins cannot be opened"),
        _("Calendars cannot be read or written until it is settled."),
        _("The operator checks the rights on the encryption key."),
        Actor.OPERATOR,
    ),
    "configuration_missing": _w(
        _("A value of the deployment is missing"),
        _("This function cannot work."),
        _("The operator finds the name of the value in the log."),
        Actor.OPERATOR,
    ),
    "internal": _w(
        _("We could not complete this"),
        _("The fault is on our side and was recorded. Nothing was changed as far as we know."),
        _("Try again in a minute. If it stays, tell the sender of your mail."),
        Actor.OPERATOR,
    ),
}

_INPUT: Mapping[str, Wording] = {
    "input_invalid": _w(
        _("One of the values does not fit"),
        _("Nothing was saved."),
        _("Check the marked field."),
        Actor.ADMIN,
    ),
    "not_found": _w(
        _("This does not exist"), _("It may have been removed."), _("Go back and choose again."), Actor.ADMIN
    ),
    "page_unknown": _w(
        _("This page does not exist"), "", _("Open the link from the mail itself, or go back."), Actor.NOBODY
    ),
    "resource_unknown": _w(
        _("This person or room is not known here"),
        _("It may have been removed in the booking system."),
        _("Go back and choose again."),
        Actor.ADMIN,
    ),
    "form_expired": _w(
        _("This form is no longer valid"),
        _("It was open for too long, or came from another browser. Nothing was saved."),
        _("Open the page again and send it once more."),
        Actor.RESOURCE,
    ),
    "body_unreadable": _w(
        _("What was sent could not be read"), _("Nothing was saved."), _("Send it once more."), Actor.ADMIN
    ),
    "body_too_large": _w(
        _("What was sent is too large"), _("Nothing was saved."), _("Send less at once."), Actor.ADMIN
    ),
    "setting_unknown": _w(
        _("There is no setting of this name"), _("Nothing was saved."), _("Check the name."), Actor.ADMIN
    ),
    "setting_title_field_unknown": _w(
        _("The title names something that is no detail of a booking"),
        _("Nothing was saved."),
        _(
            "Between braces stand service, customer, resource, phone, email, notes, location, or custom: and the name "
            "of a field of your booking system."
        ),
        Actor.ADMIN,
    ),
    "setting_zone_unknown": _w(
        _("Nobody knows this time zone"),
        _("Nothing was saved."),
        _("Write it as in Europe/Berlin or W. Europe Standard Time, or leave the field empty for the person's own."),
        Actor.ADMIN,
    ),
    "setting_out_of_range": _w(
        _("This value is not possible for the setting"),
        _("Nothing was saved."),
        _("Choose one of the offered values."),
        Actor.ADMIN,
    ),
    "address_invalid": _w(
        _("This is not an e-mail address that we can write to"),
        _("No mail was sent."),
        _("Correct the address in the booking system."),
        Actor.ADMIN,
    ),
    "invited_recently": _w(
        _("A mail was sent less than an hour ago"),
        _("No second mail was sent."),
        _("Wait an hour, or copy the link and send it yourself."),
        Actor.ADMIN,
    ),
    "invited_too_often": _w(
        _("This address was already mailed three times today"),
        _("No mail was sent."),
        _("Try again tomorrow, or copy the link and send it yourself."),
        Actor.ADMIN,
    ),
    "address_suppressed": _w(
        _("This address refused our mails"),
        _("No mail was sent."),
        _("Ask the person for another address, or copy the link and send it yourself."),
        Actor.ADMIN,
    ),
    "agreement_missing": _w(
        _("The privacy text is not agreed to yet"),
        _("No invitation was sent."),
        _("Read and accept the privacy text first."),
        Actor.ADMIN,
    ),
    "already_connected": _w(
        _("This calendar is already connected"),
        _("No invitation was sent."),
        _("Disconnect it first if another one is to take its place."),
        Actor.ADMIN,
    ),
    "not_invited": _w(
        _("Nobody is invited at the moment"),
        _("Nothing was changed."),
        _("Send an invitation first."),
        Actor.ADMIN,
    ),
    "not_connected": _w(
        _("No calendar is connected"),
        _("Nothing was changed."),
        _("Connect a calendar first."),
        Actor.RESOURCE,
    ),
}

_CONCURRENCY: Mapping[str, Wording] = {
    "changed_meanwhile": _w(
        _("Somebody changed this at the same moment"),
        _("Your change was not saved."),
        _("Look at the page again and repeat your change if it is still right."),
        Actor.ADMIN,
    ),
    "status_transition": _w(
        _("This is not possible in the present state"),
        _("Nothing was changed."),
        _("Look at the page again: the state has changed meanwhile."),
        Actor.ADMIN,
    ),
}

_STOP_LINES: Mapping[str, Wording] = {
    "stop_line": _w(
        _("Many entries disappeared at once"),
        _("We stopped before anything was deleted on the other side."),
        _("Look at what would go, then confirm it or restore it."),
        Actor.ADMIN,
    ),
}

_LOG: Mapping[str, Wording] = {
    "copy_created": _w(_("Booking written to the calendar"), "", _NOTHING, Actor.NOBODY),
    "copy_adopted": _w(_("Booking found in the calendar and taken over"), "", _NOTHING, Actor.NOBODY),
    "copy_updated": _w(_("Booking changed in the calendar"), "", _NOTHING, Actor.NOBODY),
    "copy_deleted": _w(_("Booking removed from the calendar"), "", _NOTHING, Actor.NOBODY),
    "copy_restored": _w(_("Booking put back into the calendar"), "", _NOTHING, Actor.NOBODY),
    "block_written": _w(_("Time blocked in the booking system"), "", _NOTHING, Actor.NOBODY),
    "block_put_back": _w(_("Blocked time put back in the booking system"), "", _NOTHING, Actor.NOBODY),
    "block_deleted": _w(_("Blocked time freed in the booking system"), "", _NOTHING, Actor.NOBODY),
    "booking_moved": _w(_("Booking moved in the booking system"), "", _NOTHING, Actor.NOBODY),
    "booking_cancelled": _w(_("Booking cancelled in the booking system"), "", _NOTHING, Actor.NOBODY),
    "conflict_opened": _w(
        _("Two entries contradict each other"),
        _("Both stay as they are."),
        _("Choose in the conflict which one is right."),
        Actor.RESOURCE,
    ),
    "conflict_settled": _w(_("The conflict settled itself"), "", _NOTHING, Actor.NOBODY),
    "conflict_resolved": _w(_("The conflict was settled by a person"), "", _NOTHING, Actor.NOBODY),
    "entry_skipped": _w(_("Entry left alone by a rule of the settings"), "", _NOTHING, Actor.NOBODY),
    "entry_quarantined": _w(
        _("One entry was set aside"),
        _("It could not be handled; all others go on."),
        _("Open it in the calendar and save it again."),
        Actor.ADMIN,
    ),
    "link_dropped": _w(_("Both entries are gone; nothing more to keep in step"), "", _NOTHING, Actor.NOBODY),
    "rrule_invalid": _w(
        _("The rule of a repeating booking cannot be read"),
        _("Each of its dates is written as an entry of its own."),
        _("Ask the makers of the booking system to correct the rule."),
        Actor.ADMIN,
    ),
    "series_as_singles": _w(
        _("A repeating booking was written date by date"),
        _("Calendars have no words for the way it repeats, so each of its dates is an entry of its own."),
        _NOTHING,
        Actor.NOBODY,
    ),
    "full_check": _w(_("Everything was compared from the beginning"), "", _NOTHING, Actor.NOBODY),
    "run_failed": _w(
        _("A check did not come to its end"),
        _("Nothing is lost: the next check goes on where this one stopped."),
        _BY_ITSELF,
        Actor.OPERATOR,
    ),
    "invited": _w(_("Invitation made"), "", _("The invited person opens the mail."), Actor.RESOURCE),
    "mail_state": _w(_("News about a mail that we sent"), "", _NOTHING, Actor.NOBODY),
    "signed_in": _w(_("Signed in"), "", _NOTHING, Actor.NOBODY),
    "calendars_chosen": _w(_("Calendars chosen"), "", _NOTHING, Actor.NOBODY),
    "import_done": _w(_("The first import is complete"), "", _NOTHING, Actor.NOBODY),
    "status_changed": _w(_("The state changed"), "", _NOTHING, Actor.NOBODY),
    "settings_changed": _w(_("Settings changed"), "", _NOTHING, Actor.NOBODY),
    "subscription_renewed": _w(_("The calendar's server tells us about changes again"), "", _NOTHING, Actor.NOBODY),
    "subscription_lost": _w(
        _("The calendar's server stopped telling us about changes"),
        _("Changes are found by regular checks meanwhile."),
        _BY_ITSELF,
        Actor.NOBODY,
    ),
    "connection_tested": _w(_("The connection was tested"), "", _NOTHING, Actor.NOBODY),
    "access_lost": _w(
        _("Access to the calendar was lost"),
        _("New bookings do not reach the calendar, and we cannot see when it is busy."),
        _("Sign in again."),
        Actor.RESOURCE,
    ),
}

# Kinds of conflicts, for the mail about one; a kind that is also a code above has its text there.
_CONFLICTS: Mapping[str, Wording] = {
    "same_time": _w(
        _("Two entries at the same time"),
        _("Both stay as they are."),
        _("Accept that both stand, or move the booking."),
        Actor.RESOURCE,
    ),
    "refused": _w(
        _("The booking system did not accept the new time"),
        _("The booking keeps its time in the booking system."),
        _("Choose in the conflict which time is right."),
        Actor.RESOURCE,
    ),
    "changed_on_both": _w(
        _("A booking was changed on both sides"),
        _("Both versions are kept."),
        _("Choose in the conflict which one is right."),
        Actor.RESOURCE,
    ),
    "moved": _w(
        _("A booking was moved in the calendar"),
        _("The booking keeps its time in the booking system."),
        _("Choose in the conflict which time is right."),
        Actor.RESOURCE,
    ),
    "not_writable": _w(
        _("A booking could not be written to the calendar"),
        _("It stands in the booking system only."),
        _("Try again, or leave it as it is."),
        Actor.RESOURCE,
    ),
}

_CONSOLE: Mapping[str, Wording] = {
    "not_a_member": _w(
        _("You signed in, but this account is not known here"),
        _("Nothing was opened."),
        _("Sign in with another account, or ask the operator to add this one."),
        Actor.ADMIN,
    ),
    "console_sign_in_refused": _w(
        _("The sign-in could not be completed"),
        _("It took too long, was opened twice, or came from another browser."),
        _("Sign in once more."),
        Actor.ADMIN,
    ),
    "console_declined": _w(_("The sign-in was cancelled"), "", _("Sign in when you are ready."), Actor.ADMIN),
    "identity_provider_unavailable": _w(
        _("The sign-in service does not answer at the moment"),
        _("Nobody can sign in here; calendars go on being kept in step."),
        _("Try again in a minute."),
        Actor.NOBODY,
    ),
    "oidc_missing": _w(
        _("Sign-in to this installation is not set up"),
        _("Nobody can open these pages."),
        _("The operator names the identity provider in the deployment."),
        Actor.OPERATOR,
    ),
    "destination_unknown": _w(
        _("This address does not exist"), "", _("Open the console and go on from there."), Actor.NOBODY
    ),
    "too_soon": _w(
        _("A check was asked for less than a minute ago"),
        _("It is under way."),
        _("Wait a minute before asking again."),
        Actor.NOBODY,
    ),
    "resource_inactive": _w(
        _("The booking system does not offer this person or room any more"),
        _("Nothing is copied while that is so. It goes on by itself when it is offered again."),
        _("Disconnect the calendar if it is not coming back."),
        Actor.ADMIN,
    ),
    "resource_active": _w(_("The booking system offers this again"), "", _NOTHING, Actor.NOBODY),
    "conflict_ended": _w(
        _("This conflict has ended already"),
        _("Nothing was changed."),
        _("Look at the list again."),
        Actor.NOBODY,
    ),
    "conflict_changed": _w(
        _("The conflict changed while you were looking at it"),
        _("Nothing was changed."),
        _("Look at both versions again, then choose."),
        Actor.ADMIN,
    ),
    "resolution_not_offered": _w(
        _("This way out does not fit this conflict"),
        _("Nothing was changed."),
        _("Choose one of the offered ways."),
        Actor.ADMIN,
    ),
    "resolution_unknown": _w(
        _("Nothing was chosen"), _("Nothing was changed."), _("Choose one of the offered ways."), Actor.ADMIN
    ),
    "until_out_of_range": _w(
        _("Until when both stay is not a day of the coming year"),
        _("Nothing was changed."),
        _("Choose a day between tomorrow and a year from now."),
        Actor.ADMIN,
    ),
    "no_free_slot": _w(
        _("No free time was found in the next four weeks"),
        _("The booking stays where it is."),
        _("Move it in the booking system."),
        Actor.ADMIN,
    ),
    "scope_unknown": _w(
        _("It was not said what the change applies to"),
        _("Nothing was saved."),
        _("Choose future changes only, or also everything in the window."),
        Actor.ADMIN,
    ),
    "span_inverted": _w(
        _("The end is not after the beginning"),
        "",
        _("Ask for a span that ends after it begins."),
        Actor.ADMIN,
    ),
    "span_too_long": _w(_("The span is too long"), "", _("Ask for at most 62 days at once."), Actor.ADMIN),
    "instant_unreadable": _w(
        _("A moment in time could not be read"),
        "",
        _("Write it with its offset, for instance 2026-11-23T09:00:00Z."),
        Actor.ADMIN,
    ),
    "cursor_unknown": _w(_("This place in the list does not exist"), "", _("Start from the first page."), Actor.ADMIN),
    "field_unknown": _w(
        _("A field of this name is not known"), _("Nothing was saved."), _("Leave it out."), Actor.ADMIN
    ),
    "name_missing": _w(_("The key has no name"), _("No key was made."), _("Enter what it is for."), Actor.ADMIN),
    "too_many_keys": _w(
        _("There are fifty keys already"),
        _("No key was made."),
        _("Revoke one that nobody uses."),
        Actor.ADMIN,
    ),
    "key_missing": _w(
        _("The key is missing"), "", _("Send the key as Bearer in the header Authorization."), Actor.OPERATOR
    ),
    "key_unknown": _w(_("This key is not valid"), "", _("Make a new key on the page Connections."), Actor.OPERATOR),
    "scope_missing": _w(
        _("This key may only read"), _("Nothing was changed."), _("Use a key that may write."), Actor.OPERATOR
    ),
    "conflict_unknown": _w(
        _("This conflict is not known here"), _("Nothing was changed."), _("Look at the list."), Actor.ADMIN
    ),
    "event_refused": _w(
        _("The event is not signed as agreed"),
        _("It was not looked at."),
        _("Compare key and clock."),
        Actor.OPERATOR,
    ),
    "nobody_chosen": _w(
        _("Nobody is chosen"),
        _("No invitation was sent."),
        _("Choose at least one person or room."),
        Actor.ADMIN,
    ),
    "paused": _w(_("Paused"), "", _("Resume it when it is to go on."), Actor.ADMIN),
    "resumed": _w(_("Resumed"), "", _NOTHING, Actor.NOBODY),
    "renewed": _w(_("Signed in again"), "", _NOTHING, Actor.NOBODY),
    "withdrawn": _w(_("Invitation withdrawn"), "", _NOTHING, Actor.NOBODY),
    "disconnected": _w(_("Disconnected"), "", _NOTHING, Actor.NOBODY),
    "disconnect_done": _w(_("Disconnecting is complete"), "", _NOTHING, Actor.NOBODY),
    "stop_line_confirmed": _w(_("Somebody confirmed that it was on purpose"), "", _NOTHING, Actor.NOBODY),
    "stop_line_restored": _w(_("Somebody had the bookings written again"), "", _NOTHING, Actor.NOBODY),
    "outside_window": _w(_("Outside the weeks that are copied"), "", _NOTHING, Actor.NOBODY),
    "own_booking": _w(_("The copy of a booking that this person or room has too"), "", _NOTHING, Actor.NOBODY),
    "direction": _w(_("The setting copies in the other direction only"), "", _NOTHING, Actor.NOBODY),
    "times_inverted": _w(
        _("The entry ends before it begins and was set aside"),
        _("What stood for it on the other side stays as it was."),
        _("Open it in the calendar and correct its times."),
        Actor.RESOURCE,
    ),
    "times_out_of_range": _w(
        _("The entry lies too many centuries away and was set aside"),
        _("What stood for it on the other side stays as it was."),
        _("Open it in the calendar and correct its times."),
        Actor.RESOURCE,
    ),
    "entry_unreadable": _w(
        _("An entry of the calendar could not be read and was set aside"),
        _("What stood for it on the other side stays as it was; all others go on."),
        _("Open it in the calendar and save it again."),
        Actor.RESOURCE,
    ),
    "booking_unreadable": _w(
        _("A booking could not be read and was set aside"),
        _("Its copy stays as it was; all others go on."),
        _("Tell the maker of the booking system which field is named."),
        Actor.ADMIN,
    ),
    "kept_changing": _w(_("The entry changed again and again while it was written"), "", _BY_ITSELF, Actor.NOBODY),
    "write_budget": _w(
        _("The entry was written too often in an hour and was set aside"),
        _("Another program may change it back each time."),
        _("Look for a second program that copies into this calendar."),
        Actor.ADMIN,
    ),
    "too_many_pages": _w(_("The calendar holds too much to be read at once"), "", _BY_ITSELF, Actor.NOBODY),
    "confirmation_missing": _w(
        _("The second press is missing"),
        _("Nothing was changed."),
        _("Look at the numbers, then confirm."),
        Actor.ADMIN,
    ),
}

_JOURNEYS: Mapping[str, Wording] = {
    "date_invalid": _w(
        _("This is not a date"),
        _("Nothing was changed."),
        _("Choose a day from the calendar field."),
        Actor.RESOURCE,
    ),
    "pause_in_the_past": _w(
        _("This day is over already"),
        _("Nothing was changed."),
        _("Choose a day in the future."),
        Actor.RESOURCE,
    ),
    "not_paused": _w(
        _("It is not paused"),
        _("Nothing was changed."),
        _("Look at the page again: the state has changed."),
        Actor.RESOURCE,
    ),
    "still_disconnecting": _w(
        _("The old connection is still being removed"),
        _("This takes a few minutes. Nothing was changed."),
        _("Try again in five minutes."),
        Actor.RESOURCE,
    ),
    "sign_in_unavailable": _w(
        _("Microsoft's sign-in does not answer at the moment"),
        _("Nothing was connected."),
        _("Try again in a few minutes; your link stays valid."),
        Actor.RESOURCE,
    ),
    "host_unavailable": _w(_("The booking system does not answer at the moment"), _NO_LOSS, _BY_ITSELF, Actor.NOBODY),
    "store_unavailable": _w(
        _("calsync itself is very busy at the moment"), _NO_LOSS, _("Try again in a minute."), Actor.NOBODY
    ),
}

_AS_IT_IS = _("Nothing was changed there.")

# What an undo does, or why it leaves something alone; and what a run did, in the list of runs.
_UNDO: Mapping[str, Wording] = {
    "undo_asked": _w(_("Somebody wants a check undone"), "", _("The next check carries it out."), Actor.NOBODY),
    "undo_left": _w(_("One thing could not be undone"), _AS_IT_IS, _("The reason stands beside it."), Actor.ADMIN),
    "undo_done": _w(_("A check was undone"), "", _("What could not be undone has a line of its own."), Actor.NOBODY),
    "try_again": _w(_("Somebody asked for another try"), "", _("The next check tries it."), Actor.NOBODY),
    "undo_copy_again": _w(
        _("The booking is written into the calendar again"), "", _("Press Undo to have it done."), Actor.ADMIN
    ),
    "undo_block_again": _w(
        _("The time is blocked in the booking system again"), "", _("Press Undo to have it done."), Actor.ADMIN
    ),
    "undo_booking_back": _w(
        _("The booking system is asked to move the booking back"), "", _("Press Undo to have it done."), Actor.ADMIN
    ),
    "undo_there_again": _w(_("It stands as before already"), "", _NOTHING, Actor.NOBODY),
    "undo_changed_since": _w(
        _("It was changed since"),
        _("What came later counts, so it is left as it is."),
        _("Change it in the booking system or in the calendar if it is wrong."),
        Actor.ADMIN,
    ),
    "undo_follows": _w(
        _("It followed the other side"),
        _("A copy stands where its original stands; moving the copy alone would not last."),
        _("Move the original if it is wrong."),
        Actor.ADMIN,
    ),
    "undo_booking_gone": _w(
        _("The booking no longer exists in the booking system"),
        _("There is nothing to write into the calendar."),
        _("Make it again in the booking system; it then appears by itself."),
        Actor.ADMIN,
    ),
    "undo_booking_cancelled": _w(
        _("The booking is cancelled in the booking system"),
        _("A cancellation cannot be taken back from here."),
        _("Make the booking again in the booking system; it then appears by itself."),
        Actor.ADMIN,
    ),
    "undo_booking_elsewhere": _w(
        _("The booking belongs to somebody else now"), _AS_IT_IS, _("Look at that person or room."), Actor.ADMIN
    ),
    "undo_entry_gone": _w(
        _("The entry no longer exists in the calendar"), _("There is nothing to block."), _NOTHING, Actor.NOBODY
    ),
    "undo_calendar_left": _w(
        _("The calendar is not checked any more"),
        _("Its entries do not block time."),
        _("Choose it again if it should count."),
        Actor.RESOURCE,
    ),
    "run_unknown": _w(
        _("Nothing is kept of this check"),
        _("It deleted and moved nothing, or it is longer ago than 30 days."),
        _("Choose another one from the list."),
        Actor.ADMIN,
    ),
    "did_copy_deleted": _w(_("removed from the calendar"), "", _NOTHING, Actor.NOBODY),
    "did_copy_moved": _w(_("moved in the calendar"), "", _NOTHING, Actor.NOBODY),
    "did_block_deleted": _w(_("freed in the booking system"), "", _NOTHING, Actor.NOBODY),
    "did_block_moved": _w(_("blocked at another time in the booking system"), "", _NOTHING, Actor.NOBODY),
    "did_booking_moved": _w(_("moved in the booking system"), "", _NOTHING, Actor.NOBODY),
    "did_booking_cancelled": _w(_("cancelled in the booking system"), "", _NOTHING, Actor.NOBODY),
}

_CHANGE_SETTING = _("Change the setting if it should count.")

# Why something is here, is not here, or looks as it does.
_WHY: Mapping[str, Wording] = {
    "in_step": _w(_("Both sides say the same"), "", _NOTHING, Actor.NOBODY),
    "entry_cancelled": _w(
        _("The organiser cancelled it"), _("A cancelled entry takes no time."), _NOTHING, Actor.NOBODY
    ),
    "entry_declined": _w(
        _("The person declined it"), _("By the settings a declined entry takes no time."), _CHANGE_SETTING, Actor.ADMIN
    ),
    "entry_not_responded": _w(
        _("The person has not answered the invitation"),
        _("By the settings such an entry takes no time."),
        _CHANGE_SETTING,
        Actor.ADMIN,
    ),
    "entry_free": _w(
        _("It is shown as free in the calendar"),
        _("By the settings a free entry takes no time."),
        _("Show it as busy in the calendar, or change the setting."),
        Actor.RESOURCE,
    ),
    "entry_tentative": _w(
        _("It is shown as tentative in the calendar"),
        _("By the settings a tentative entry takes no time."),
        _CHANGE_SETTING,
        Actor.ADMIN,
    ),
    "entry_working_elsewhere": _w(
        _("It is shown as working elsewhere"),
        _("By the settings such an entry takes no time."),
        _CHANGE_SETTING,
        Actor.ADMIN,
    ),
    "entry_all_day": _w(
        _("It lasts whole days"), _("By the settings whole days take no time."), _CHANGE_SETTING, Actor.ADMIN
    ),
    "entry_private_skipped": _w(
        _("It is private"), _("By the settings private entries are left alone."), _CHANGE_SETTING, Actor.ADMIN
    ),
    "entry_excluded_category": _w(
        _("It has a category that is left out"),
        _("By the settings entries of this category take no time."),
        _CHANGE_SETTING,
        Actor.ADMIN,
    ),
    "entry_excluded_subject": _w(
        _("It has words in its title that are left out"),
        _("By the settings entries with such a title take no time."),
        _CHANGE_SETTING,
        Actor.ADMIN,
    ),
    "copy_deleted_here": _w(
        _("It was deleted in the calendar"),
        _("The booking still stands in the booking system; it comes back when the booking changes."),
        _("Choose in the conflict what is right."),
        Actor.RESOURCE,
    ),
    "will_be_written": _w(
        _("It is going to be written"), "", _("Wait for the next check, or press Sync now."), Actor.NOBODY
    ),
    "will_be_changed": _w(
        _("It is going to be brought up to date"), "", _("Wait for the next check, or press Sync now."), Actor.NOBODY
    ),
    "will_be_removed": _w(
        _("It is going to be removed"), "", _("Wait for the next check, or press Sync now."), Actor.NOBODY
    ),
    "will_be_asked": _w(
        _("The booking system is going to be asked"),
        _("Somebody moved or deleted the booking's copy in the calendar."),
        _("Wait for the next check, or press Sync now."),
        Actor.NOBODY,
    ),
    "waits_for_person": _w(
        _("A conflict waits for somebody"), _("Both stay as they are."), _("Settle the conflict."), Actor.RESOURCE
    ),
    "is_left_alone": _w(_("No rule asks for anything here"), "", _NOTHING, Actor.NOBODY),
    "link_only": _w(
        _("It was found on neither side"),
        _("calsync still remembers it; the next full check clears it up."),
        _NOTHING,
        Actor.NOBODY,
    ),
    "not_of_resource": _w(
        _("The booking is cancelled, or belongs to somebody else"), "", _("Look at that person or room."), Actor.ADMIN
    ),
    "question_missing": _w(
        _("Nothing was asked for"), "", _("Enter a day and time, a title, or the number of the booking."), Actor.ADMIN
    ),
    "question_time_unreadable": _w(
        _("This is no day and time"), "", _("Choose the day and the time at which it should be."), Actor.ADMIN
    ),
    "nothing_found": _w(
        _("Nothing was found on either side"),
        _("Of private entries, and of titles that the settings do not let us read, only the time can be asked for."),
        _("Ask by the time, and check that it stands in a calendar that was chosen."),
        Actor.NOBODY,
    ),
    "next_check": _w(
        _("With the next check, within an hour at the latest"),
        "",
        _("Press Sync now to have it at once."),
        Actor.NOBODY,
    ),
    "next_when_changed": _w(
        _("When it is changed, or when somebody presses Try again"), "", _("Press Try again."), Actor.ADMIN
    ),
    "next_when_decided": _w(_("When somebody settles the conflict"), "", _("Settle the conflict."), Actor.RESOURCE),
    "next_never": _w(_("Not again while all stays as it is"), "", _NOTHING, Actor.NOBODY),
    "not_quarantined": _w(
        _("This entry is not set aside any more"),
        _("Nothing was changed."),
        _("Look at the page again."),
        Actor.NOBODY,
    ),
    "both_times_changed": _w(_("The time was changed on both sides"), "", _("Choose one of the two."), Actor.RESOURCE),
    "both_details_changed": _w(
        _("Title, notes or place were changed on both sides"), "", _("Choose one of the two."), Actor.RESOURCE
    ),
    "accepted_outside_hours": _w(
        _("The booking stands outside the working hours"),
        _("The booking system accepted it there."),
        _("Accept it, or move the booking into the working hours."),
        Actor.RESOURCE,
    ),
}

_ROLE_ACCOUNTS: Mapping[str, Wording] = {
    "role_account_unknown": _w(
        _("This role account is not known"),
        _("It may have been removed meanwhile."),
        _("Go back to Connections."),
        Actor.ADMIN,
    ),
    "role_account_untested": _w(
        _("The role account of this mail domain is not tested yet"),
        _("Nobody is asked for before its test has passed, so these times are unknown."),
        _("Open the role account and press Test now."),
        Actor.ADMIN,
    ),
    "role_accounts_off": _w(
        _("Role accounts are not asked here"), "", _("Nothing was changed. Tell the operator."), Actor.OPERATOR
    ),
    "role_kind_unknown": _w(
        _("It is not said what the role account belongs to"),
        _("Nothing was saved."),
        _("Choose Exchange server or Microsoft 365."),
        Actor.ADMIN,
    ),
    "too_many_role_accounts": _w(
        _("There are 20 role accounts already"), _("Nothing was saved."), _("Remove one that is not used."), Actor.ADMIN
    ),
    "mail_domain_missing": _w(
        _("No mail domain is named"),
        _("Nothing was saved. A role account answers for the addresses of its mail domains and for no others."),
        _("Enter what stands after the @, such as clinic.example, one per line."),
        Actor.ADMIN,
    ),
    "mail_domain_taken": _w(
        _("Another role account answers for one of these mail domains"),
        _("Nothing was saved. Each mail domain belongs to one, so that nobody is asked for twice."),
        _("Take the domain out here or there. In a hybrid keep the one whose server sees everyone."),
        Actor.ADMIN,
    ),
    "token_endpoint_invalid": _w(
        _("This address does not belong to the sign-in of one organisation"),
        _("Nothing was saved. It stands in the Entra admin center, under Endpoints of the application."),
        _("Copy the second address of that list; it holds the id of your organisation, not the word “common”."),
        Actor.IT,
    ),
    "client_id_invalid": _w(
        _("This is not an application (client) ID"),
        _("Nothing was saved."),
        _("Copy “Application (client) ID” from the overview of the application; it has 36 characters."),
        Actor.IT,
    ),
    "app_secret_missing": _w(
        _("The client secret is missing"),
        _("Nothing was saved."),
        _("Enter the secret's value (not its ID), or choose a certificate."),
        Actor.IT,
    ),
    "expiry_unreadable": _w(
        _("It is not said until when the secret is valid"),
        _("Nothing was saved. We remind you 60, 30, 7 and 1 days before."),
        _("Enter the day that the Entra admin center shows in the column Expires."),
        Actor.IT,
    ),
    "private_key_unreadable": _w(
        _("This is not a private key that we can read"),
        _("Nothing was saved."),
        _("Paste the whole RSA key as text (PEM), one that has no password."),
        Actor.IT,
    ),
    "private_key_foreign": _w(
        _("The private key does not belong to the certificate"),
        _("Nothing was saved."),
        _("Paste the key that the certificate was made with."),
        Actor.IT,
    ),
    "role_key_refused": _w(
        _("Microsoft does not accept the key of the role account"),
        _("The secret is not right, or the certificate is not entered at the application."),
        _("Enter the secret's value (not its ID), or upload the certificate at the application, and test again."),
        Actor.IT,
    ),
    "role_key_expired": _w(
        _("The key of the role account has expired"),
        _("When people and rooms without a connection are free is unknown until a new one is entered."),
        _("Make a new secret or certificate at the application and enter it on the page of the role account."),
        Actor.IT,
    ),
    "role_key_expires": _w(
        _("The key of the role account expires soon"),
        _("From that day on it is unknown when people and rooms without a connection are free."),
        _("Make a new secret or certificate at the application and enter it on the page of the role account."),
        Actor.IT,
    ),
    "role_app_refused": _w(
        _("Microsoft does not know the application in this organisation"),
        _("The application ID, the organisation or the approval does not fit."),
        _("Compare the two ids with the Entra admin center, and grant the admin consent."),
        Actor.IT,
    ),
    "role_permission_missing": _w(
        _("The application may not read calendars"),
        _("Without the application permission Calendars.Read nobody's times can be asked for."),
        _("Add Calendars.Read as an application permission and grant the admin consent."),
        Actor.IT,
    ),
    "role_mailbox_missing": _w(
        _("The mailbox through which the application asks cannot be used"),
        _("Microsoft answers only through a mailbox of the organisation."),
        _("Name the address of any mailbox of the organisation that has a calendar there."),
        Actor.IT,
    ),
    "mailbox_not_seen": _w(
        _("The server that is asked does not see this mailbox"),
        _("It lives elsewhere, for instance in the other half of a hybrid, so its times are unknown."),
        _("Name the server that sees everyone in the role account."),
        Actor.IT,
    ),
    "free_busy_failed": _w(
        _("The times of this mailbox could not be put together"),
        _("The server cannot open it, or it has too many entries. Its times are unknown."),
        _("Open it in Outlook on the web to see whether it works."),
        Actor.IT,
    ),
    "no_data": _w(
        _("The server has no times for a part of this mailbox"), _("That part is unknown."), _NOTHING, Actor.NOBODY
    ),
    "domain_not_covered": _w(
        _("No role account answers for this mail domain"),
        _("Who has no connection here can be asked for only through a role account of the own mail domain."),
        _("Enter the mail domain in a role account, under Connections."),
        Actor.ADMIN,
    ),
    "mailbox_moved": _w(
        _("This mailbox was moved to Microsoft 365"),
        _("The Exchange server no longer has it. Nothing is lost, but changes wait until you sign in at Microsoft."),
        _("Sign in at Microsoft with the same address. What was entered in your calendar before is recognised."),
        Actor.RESOURCE,
    ),
    "push_silent": _w(
        _("The Exchange server fell silent"),
        _("It forgets whom to tell when it restarts. We have asked it again, and read everything since."),
        _NOTHING,
        Actor.NOBODY,
    ),
    "push_unreachable": _w(
        _("The Exchange server cannot reach us"),
        _("Changes are found by regular checks, some minutes later. We try again every day."),
        _("Allow the Exchange server to reach this address by https, through the firewall or proxy."),
        Actor.IT,
    ),
    "push_works_again": _w(_("The Exchange server reaches us again"), "", _NOTHING, Actor.NOBODY),
    "nobody_asked": _w(
        _("Nobody is named"), "", _("Name addresses or resources whose times you want to know."), Actor.ADMIN
    ),
    "too_many_addresses": _w(
        _("Too many are asked for at once"), "", _("Ask for at most 100 addresses and resources at once."), Actor.ADMIN
    ),
}

# Codes that only the operator's log tells apart; people are told the same.
_SAME_AS: Mapping[str, tuple[str, ...]] = {
    "provider_unavailable": (
        "answer_too_large", "answer_unreadable", "batch_incomplete", "connection_cut", "dependency_failed",
        "entry_busy", "foreign_link", "listing_changed", "message_unknown", "name_not_found", "timed_out",
    ),
    "sign_in_unavailable": ("sign_in_unclear",),
    "host_unavailable": ("host_answer_too_large", "host_answer_unreadable", "host_busy", "host_unreachable"),
    "store_unavailable": ("aws_throttled", "aws_unavailable", "store_contended", "store_throttled"),
    "installation": (
        "account_missing", "aws_request", "entra_login_url_wrong", "exchange_request",
        "host_question_refused", "item_collection_too_large",
        "item_too_large", "key_too_long", "oidc_client_refused", "oidc_discovery_incomplete", "oidc_issuer_differs",
        "schema_broken", "schema_unknown", "sealer_missing", "secret_broken", "secret_missing", "store_request",
    ),
    "auth_expired": ("auth_missing",),
    "subscription_lost": ("handshake_failed", "push_refused", "subscription_gone", "subscription_refused"),
    "auth_admin_approval": ("auth_app_disabled",),
    "entra_registration": ("entra_request_refused",),
    "entry_rejected": (
        "block_invalid", "block_refused", "exists", "host_rejected", "idempotency_key_reused", "occurrence_crossing",
        "request_refused", "too_large", "transaction_used", "zone_unknown",
    ),
    "cursor_expired": ("cursor_foreign",),
    "sign_in_again": ("code_refused",),
    "token_invalid": ("nonce_foreign",),
    "other_mailbox": ("identity_changed",),
    "resource_unknown": ("host_resource_unknown",),
    "event_refused": ("malformed", "signature_invalid"),
}  # fmt: skip

_TEXTS: Mapping[str, Wording] = {
    **_REMOTE,
    **_HOST,
    **_ENTRIES,
    **_CONNECTION,
    **_EXCHANGE,
    **_SERVERS,
    **_SIGN_IN,
    **_LINKS,
    **_INSTALLATION,
    **_INPUT,
    **_CONCURRENCY,
    **_STOP_LINES,
    **_LOG,
    **_CONFLICTS,
    **_CONSOLE,
    **_JOURNEYS,
    **_UNDO,
    **_WHY,
    **_ROLE_ACCOUNTS,
}
CATALOGUE: Mapping[str, Wording] = {
    **_TEXTS,
    **{alias: _TEXTS[code] for code, aliases in _SAME_AS.items() for alias in aliases},
}


def wording(code: str) -> Wording:
    """The text of a code; for one without a text, the general one (a test keeps that from happening)."""
    return CATALOGUE.get(code, CATALOGUE["internal"])
