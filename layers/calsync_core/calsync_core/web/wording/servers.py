"""Exchange servers of the business's own, what an account may use, and the operator's access codes."""

from collections.abc import Mapping

from calsync_core.web.wording.words import Actor, Wording, _

SERVERS: Mapping[str, Wording] = {
    "app_off": Wording(
        _("This kind of calendar is switched off"),
        _("The operator of calsync does not offer it here. Nothing was changed."),
        _("Ask the operator if you need it."),
        Actor.OPERATOR,
    ),
    "app_needs_code": Wording(
        _("This kind of calendar needs an access code"),
        _("The operator of calsync gives one to each business that may use it. Nothing was changed."),
        _("The admin enters the access code under Connections."),
        Actor.ADMIN,
    ),
    "code_unknown": Wording(
        _("This access code opens nothing"),
        _("It may be used already, be older than 30 days, or belong to somebody else."),
        _("Copy the whole code again, or ask the operator for a new one."),
        Actor.ADMIN,
    ),
    "code_stop": Wording(
        _("Too many access codes were tried"),
        _("After five tries within an hour no more are looked at for an hour."),
        _("Wait an hour, then enter the code again."),
        Actor.ADMIN,
    ),
    "exchange_off": Wording(
        _("Exchange servers are not set up in this installation"),
        _("Nobody can connect a mailbox of an Exchange server until they are."),
        _("The operator deploys with the parameter ServesExchange set to true."),
        Actor.OPERATOR,
    ),
    "password_missing": Wording(
        _("The password is missing"), _("Nothing was sent to anybody."), _("Enter the password."), Actor.RESOURCE
    ),
    "password_stop": Wording(
        _("Three passwords were wrong"),
        _("We stop for 15 minutes, so that the account is not locked."),
        _("Check e-mail address and password in Outlook on the web meanwhile."),
        Actor.RESOURCE,
    ),
    "server_not_chosen": Wording(
        _("We do not know which of your servers it is"),
        _("No password was sent to anybody."),
        _("Choose your server, or enter its name."),
        Actor.RESOURCE,
    ),
    "connection_unknown": Wording(
        _("This connection is not known"),
        _("It may have been ended meanwhile."),
        _("Go back to Connections."),
        Actor.ADMIN,
    ),
    "server_unknown": Wording(
        _("This server is not known"),
        _("It may have been removed meanwhile."),
        _("Go back to Connections."),
        Actor.ADMIN,
    ),
    "server_in_use": Wording(
        _("This server is in use"),
        _(
            "Calendars are connected through it, or a role account asks it; their passwords were given for this server"
            " and go to no other."
        ),
        _("Enter the other server as a new one, or disconnect those calendars and remove the role account first."),
        Actor.ADMIN,
    ),
    "service_missing": Wording(
        _("This server has no service account yet"),
        _("Without one only people with a password of their own can be connected."),
        _("Enter the service account on the page of the server."),
        Actor.ADMIN,
    ),
    "service_refused": Wording(
        _("The server no longer accepts the service account"),
        _("Its password was changed or has expired. It is not tried again, so that the account is not locked."),
        _("Enter its new password on the page of the server."),
        Actor.ADMIN,
    ),
    "access_unknown": Wording(
        _("It is not said how the account reaches the calendars"),
        _("Nothing was saved."),
        _("Choose one of the two ways."),
        Actor.ADMIN,
    ),
    "calendar_kind_unknown": Wording(
        _("This kind of calendar is not known"), _("Nothing was sent."), _("Choose one from the list."), Actor.ADMIN
    ),
    "too_many_servers": Wording(
        _("There are 20 servers already"), _("Nothing was saved."), _("Remove one that is not used."), Actor.ADMIN
    ),
    "mail_domain_invalid": Wording(
        _("One of the mail domains cannot be right"),
        _("Nothing was saved."),
        _("Enter what stands after the @, such as clinic.example, one per line."),
        Actor.ADMIN,
    ),
    "certificate_unreadable": Wording(
        _("This is not a certificate that we can read"),
        _("Nothing was saved."),
        _("Paste the certificate as text, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."),
        Actor.ADMIN,
    ),
    "time_zone_unknown": Wording(
        _("This time zone is not known"),
        _("Nothing was saved."),
        _("Enter a name such as Europe/Berlin or W. Europe Standard Time."),
        Actor.ADMIN,
    ),
}
