"""Signing in to an Exchange directory: Basic and NTLM, expired and locked accounts - all one plain 401 outside."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.exchange.directory import ExchangeAccount, ExchangeServer, ExchangeState
from sandbox.people import Directory, Person


class RefusedError(Exception):
    """The sign-in failed; `token` goes into a challenge (NTLM's second leg) and is empty for a plain refusal."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SignIns:
    """Checks names and passwords, counts the wrong ones."""

    directory: Directory
    state: ExchangeState

    def basic(self, server: ExchangeServer, header: str, now: datetime) -> Person:
        """The person of an Authorization: Basic header. Raises RefusedError."""
        try:
            pair = base64.b64decode(header.strip(), validate=True).decode("utf-8", errors="replace")
        except (binascii.Error, ValueError) as broken:
            raise RefusedError("malformed") from broken
        name, _, password = pair.partition(":")
        domain, _, user = name.rpartition("\\")
        account = self.state.account_named(server, domain, user)
        if account is None:
            raise RefusedError("unknown_user")
        self.check_open(account, now)
        person = self.directory.people[account.person_id]
        if person.password is None or not hmac.compare_digest(person.password.encode(), password.encode()):
            self.count_wrong(server, account, now)
            raise RefusedError("wrong_password")
        return self.finish(account, now)

    def check_open(self, account: ExchangeAccount, now: datetime) -> None:
        """Refuse what is locked; a locked account does not even look at the password. Raises RefusedError."""
        if account.locked_until is not None and account.locked_until > now:
            raise RefusedError("locked")
        account.locked_until = None

    def finish(self, account: ExchangeAccount, _now: datetime) -> Person:
        """The right password came: refuse disabled and expired accounts, else forget the wrong ones."""
        person = self.directory.people[account.person_id]
        if account.is_disabled:
            raise RefusedError("disabled")
        if account.is_password_expired:
            raise RefusedError("password_expired")
        account.wrong_passwords.clear()
        return person

    def count_wrong(self, server: ExchangeServer, account: ExchangeAccount, now: datetime) -> None:
        """Note a wrong password, and lock the account when there were enough in the window."""
        window = timedelta(minutes=server.lockout_window_minutes)
        account.wrong_passwords = [at for at in account.wrong_passwords if at > now - window]
        account.wrong_passwords.append(now)
        if server.lockout_threshold and len(account.wrong_passwords) >= server.lockout_threshold:
            account.locked_until = now + timedelta(minutes=server.lockout_minutes)
            account.wrong_passwords.clear()
