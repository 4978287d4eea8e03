""" "Send me a new link": a fresh manage link to the person's own address, at most once an hour."""

from calsync_core.domain.errors import InputError, LinkUnknownError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.mails import Draft, MailKind
from calsync_core.usecases.send_mail import address_of, send_mail


def send_manage_link(ports: MailPorts, account: AccountId, resource: ResourceId) -> None:
    """Raises LinkUnknownError, InputError("invited_recently"), what sending raises."""
    state = ports.stores.resources.get(account, resource)
    if state is None:
        raise LinkUnknownError
    now = ports.clock.now()
    draft = Draft(MailKind.NEW_LINK, account, state.resource, address_of(state.resource), now)
    if not send_mail(ports, draft, f"{now:%Y-%m-%dT%H}"):
        raise InputError("invited_recently", resource=resource)
