"""An Exchange mailbox that was moved to Microsoft 365: noticed, said, and followed when its person signs in there.

Ids are new in the cloud; marks and the calendar's own ids stay. So neither the calendar nor the booking system is
touched: the new connection takes the place of the old one, whose password goes, and the next run takes the links along
(take_links_along.py).
"""

from collections.abc import Callable

from calsync_core.domain.connections import MOVED, Connection, MailboxIdentity, ProviderKind
from calsync_core.domain.errors import ConnectionBrokenError, ConsentRevokedError
from calsync_core.domain.ids import AccountId, MailboxId, ResourceId
from calsync_core.domain.values import replace
from calsync_core.ports.exchange import ExchangeLogin, ExchangeSignIn
from calsync_core.ports.stores import Stores

AT_MICROSOFT = "microsoft365"
NOT_HERE = "mailbox_missing"


def explain_loss(
    login: ExchangeLogin, error: ConnectionBrokenError, sign_in: Callable[[], ExchangeSignIn]
) -> ConnectionBrokenError:
    """The error to raise: moved, where the server sends us to Microsoft 365, or says that there is no such mailbox and
    Autodiscover sends us there (ews.md section 8). It is asked once: then the sign-in is wanted from a person."""
    if error.code == AT_MICROSOFT:
        return ConsentRevokedError(MOVED)
    if error.code != NOT_HERE:
        return error
    return ConsentRevokedError(MOVED) if sign_in().has_moved(login) else error


def has_moved(connection: Connection | None) -> bool:
    return (
        connection is not None
        and connection.identity.provider is ProviderKind.EXCHANGE
        and connection.broken_code == MOVED
    )


def may_follow(connection: Connection | None, identity: MailboxIdentity) -> bool:
    """Whether a sign-in may take the place of this connection's."""
    return has_moved(connection) and identity.provider is ProviderKind.OFFICE365


def leave_old_connections(stores: Stores, account: AccountId, resource: ResourceId, kept: MailboxId) -> None:
    """The resource lets go of connections to mailboxes that moved away, the last one takes the password with it.

    Nothing is asked of the old server, which has no such mailbox any more. Repeatable.
    Raises ConcurrentChangeError.
    """
    for connection in stores.connections.of_account(account):
        if connection.id == kept or resource not in connection.resources or not has_moved(connection):
            continue
        others = tuple(one for one in connection.resources if one != resource)
        if not others:
            stores.connections.delete(connection)
            continue
        for row in stores.connections.subscriptions(account, connection.id):
            rest = tuple(one for one in row.resources if one != resource)
            if rest:
                stores.connections.save_subscription(replace(row, resources=rest))
            else:
                stores.connections.delete_subscription(row.path_hash)
        stores.connections.save(replace(connection, resources=others))
