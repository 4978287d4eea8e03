"""Who may ask Graph what: the token's principal, scopes and roles, and the refusals that follow from them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from sandbox.calendars import Folder, Mailbox, MailboxState
from sandbox.graph import errors

if TYPE_CHECKING:
    from sandbox.mailboxes import Mailboxes

Need = Literal["read", "write", "settings_read", "settings_write", "user", "any"]

_DELEGATED: dict[Need, frozenset[str]] = {
    "read": frozenset({"Calendars.Read", "Calendars.ReadWrite"}),
    "write": frozenset({"Calendars.ReadWrite"}),
    "settings_read": frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"}),
    "settings_write": frozenset({"MailboxSettings.ReadWrite"}),
    "user": frozenset({"User.Read", "User.ReadBasic.All", "User.Read.All"}),
    "any": frozenset(),
}
_SHARED: dict[Need, frozenset[str]] = {
    "read": frozenset({"Calendars.Read.Shared", "Calendars.ReadWrite.Shared"}),
    "write": frozenset({"Calendars.ReadWrite.Shared"}),
}
_APPLICATION: dict[Need, frozenset[str]] = {**_DELEGATED, "user": frozenset({"User.Read.All"})}


class Principal(Protocol):
    """What an access token says. `oid` is None for an app-only token."""

    @property
    def oid(self) -> str | None: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...
    @property
    def roles(self) -> frozenset[str]: ...


class TokenVerifier(Protocol):
    """Reads access tokens; the sign-in half of the sandbox implements it."""

    def verify(self, access_token: str) -> Principal:
        """Return the token's principal.

        Raises ValueError("expired") or ValueError("invalid").
        """


@dataclass(frozen=True, slots=True)
class Reach:
    """A mailbox that a principal may use, and which of its calendars."""

    mailbox: Mailbox
    is_guest: bool
    """The mailbox is somebody else's: only what is shared with the principal can be seen."""
    guest_address: str = ""

    def folders(self) -> list[Folder]:
        """The calendars that can be seen, the primary one first."""
        if not self.is_guest:
            return list(self.mailbox.folders.values())
        shared = []
        for folder in self.mailbox.own_folders():
            role = folder.calendar.permissions.get(self.guest_address)
            if role is not None:
                shared.append(Folder(folder.folder_id, folder.calendar, folder.name, role, folder.color))
        return shared


def authenticate(verifier: TokenVerifier | None, authorization: str | None) -> Principal:
    """Return who sent the request. Raises GraphError 401."""
    scheme, _, token = (authorization or "").partition(" ")
    if verifier is None or scheme.lower() != "bearer" or not token.strip():
        raise errors.token_missing()
    try:
        return verifier.verify(token.strip())
    except ValueError as error:
        raise errors.token_expired() if "expired" in str(error) else errors.token_invalid() from error


def find_mailbox(mailboxes: "Mailboxes", principal: Principal, user: str | None) -> Mailbox:
    """Return the mailbox that a path names (None: /me). Raises GraphError 400 or 404."""
    if user is None or user == "me":
        if principal.oid is None:
            raise errors.bad_request("/me request is only valid with delegated authentication flow.")
        mailbox = mailboxes.by_id(principal.oid)
        if mailbox is None:
            raise errors.no_rest_mailbox()
    else:
        found = mailboxes.by_id(user) or mailboxes.by_address(user)
        if found is None:
            raise errors.invalid_user(user)
        mailbox = found
    _refuse_state(mailbox, principal, user)
    return mailbox


def _refuse_state(mailbox: Mailbox, principal: Principal, user: str | None) -> None:
    if mailbox.tenant_id != principal.tenant_id:
        raise errors.invalid_user(user or mailbox.address)
    match mailbox.state:
        case MailboxState.NO_REST:
            raise errors.no_rest_mailbox()
        case MailboxState.UNLICENSED:
            raise errors.no_mailbox_of_address()
        case MailboxState.NO_MAILBOX:
            raise errors.missing_address()
        case MailboxState.MISSING:
            raise errors.invalid_user(user or mailbox.address)
        case MailboxState.OUT_OF_POLICY if principal.oid is None:
            raise errors.access_policy()
        case _:
            return


def _names(granted: frozenset[str]) -> frozenset[str]:
    """Scopes without the resource in front: 'https://graph.microsoft.com/Calendars.Read' -> 'Calendars.Read'."""
    return frozenset(scope.rsplit("/", 1)[-1] for scope in granted)


def reach(mailboxes: "Mailboxes", principal: Principal, user: str | None, need: Need) -> Reach:
    """Return the mailbox with the rights that the principal has on it. Raises GraphError 400, 403 or 404."""
    mailbox = find_mailbox(mailboxes, principal, user)
    if principal.oid is None:
        if mailbox.is_personal or not _suffices(_APPLICATION[need], _names(principal.roles)):
            raise errors.access_denied()
        return Reach(mailbox, is_guest=False)
    scopes = _names(principal.scopes)
    if mailbox.oid == principal.oid.lower():
        if not _suffices(_DELEGATED[need] | _SHARED.get(need, frozenset()), scopes):
            raise errors.access_denied()
        return Reach(mailbox, is_guest=False)
    own = mailboxes.by_id(principal.oid)
    if own is None or not _suffices(_SHARED.get(need, frozenset({"never granted"})), scopes):
        raise errors.access_denied()
    found = Reach(mailbox, is_guest=True, guest_address=own.address.casefold())
    if not found.folders():
        raise errors.item_not_found()
    return found


def _suffices(needed: frozenset[str], granted: frozenset[str]) -> bool:
    return not needed or bool(needed & granted)
