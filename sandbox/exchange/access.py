"""Whose mailbox a request may open: the caller's own, an impersonated one, or a delegate's view of another."""

from dataclasses import dataclass

from sandbox.calendars import Folder, Mailbox, Role
from sandbox.exchange.directory import ExchangeAccount, ExchangeServer, ExchangeState
from sandbox.exchange.errors import EwsError, SoapFaultError
from sandbox.mailboxes import Mailboxes
from sandbox.people import Directory, Person


@dataclass(frozen=True, slots=True)
class Reach:
    """A mailbox and which of its calendars the caller may see."""

    mailbox: Mailbox
    is_guest: bool
    """The caller is a delegate: he sees only what was shared with him."""
    guest_address: str = ""

    def folders(self) -> list[Folder]:
        """Calendars of the mailbox itself, the primary one first; a delegate's `role` stands in each."""
        if not self.is_guest:
            return list(self.mailbox.own_folders())
        shared = []
        for folder in self.mailbox.own_folders():
            role = self.role_in(folder)
            if role is not None and role != "freeBusyRead":
                shared.append(Folder(folder.folder_id, folder.calendar, folder.name, role, folder.color))
        return shared

    def role_in(self, folder: Folder) -> Role | None:
        """What the caller may do in a calendar; None: nothing."""
        if not self.is_guest:
            return folder.role
        return folder.calendar.permissions.get(self.guest_address)


class Access:
    """Looks mailboxes up for one caller."""

    def __init__(self, mailboxes: Mailboxes, directory: Directory, state: ExchangeState) -> None:
        self.mailboxes = mailboxes
        self.directory = directory
        self.state = state

    def account(self, person: Person) -> ExchangeAccount | None:
        """The person's account on a server, if there is one."""
        return self.state.accounts.get(person.id)

    def impersonated(self, server: ExchangeServer, caller: Person, kind: str, name: str) -> Person:
        """Whom a caller acts as. `kind`: PrimarySmtpAddress, SmtpAddress, PrincipalName or SID.

        Raises:
            SoapFaultError: nobody is called so, or the caller has no such right.
        """
        target = self._named(server, kind, name)
        account = self.account(caller)
        allowed = {a.casefold() for a in account.may_impersonate} if account else set()
        if target is None:
            raise SoapFaultError("ErrorNonExistentMailbox" if "*" in allowed else "ErrorImpersonateUserDenied")
        if "*" not in allowed and target.email.casefold() not in allowed:
            raise SoapFaultError("ErrorImpersonateUserDenied")
        return target

    def _named(self, server: ExchangeServer, kind: str, name: str) -> Person | None:
        if kind == "PrincipalName":
            account = self.state.account_named(server, "", name)
            return self.directory.people.get(account.person_id) if account else None
        if kind == "SID":
            return next((p for p in self.directory.people.values() if sid_of(p) == name), None)
        mailbox = self.mailboxes.by_address(name)
        if mailbox is None or (kind == "PrimarySmtpAddress" and mailbox.address.casefold() != name.casefold()):
            return None
        return self.directory.people.get(mailbox.oid)

    def reach(self, server: ExchangeServer, acting: Person, address: str | None) -> Reach:
        """The mailbox of an address (None: of the acting person) as that person sees it.

        Raises:
            EwsError: there is none on this server, or it has another primary address.
        """
        if address is None or address.casefold() == acting.email.casefold():
            own = self.mailboxes.by_id(acting.id)
            if own is None or not self.is_here(server, own):
                raise EwsError("ErrorMissingEmailAddress" if address is None else "ErrorNonExistentMailbox")
            return Reach(own, is_guest=False)
        mailbox = self.mailboxes.by_address(address)
        if mailbox is None or not self.is_here(server, mailbox):
            raise EwsError("ErrorNonExistentMailbox")
        if mailbox.address.casefold() != address.casefold():
            raise EwsError("ErrorNonPrimarySmtpAddress", values={"Primary": mailbox.address})
        if mailbox.oid == acting.id:
            return Reach(mailbox, is_guest=False)
        return Reach(mailbox, is_guest=True, guest_address=acting.email.casefold())

    def is_here(self, server: ExchangeServer, mailbox: Mailbox) -> bool:
        """Whether a mailbox lives on that server and has not moved to the cloud."""
        account = self.state.accounts.get(mailbox.oid)
        return account is not None and account.server == server.name and account.location == "on_prem"


def sid_of(person: Person) -> str:
    """The security identifier of a person's account, drawn from its id."""
    digits = int(person.id.replace("-", ""), 16)
    parts = [(digits >> shift) & 0xFFFFFFFF for shift in (96, 64, 32)]
    return f"S-1-5-21-{parts[0]}-{parts[1]}-{parts[2]}-{1000 + digits % 90000}"
