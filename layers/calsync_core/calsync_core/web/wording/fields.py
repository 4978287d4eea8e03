"""What somebody entered or sent, and two who did so at once."""

from collections.abc import Mapping

from calsync_core.web.wording.words import Actor, Wording, _

INPUT: Mapping[str, Wording] = {
    "input_invalid": Wording(
        _("One of the values does not fit"),
        _("Nothing was saved."),
        _("Check the marked field."),
        Actor.ADMIN,
    ),
    "not_found": Wording(
        _("This does not exist"), _("It may have been removed."), _("Go back and choose again."), Actor.ADMIN
    ),
    "page_unknown": Wording(
        _("This page does not exist"), "", _("Open the link from the mail itself, or go back."), Actor.NOBODY
    ),
    "resource_unknown": Wording(
        _("This person or room is not known here"),
        _("It may have been removed in the booking system."),
        _("Go back and choose again."),
        Actor.ADMIN,
    ),
    "form_expired": Wording(
        _("This form is no longer valid"),
        _("It was open for too long, or came from another browser. Nothing was saved."),
        _("Open the page again and send it once more."),
        Actor.RESOURCE,
    ),
    "body_unreadable": Wording(
        _("What was sent could not be read"), _("Nothing was saved."), _("Send it once more."), Actor.ADMIN
    ),
    "body_too_large": Wording(
        _("What was sent is too large"), _("Nothing was saved."), _("Send less at once."), Actor.ADMIN
    ),
    "setting_unknown": Wording(
        _("There is no setting of this name"), _("Nothing was saved."), _("Check the name."), Actor.ADMIN
    ),
    "setting_title_field_unknown": Wording(
        _("The title names something that is no detail of a booking"),
        _("Nothing was saved."),
        _(
            "Between braces stand service, customer, resource, phone, email, notes, location, or custom: and the name "
            "of a field of your booking system."
        ),
        Actor.ADMIN,
    ),
    "setting_zone_unknown": Wording(
        _("Nobody knows this time zone"),
        _("Nothing was saved."),
        _("Write it as in Europe/Berlin or W. Europe Standard Time, or leave the field empty for the person's own."),
        Actor.ADMIN,
    ),
    "setting_out_of_range": Wording(
        _("This value is not possible for the setting"),
        _("Nothing was saved."),
        _("Choose one of the offered values."),
        Actor.ADMIN,
    ),
    "address_invalid": Wording(
        _("This is not an e-mail address that we can write to"),
        _("No mail was sent."),
        _("Correct the address in the booking system."),
        Actor.ADMIN,
    ),
    "invited_recently": Wording(
        _("A mail was sent less than an hour ago"),
        _("No second mail was sent."),
        _("Wait an hour, or copy the link and send it yourself."),
        Actor.ADMIN,
    ),
    "invited_too_often": Wording(
        _("This address was already mailed three times today"),
        _("No mail was sent."),
        _("Try again tomorrow, or copy the link and send it yourself."),
        Actor.ADMIN,
    ),
    "address_suppressed": Wording(
        _("This address refused our mails"),
        _("No mail was sent."),
        _("Ask the person for another address, or copy the link and send it yourself."),
        Actor.ADMIN,
    ),
    "agreement_missing": Wording(
        _("The privacy text is not agreed to yet"),
        _("No invitation was sent."),
        _("Read and accept the privacy text first."),
        Actor.ADMIN,
    ),
    "already_connected": Wording(
        _("This calendar is already connected"),
        _("No invitation was sent."),
        _("Disconnect it first if another one is to take its place."),
        Actor.ADMIN,
    ),
    "not_invited": Wording(
        _("Nobody is invited at the moment"),
        _("Nothing was changed."),
        _("Send an invitation first."),
        Actor.ADMIN,
    ),
    "not_connected": Wording(
        _("No calendar is connected"),
        _("Nothing was changed."),
        _("Connect a calendar first."),
        Actor.RESOURCE,
    ),
}

CONCURRENCY: Mapping[str, Wording] = {
    "changed_meanwhile": Wording(
        _("Somebody changed this at the same moment"),
        _("Your change was not saved."),
        _("Look at the page again and repeat your change if it is still right."),
        Actor.ADMIN,
    ),
    "status_transition": Wording(
        _("This is not possible in the present state"),
        _("Nothing was changed."),
        _("Look at the page again: the state has changed meanwhile."),
        Actor.ADMIN,
    ),
}
