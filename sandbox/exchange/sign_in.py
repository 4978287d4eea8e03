"""Signing in to an Exchange directory: Basic, NTLM, Negotiate; expired and locked accounts - all one 401 outside.

Basic signs a request in, NTLM a connection: what comes later on it needs no header any more.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.connections import Connection
from sandbox.exchange.directory import AuthMethod, ExchangeAccount, ExchangeServer, ExchangeState
from sandbox.exchange.ntlm import Handshake, HandshakeError
from sandbox.people import Directory, Person

_HANDSHAKE, _PERSON, _PASSWORD = "ntlm.handshake", "ntlm.person", "ntlm.password"


class RefusedError(Exception):
    """Nobody is signed in (yet); `challenge` is the one header of NTLM's second leg, empty for a plain refusal."""

    def __init__(self, reason: str, challenge: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.challenge = challenge


@dataclass(frozen=True, slots=True)
class SignIns:
    """Checks names and passwords, counts the wrong ones."""

    directory: Directory
    state: ExchangeState

    def who(
        self,
        server: ExchangeServer,
        methods: list[AuthMethod],
        authorization: str,
        connection: Connection,
        now: datetime,
    ) -> Person:
        """Whoever asks, by the header or by the connection. Raises RefusedError."""
        kind, _, rest = authorization.partition(" ")
        if not authorization:
            return self._known(connection)
        if kind.lower() == "basic" and "Basic" in methods:
            if server.is_401_loop:
                raise RefusedError("loop")
            return self.basic(server, rest, now)
        for name in methods:
            if name != "Basic" and name.lower() == kind.lower():
                return self._shake(server, name, rest.strip(), connection, now)
        raise RefusedError("method_off")

    def _known(self, connection: Connection) -> Person:
        person = self.directory.people.get(connection.notes.get(_PERSON, ""))
        if person is None or connection.notes.get(_PASSWORD) != person.password:
            raise RefusedError("anonymous")  # a new password ends the sign-ins of open connections
        return person

    def _shake(
        self, server: ExchangeServer, kind: AuthMethod, token: str, connection: Connection, now: datetime
    ) -> Person:
        handshake = connection.notes.pop(_HANDSHAKE, None)
        connection.notes.pop(_PERSON, None)
        if handshake is None or handshake.kind != kind or is_first_token(token):
            handshake = Handshake(kind, connection.certificate)
        try:
            # Behind a box that breaks NTLM the challenge still comes; what never comes is the end of it.
            answer = handshake.step(token, server, self.state, self.directory)
        except HandshakeError as failed:
            if failed.account is not None:
                self.check_open(failed.account, now)
                if failed.reason == "wrong_password":
                    self.count_wrong(server, failed.account, now)
            raise RefusedError(failed.reason) from failed
        if handshake.account is None:
            connection.notes[_HANDSHAKE] = handshake
            raise RefusedError("challenge", f"{kind} {answer}")
        if server.is_401_loop:
            raise RefusedError("loop")
        self.check_open(handshake.account, now)
        person = self.finish(handshake.account, now)
        connection.notes[_PERSON] = person.id
        connection.notes[_PASSWORD] = person.password
        return person

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


def is_first_token(token: str) -> bool:
    """Whether a token begins a handshake: NTLM's negotiate message, also inside SPNEGO."""
    try:
        return b"NTLMSSP\x00\x01\x00\x00\x00" in base64.b64decode(token)
    except (binascii.Error, ValueError):
        return False
