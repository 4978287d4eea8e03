"""Send one mail at most once: claimed first, sent after, its message id noted so that a bounce finds its way back."""

from calsync_core.domain.errors import CalsyncError, InputError
from calsync_core.domain.ids import AccountId
from calsync_core.domain.resources import Resource, ResourceKind
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.mails import Draft
from calsync_core.ports.stores import Stores


def send_mail(ports: MailPorts, draft: Draft, cause: str, invitation_id: str | None = None) -> bool:
    """False when the mail of this kind, resource and cause was claimed before.

    Raises InputError("address_invalid"), ProviderUnavailableError, AppointmentRejectedError("mail_refused").
    """
    if not is_address(draft.to):
        raise InputError("address_invalid", resource=draft.resource.id)
    mail = ports.writer.write(draft)
    if not ports.stores.mails.claim(draft.account, draft.kind.value, draft.resource.id, cause, draft.now):
        return False
    message_id = ports.mailer.send(mail)
    ports.stores.mails.note_message(message_id, draft.account, draft.resource.id, invitation_id)
    return True


def send_or_note(ports: MailPorts, draft: Draft, cause: str) -> bool:
    """As `send_mail`; a mail that cannot be sent stands in the log as a problem and fails nothing."""
    try:
        return send_mail(ports, draft, cause)
    except CalsyncError as error:
        line = LogEntry(
            draft.account, draft.resource.id, draft.now, Reason.MAIL_STATE, code=error.code, is_problem=True
        )  # fmt: skip
        ports.stores.log.add([line])
        return False


def address_of(resource: Resource) -> str:
    """Whom to write to: the person; for a room or equipment its custodian, because nobody reads a room's mail."""
    if resource.kind is ResourceKind.STAFF:
        return resource.email or resource.owner.email
    return resource.owner.email or resource.email


def addresses_of_admins(stores: Stores, account: AccountId, fallback: str) -> list[str]:
    """R112: who signed in as admin of this account; before the first has, the address that mails reply to."""
    members = stores.access.members(account)
    found = {member.email.casefold() for member in members if member.role == "admin" and member.email}
    return sorted(found) or [fallback] * bool(fallback)


def is_address(address: str) -> bool:
    """Enough to keep nonsense and header tricks out; whether it exists only the mail says."""
    local, separator, domain = address.rpartition("@")
    return bool(
        separator
        and local
        and "." in domain.strip(".")
        and len(address) <= 254
        and address.isprintable()
        and not any(char in address for char in ' ,;<>"\\')
    )
