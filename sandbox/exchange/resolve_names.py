"""ResolveNames: whom a name, a login or an address may mean among the people of a server."""

from sandbox.exchange.directory import ExchangeAccount
from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.versions import Version
from sandbox.exchange.xml import Element, m, t, text
from sandbox.people import Person

MAX_FOUND = 100


@operation("ResolveNames")
def resolve_names(call: Call, request: Element) -> Element:
    """Prefixes of display name, surname, login or address; several hits are a warning, none is an error."""
    wanted = text(request, "UnresolvedEntry")
    is_full = request.get("ReturnFullContactData")
    if is_full is None:
        raise SchemaError("The required attribute 'ReturnFullContactData' is missing.")
    if not wanted:
        raise SchemaError("The 'UnresolvedEntry' element is invalid - The value '' is invalid.")
    found = _found(call, wanted.removeprefix("smtp:").removeprefix("SMTP:").casefold())
    if not found:
        raise EwsError("ErrorNameResolutionNoResults")
    shown = [_shown(call, account, person, is_full=is_full in ("true", "1")) for account, person in found[:MAX_FOUND]]
    resolutions = m(
        "ResolutionSet",
        shown,
        TotalItemsInView=str(len(shown)),
        IncludesLastItemInRange="true" if len(found) <= MAX_FOUND else "false",
    )
    if len(found) == 1:
        return call.message(resolutions)
    return call.warning("ErrorNameResolutionMultipleResults", "", resolutions)


def _found(call: Call, wanted: str) -> list[tuple[ExchangeAccount, Person]]:
    people = call.access.directory.people
    found = []
    for account in call.access.state.accounts_on(call.server):
        person = people[account.person_id]
        mailbox = call.world.mailboxes.by_id(person.id)
        names = [person.display_name, account.login, account.upn, person.email, *person.display_name.split()]
        names += mailbox.aliases if mailbox else ()
        if any(name.casefold().startswith(wanted) for name in names):
            found.append((account, person))
    return sorted(found, key=lambda one: one[1].display_name)


def _shown(call: Call, account: ExchangeAccount, person: Person, *, is_full: bool) -> Element:
    kind = "Mailbox"
    if account.location == "moved" and call.version >= Version.EXCHANGE2010:
        kind = "Contact"  # a remote mailbox is a mail-enabled user in the address list
    mailbox = t(
        "Mailbox",
        t("Name", person.display_name),
        t("EmailAddress", person.email),
        t("RoutingType", "SMTP"),
        t("MailboxType", kind),
    )
    contact = t("Contact", t("DisplayName", person.display_name)) if is_full else None
    return t("Resolution", mailbox, contact)
