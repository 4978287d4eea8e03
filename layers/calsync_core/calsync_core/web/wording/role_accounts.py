"""Role accounts, and who is free in the whole organisation."""

from collections.abc import Mapping

from calsync_core.web.wording.words import NOTHING, Actor, Wording, _

ROLE_ACCOUNTS: Mapping[str, Wording] = {
    "role_account_unknown": Wording(
        _("This role account is not known"),
        _("It may have been removed meanwhile."),
        _("Go back to Connections."),
        Actor.ADMIN,
    ),
    "role_account_untested": Wording(
        _("The role account of this mail domain is not tested yet"),
        _("Nobody is asked for before its test has passed, so these times are unknown."),
        _("Open the role account and press Test now."),
        Actor.ADMIN,
    ),
    "role_accounts_off": Wording(
        _("Role accounts are not asked here"), "", _("Nothing was changed. Tell the operator."), Actor.OPERATOR
    ),
    "role_kind_unknown": Wording(
        _("It is not said what the role account belongs to"),
        _("Nothing was saved."),
        _("Choose Exchange server or Microsoft 365."),
        Actor.ADMIN,
    ),
    "too_many_role_accounts": Wording(
        _("There are 20 role accounts already"), _("Nothing was saved."), _("Remove one that is not used."), Actor.ADMIN
    ),
    "mail_domain_missing": Wording(
        _("No mail domain is named"),
        _("Nothing was saved. A role account answers for the addresses of its mail domains and for no others."),
        _("Enter what stands after the @, such as clinic.example, one per line."),
        Actor.ADMIN,
    ),
    "mail_domain_taken": Wording(
        _("Another role account answers for one of these mail domains"),
        _("Nothing was saved. Each mail domain belongs to one, so that nobody is asked for twice."),
        _("Take the domain out here or there. In a hybrid keep the one whose server sees everyone."),
        Actor.ADMIN,
    ),
    "token_endpoint_invalid": Wording(
        _("This address does not belong to the sign-in of one organisation"),
        _("Nothing was saved. It stands in the Entra admin center, under Endpoints of the application."),
        _("Copy the second address of that list; it holds the id of your organisation, not the word “common”."),
        Actor.IT,
    ),
    "client_id_invalid": Wording(
        _("This is not an application (client) ID"),
        _("Nothing was saved."),
        _("Copy “Application (client) ID” from the overview of the application; it has 36 characters."),
        Actor.IT,
    ),
    "app_secret_missing": Wording(
        _("The client secret is missing"),
        _("Nothing was saved."),
        _("Enter the secret's value (not its ID), or choose a certificate."),
        Actor.IT,
    ),
    "expiry_unreadable": Wording(
        _("It is not said until when the secret is valid"),
        _("Nothing was saved. We remind you 60, 30, 7 and 1 days before."),
        _("Enter the day that the Entra admin center shows in the column Expires."),
        Actor.IT,
    ),
    "private_key_unreadable": Wording(
        _("This is not a private key that we can read"),
        _("Nothing was saved."),
        _("Paste the whole RSA key as text (PEM), one that has no password."),
        Actor.IT,
    ),
    "private_key_foreign": Wording(
        _("The private key does not belong to the certificate"),
        _("Nothing was saved."),
        _("Paste the key that the certificate was made with."),
        Actor.IT,
    ),
    "role_key_refused": Wording(
        _("Microsoft does not accept the key of the role account"),
        _("The secret is not right, or the certificate is not entered at the application."),
        _("Enter the secret's value (not its ID), or upload the certificate at the application, and test again."),
        Actor.IT,
    ),
    "role_key_expired": Wording(
        _("The key of the role account has expired"),
        _("When people and rooms without a connection are free is unknown until a new one is entered."),
        _("Make a new secret or certificate at the application and enter it on the page of the role account."),
        Actor.IT,
    ),
    "role_key_expires": Wording(
        _("The key of the role account expires soon"),
        _("From that day on it is unknown when people and rooms without a connection are free."),
        _("Make a new secret or certificate at the application and enter it on the page of the role account."),
        Actor.IT,
    ),
    "role_app_refused": Wording(
        _("Microsoft does not know the application in this organisation"),
        _("The application ID, the organisation or the approval does not fit."),
        _("Compare the two ids with the Entra admin center, and grant the admin consent."),
        Actor.IT,
    ),
    "role_permission_missing": Wording(
        _("The application may not read calendars"),
        _("Without the application permission Calendars.Read nobody's times can be asked for."),
        _("Add Calendars.Read as an application permission and grant the admin consent."),
        Actor.IT,
    ),
    "role_mailbox_missing": Wording(
        _("The mailbox through which the application asks cannot be used"),
        _("Microsoft answers only through a mailbox of the organisation."),
        _("Name the address of any mailbox of the organisation that has a calendar there."),
        Actor.IT,
    ),
    "mailbox_not_seen": Wording(
        _("The server that is asked does not see this mailbox"),
        _("It lives elsewhere, for instance in the other half of a hybrid, so its times are unknown."),
        _("Name the server that sees everyone in the role account."),
        Actor.IT,
    ),
    "free_busy_failed": Wording(
        _("The times of this mailbox could not be put together"),
        _("The server cannot open it, or it has too many entries. Its times are unknown."),
        _("Open it in Outlook on the web to see whether it works."),
        Actor.IT,
    ),
    "no_data": Wording(
        _("The server has no times for a part of this mailbox"), _("That part is unknown."), NOTHING, Actor.NOBODY
    ),
    "domain_not_covered": Wording(
        _("No role account answers for this mail domain"),
        _("Who has no connection here can be asked for only through a role account of the own mail domain."),
        _("Enter the mail domain in a role account, under Connections."),
        Actor.ADMIN,
    ),
    "mailbox_moved": Wording(
        _("This mailbox was moved to Microsoft 365"),
        _("The Exchange server no longer has it. Nothing is lost, but changes wait until you sign in at Microsoft."),
        _("Sign in at Microsoft with the same address. What was entered in your calendar before is recognised."),
        Actor.RESOURCE,
    ),
    "push_silent": Wording(
        _("The Exchange server fell silent"),
        _("It forgets whom to tell when it restarts. We have asked it again, and read everything since."),
        NOTHING,
        Actor.NOBODY,
    ),
    "push_unreachable": Wording(
        _("The Exchange server cannot reach us"),
        _("Changes are found by regular checks, some minutes later. We try again every day."),
        _("Allow the Exchange server to reach this address by https, through the firewall or proxy."),
        Actor.IT,
    ),
    "push_works_again": Wording(_("The Exchange server reaches us again"), "", NOTHING, Actor.NOBODY),
    "nobody_asked": Wording(
        _("Nobody is named"), "", _("Name addresses or resources whose times you want to know."), Actor.ADMIN
    ),
    "too_many_addresses": Wording(
        _("Too many are asked for at once"), "", _("Ask for at most 100 addresses and resources at once."), Actor.ADMIN
    ),
}
