"""What stands beside the fields of role accounts; docs/connect-exchange.md says the same, and a test compares."""


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


ROLE_HELP: dict[str, str] = {
    "title": _("A name by which you recognise this account, for example the organisation."),
    "mail_domains": _(
        "What stands after the @ of the people and rooms it answers for, one per line. They count once the test has"
        " passed, and each belongs to one role account."
    ),
    "server": _("The server that is asked. In a hybrid name the one that sees everyone's free and busy times."),
    "address": _(
        "One low-privilege account. It needs no mailbox of its own and no rights on single calendars, and an"
        " availability account that you use already will do."
    ),
    "login": _("Empty if it is the e-mail address, else for example CLINIC\\svc-calsync."),
    "password": _(
        "Kept encrypted, used only to ask for times. Set it to never expire, or the answers stop when it does."
    ),
    "org_wide": _("The account is the organisation's own for availability (Set-AvailabilityConfig -OrgWideAccount)."),
    "delegate": _("It sees what people and rooms share with everybody or with it."),
    "impersonation": _("It asks in the name of one mailbox (ApplicationImpersonation) and sees what that one sees."),
    "impersonated": _("The mailbox in whose name it asks."),
    "token_endpoint": _(
        "In the Entra admin center, App registrations, your application, Endpoints: “OAuth 2.0 token endpoint (v2)”."
    ),
    "client_id": _("“Application (client) ID” on the overview of the application."),
    "acts_for": _("Any mailbox of the organisation, for example the office's. Microsoft answers only through one."),
    "secret": _("Certificates & secrets, New client secret: its Value, which Entra shows once; not the Secret ID."),
    "expires_on": _("The day in the column Expires. The admins get a mail 60, 30, 7 and 1 days before."),
    "certificate": _(
        "The certificate that was uploaded at the application and its private key without a password, both as text"
        " (PEM). Its end is read from it."
    ),
    "about": _(
        "An address of one of the mail domains, whose times are asked for. Titles are never asked for nor shown."
    ),
}
