"""Exchange servers and sign-ins to them, as the use cases see them; adapters/exchange implements it.

There is no redirect as at Microsoft 365: a person (or the admin) gives a login and a password, the server is found or
was entered by the admin, and one trial says whether both fit. `ExchangeLogin.encode()` is what is sealed and stored as
the connection's credentials; it is the `cache` of `SignedIn`.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from typing import Literal, Protocol

from calsync_core.domain.errors import ConsentRevokedError
from calsync_core.domain.values import value
from calsync_core.ports.signin import SignedIn

Auth = Literal["ntlm", "basic"]
Access = Literal["own", "delegate", "impersonation"]


@value(frozen=True, slots=True)
class ExchangeServer:
    """One server as a connection test found it; nothing here is guessed again later.

    `url` is the address of the Exchange Web Services. `api_version` and `build` are what the server speaks (for
    instance "Exchange2016" and "15.2.1544.4"). `auth` is the scheme that worked. `ca_pem` holds the certificates of the
    operator's own authority, None for the public ones. `is_2007`: never send what came after Exchange 2007.
    `time_zone` is an IANA or Windows name for mailboxes that do not say theirs.
    """

    url: str
    api_version: str
    build: str = ""
    auth: Auth = "ntlm"
    ca_pem: str | None = None
    is_2007: bool = False
    time_zone: str | None = None


@value(frozen=True, slots=True)
class ExchangeLogin:
    """Who signs in, and whose mailbox is meant.

    `address` is the e-mail address of the one who signs in, `login` what the server wants to see (the same, a UPN or
    DOMAIN\\name). `mailbox` is the primary address whose calendars are meant; with `access` "own" it is `address`.
    A repr never shows the password.
    """

    server: ExchangeServer
    address: str
    login: str
    password: str
    access: Access = "own"
    mailbox: str = ""

    @property
    def target(self) -> str:
        """The address of the mailbox that is meant."""
        return self.mailbox or self.address

    def __repr__(self) -> str:
        return f"ExchangeLogin({self.server.url!r}, access={self.access!r})"

    def encode(self) -> bytes:
        """For the sealer: self-describing, so that the credentials of two providers can never be mixed up."""
        return json.dumps({"provider": "exchange", "login": asdict(self)}, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, cache: bytes) -> "ExchangeLogin":
        """Raises ConsentRevokedError("auth_missing") for anything else."""
        try:
            document = json.loads(cache)
            if document["provider"] != "exchange":
                raise ConsentRevokedError("auth_missing")
            fields = dict(document["login"])
            return cls(server=ExchangeServer(**fields.pop("server")), **fields)
        except (ValueError, KeyError, TypeError):
            raise ConsentRevokedError("auth_missing") from None


@value(frozen=True, slots=True)
class ServerHint:
    """What the admin entered or the person knows: all may be empty, then Autodiscover is asked.

    `server` is a host name or the whole address of the Exchange Web Services.
    """

    server: str = ""
    ca_pem: str | None = None
    is_2007: bool = False
    time_zone: str | None = None


NO_HINT = ServerHint()


class StepName(StrEnum):
    """The lines of the connection test report in their order; ux.md 3.8."""

    NAME_FOUND = "name_found"
    SECURE_CONNECTION = "secure_connection"
    WEB_SERVICES = "web_services"
    SIGN_IN_SCHEMES = "sign_in_schemes"
    SIGNED_IN = "signed_in"
    MAILBOX = "mailbox"
    READ_CALENDAR = "read_calendar"
    WRITE_ENTRY = "write_entry"
    DELETE_ENTRY = "delete_entry"
    CHANGE_MESSAGES = "change_messages"
    FREE_BUSY = "free_busy"


GENERAL = frozenset(
    {
        StepName.NAME_FOUND,
        StepName.SECURE_CONNECTION,
        StepName.WEB_SERVICES,
        StepName.SIGN_IN_SCHEMES,
        StepName.SIGNED_IN,
        StepName.MAILBOX,
    }
)
"""The steps of "General connection"; the others are "Send and receive data"."""


class StepResult(StrEnum):
    OK = "ok"
    FAILED = "failed"
    NOT_TRIED = "not_tried"


@value(frozen=True, slots=True)
class TestStep:
    """One line of the report. `found` is a fact without secrets and content: an address, a version, a number.

    `code` is the wording code of a failure (meaning, next step, who acts); `provider_code` the server's own word.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name

    name: StepName
    result: StepResult
    found: str = ""
    code: str = ""
    provider_code: str = ""
    seconds: float = 0.0


@value(frozen=True, slots=True)
class Trial:
    """What a connection test is made with. `push_url` is an address of ours that the server can tell of changes."""

    address: str
    login: str
    password: str
    hint: ServerHint = NO_HINT
    access: Access = "own"
    mailbox: str = ""
    push_url: str = ""

    def __repr__(self) -> str:
        return f"Trial({self.hint.server!r}, access={self.access!r})"

    @classmethod
    def of(cls, login: ExchangeLogin, push_url: str = "") -> "Trial":
        server = login.server
        hint = ServerHint(server.url, server.ca_pem, server.is_2007, server.time_zone)
        return cls(login.address, login.login, login.password, hint, login.access, login.mailbox, push_url)


class ExchangeSignIn(Protocol):
    def find(self, address: str, login: str, password: str, hint: ServerHint = NO_HINT) -> ExchangeServer:
        """The server for an address: by the given name or URL, else by Autodiscover. Signs in to see its version.

        The password is sent only to hosts that passed the address guard and whose certificate is trusted, and only
        once per host. Raises:
            SignInRefusedError: "password_wrong", or "microsoft365" when the mailbox lives in Microsoft 365 (the way
                out is the Office 365 connection).
            InputError: "server_address" (the name or URL cannot be right or leads to a forbidden network).
            ConnectionBrokenError: "server_not_found" (nobody answers for this address), "certificate_untrusted",
                "web_services_off", "sign_in_scheme" (only schemes that we do not speak).
            ProviderUnavailableError: try again.
        """

    def sign_in(self, login: ExchangeLogin) -> SignedIn:
        """Try the login once and name the mailbox that answered: identity.directory is the server's host name,
        identity.subject the primary address of the mailbox, lower case. Raises what `find` raises, and
        MailboxUnusableError("mailbox_missing"), PermissionMissingError.
        """

    def has_moved(self, login: ExchangeLogin) -> bool:
        """Whether Autodiscover, of the known server first, sends a mailbox that is not there any more to Microsoft 365.
        False where nobody says so. For a sign-in that its server has just accepted.
        """

    def examine(self, trial: Trial) -> Iterator[TestStep]:
        """The connection test, step by step, every StepName once and in order; it never raises what a step can say.

        It writes one private test entry far in the past and deletes it at once. Nothing is kept.
        """
