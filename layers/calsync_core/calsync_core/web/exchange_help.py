"""What stands beside the fields of Exchange forms; docs/connect-exchange.md says the same, and a test compares."""


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


HELP: dict[str, str] = {
    "title": _("A name by which you recognise this server, for example the location."),
    "address": _(
        "The name under which Outlook on the web is reached from the Internet, for example mail.clinic.example, or the"
        " whole external address of the Exchange Web Services. Your IT finds it with"
        " Get-WebServicesVirtualDirectory | Format-List ExternalUrl."
    ),
    "mail_domains": _(
        "The part after the @ of the people on this server. Needed when you have several servers: it decides which one"
        " a person is asked for."
    ),
    "time_zone": _("Used for mailboxes that do not say their own, for example Europe/Berlin."),
    "is_2007": _("Only for servers that answer newer requests with errors. Leave it off if you are not sure."),
    "ca_pem": _(
        "Only if your server's certificate comes from an authority of your own: its certificate as text, beginning with"
        " -----BEGIN CERTIFICATE-----. Verification is never switched off."
    ),
    "login": _("The user name may differ from the e-mail address, for example CLINIC\\anna."),
    "password": _("Kept encrypted, used only for the calendar."),
    "test_mailbox": _(
        "Any mailbox on this server will do. The test writes one private entry far in the past and deletes it at once."
        " The password is used for this test and not kept."
    ),
    "service": _(
        "One low-privilege account that reaches the calendars of rooms and of people who give no password. Create one"
        " or reuse one that you have, and set its password to never expire, or calsync stops when it does."
    ),
    "delegate": _("The account has the right Editor on each calendar."),
    "impersonation": _("The account has the role ApplicationImpersonation."),
}
