"""What only the operator of the installation can settle."""

from collections.abc import Mapping

from calsync_core.web.wording.words import Actor, Wording, _

INSTALLATION: Mapping[str, Wording] = {
    "installation": Wording(
        _("This installation is not set up completely"),
        _("Nothing was changed."),
        _("The operator finds the details on Overview and in the log."),
        Actor.OPERATOR,
    ),
    "mail_sender_missing": Wording(
        _("Mail is not set up yet"),
        _("The mail was not sent."),
        _("The operator names the address that mails come from (README, deploy)."),
        Actor.OPERATOR,
    ),
    "entra_missing": Wording(
        _("The connection to Microsoft is not set up yet"),
        _("Nobody can connect a Microsoft calendar until it is."),
        _("The operator registers calsync at Microsoft and enters the values (README, deploy)."),
        Actor.OPERATOR,
    ),
    "entra_secret_wrong": Wording(
        _("Microsoft does not accept our own key"),
        _("No calendar of this installation can be read or written until it is settled."),
        _("The operator enters the right client secret."),
        Actor.OPERATOR,
    ),
    "entra_secret_expired": Wording(
        _("Our own key at Microsoft has expired"),
        _("No calendar of this installation can be read or written until it is settled."),
        _("The operator makes a new client secret at Microsoft and enters it."),
        Actor.OPERATOR,
    ),
    "entra_registration": Wording(
        _("Our registration at Microsoft does not fit"),
        _("Nobody can sign in until it is settled."),
        _("The operator compares redirect address and permissions with the README."),
        Actor.OPERATOR,
    ),
    "unsealing_failed": Wording(
        _("Stored sign-ins cannot be opened"),
        _("Calendars cannot be read or written until it is settled."),
        _("The operator checks the rights on the encryption key."),
        Actor.OPERATOR,
    ),
    "configuration_missing": Wording(
        _("A value of the deployment is missing"),
        _("This function cannot work."),
        _("The operator finds the name of the value in the log."),
        Actor.OPERATOR,
    ),
    "internal": Wording(
        _("We could not complete this"),
        _("The fault is on our side and was recorded. Nothing was changed as far as we know."),
        _("Try again in a minute. If it stays, tell the sender of your mail."),
        Actor.OPERATOR,
    ),
}
