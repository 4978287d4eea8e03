"""ports.exchange.ExchangeSignIn: find the server, try the login once, and the connection test step by step."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from requests.auth import AuthBase

from calsync_core.adapters.exchange.addresses import AddressGuard, Place, ews_url
from calsync_core.adapters.exchange.autodiscover import Autodiscover
from calsync_core.adapters.exchange.client import EwsClient, is_microsoft_365, moved
from calsync_core.adapters.exchange.errors import EwsRefusedError, Refusal, to_error
from calsync_core.adapters.exchange.folders import (
    Folder,
    about_mailbox,
    about_mailbox_error,
    distinguished,
    get_folders,
)
from calsync_core.adapters.exchange.people import resolve_name
from calsync_core.adapters.exchange.schemes import offered, schemes_of
from calsync_core.adapters.exchange.soap import Header, body_of, build_of, envelope, refusal_of
from calsync_core.adapters.exchange.transport import Answer, Connection, certificate_of, sign_in_of
from calsync_core.adapters.exchange.versions import NEWEST, OLDEST, api_version_of, is_online
from calsync_core.domain.connections import MailboxIdentity, ProviderKind
from calsync_core.domain.errors import (
    CalsyncError,
    ConnectionBrokenError,
    ConsentRevokedError,
    MailboxUnusableError,
    ProviderUnavailableError,
    SignInRefusedError,
)
from calsync_core.ports.exchange import NO_HINT, Auth, ExchangeLogin, ExchangeServer, ServerHint, TestStep, Trial
from calsync_core.ports.signin import SignedIn

_XML = {"Content-Type": "text/xml; charset=utf-8", "Accept": "text/xml"}
_CALENDAR = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>"
    '<m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>'
)


class ServerSignIn:
    """Nothing is kept between calls: each opens its own connections and closes them."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard

    def find(self, address: str, login: str, password: str, hint: ServerHint = NO_HINT) -> ExchangeServer:
        url = self.locate(address, login, password, hint)
        return self.probe(url, login, password, hint)

    def sign_in(self, login: ExchangeLogin) -> SignedIn:
        client = self.client(login)
        try:
            address = self.whose(client)
            found = resolve_name(client, address)
        except ConsentRevokedError as error:
            raise SignInRefusedError(error.code) from None
        except EwsRefusedError as refused:
            raise about_mailbox_error(refused) from None
        finally:
            client.close()
        host = (urlsplit(login.server.url).hostname or "").lower()
        identity = MailboxIdentity(ProviderKind.EXCHANGE, host, found.address)
        kept = login if login.access == "own" else replace(login, mailbox=found.address)
        return SignedIn(identity, found.address, found.display_name, kept.encode(), (found.address,))

    def has_moved(self, login: ExchangeLogin) -> bool:
        hint = ServerHint("", login.server.ca_pem, login.server.is_2007, login.server.time_zone)
        known = urlsplit(login.server.url).netloc
        finder = Autodiscover(lambda at, sign_in: self.open(at, hint, sign_in), known)
        try:
            finder.ews_url(login.target, login.login, login.password)
        except SignInRefusedError as error:
            return error.code == "microsoft365"
        except CalsyncError:
            return False
        return False

    def examine(self, trial: Trial) -> Iterator[TestStep]:
        from calsync_core.adapters.exchange.examination import Examination

        return Examination(self, trial).steps()

    # -- the parts, which the connection test names one by one --------------------------------------------------

    def locate(self, address: str, login: str, password: str, hint: ServerHint) -> str:
        """The address of the web services. Raises InputError, SignInRefusedError, ConnectionBrokenError."""
        if hint.server.strip():
            url = ews_url(hint.server)
        else:
            url = Autodiscover(lambda at, sign_in: self.open(at, hint, sign_in)).ews_url(address, login, password)
        if is_microsoft_365(urlsplit(url).hostname or ""):
            raise SignInRefusedError("microsoft365")
        return url

    def open(self, url: str, hint: ServerHint, sign_in: AuthBase | None = None) -> Connection:
        return Connection(url, self._guard, hint.ca_pem, sign_in)

    def look_up(self, url: str) -> Place:
        """Raises InputError("server_address"), ProviderUnavailableError("name_not_found")."""
        return self._guard.place(url)

    def shake_hands(self, url: str, hint: ServerHint) -> str:
        """TLS alone, before anything is asked: until when the certificate is valid."""
        return certificate_of(self._guard.place(url), hint.ca_pem)

    def knock(self, url: str, hint: ServerHint) -> tuple[Answer, list[Auth]]:
        """Ask without a password: the web services must be there, and say how to sign in.

        Raises ConnectionBrokenError: server_not_found, certificate_untrusted, web_services_off, sign_in_scheme.
        """
        connection = self.open(url, hint)
        try:
            answer = connection.post(envelope(Header(_version(hint)), _CALENDAR), _XML)
        except ProviderUnavailableError as error:
            if error.code == "name_not_found":
                raise ConnectionBrokenError("server_not_found") from None
            raise
        finally:
            connection.close()
        if answer.status in {301, 302, 303, 307, 308}:
            error_ = moved(answer)
            raise SignInRefusedError("microsoft365") if error_.code == "microsoft365" else error_
        if answer.status != 401:
            raise _no_door(answer)
        schemes = schemes_of(answer)
        if not schemes:
            raise ConnectionBrokenError("sign_in_scheme", offered=",".join(offered(answer))[:100])
        return answer, schemes

    def probe(self, url: str, login: str, password: str, hint: ServerHint) -> ExchangeServer:
        """Sign in, once, and learn the server's version. Raises SignInRefusedError("password_wrong") and the like."""
        _, schemes = self.knock(url, hint)
        connection = self.open(url, hint, sign_in_of(schemes[0], login, password))
        try:
            answer = connection.post(envelope(Header(_version(hint)), _CALENDAR), _XML)
            if _is_version_refused(answer):  # an older server, which wants to be asked as such
                answer = connection.post(envelope(Header(OLDEST), _CALENDAR), _XML)
        finally:
            connection.close()
        if answer.status == 401:
            is_locked = b"currently locked out" in answer.content[:65536]
            raise SignInRefusedError("account_locked" if is_locked else "password_wrong")
        build = _build(answer)
        if is_online(build):
            raise SignInRefusedError("microsoft365")
        version = OLDEST if hint.is_2007 else api_version_of(build)
        return ExchangeServer(url, version, build, schemes[0], hint.ca_pem, hint.is_2007, hint.time_zone)

    def client(self, login: ExchangeLogin) -> EwsClient:
        sign_in = sign_in_of(login.server.auth, login.login, login.password)
        return EwsClient(Connection(login.server.url, self._guard, login.server.ca_pem, sign_in), login)

    def whose(self, client: EwsClient) -> str:
        """The address of the mailbox that answers.

        With its own access a login opens its own mailbox, whatever address was given: both calendars are asked for,
        and only when they are one and the same the address is believed. Raises EwsRefusedError and CalsyncErrors.
        """
        login = client.login
        if login.access != "own":
            target = login.target
            about_mailbox(get_folders(client, _calendar(login))[0])
            return target
        own, named = get_folders(client, distinguished("calendar"), distinguished("calendar", login.address))
        if isinstance(named, EwsRefusedError) and named.code == "ErrorNonPrimarySmtpAddress":
            primary = named.refusal.value("Primary") or ""
            if "@" in primary:
                named = get_folders(client, distinguished("calendar", primary))[0]
                if isinstance(named, Folder) and isinstance(own, Folder) and named.id == own.id:
                    return primary
        mine = about_mailbox(own)
        if isinstance(named, Folder) and named.id == mine.id:
            return login.address
        return self._by_login(client)

    def _by_login(self, client: EwsClient) -> str:
        """The mailbox is another one than the address says: its own address, found by the login's name."""
        name = client.login.login.rpartition("\\")[2]
        found = resolve_name(client, name)
        if "@" not in found.address:
            raise MailboxUnusableError("mailbox_missing")
        return found.address


def _calendar(login: ExchangeLogin) -> str:
    return distinguished("calendar", login.target if login.access == "delegate" else None)


def _version(hint: ServerHint) -> str:
    return OLDEST if hint.is_2007 else NEWEST


def _no_door(answer: Answer) -> Exception:
    """Something answers, but not web services that want a sign-in."""
    if answer.status in {200, 403, 404, 405, 410, 500, 501}:
        return ConnectionBrokenError("web_services_off", status=answer.status)
    return to_error(Refusal("", answer.status))


def _is_version_refused(answer: Answer) -> bool:
    try:
        body_of(answer.content, answer.status)
    except EwsRefusedError as refused:
        return refused.error.code == "server_version" or refused.code == "ErrorInvalidRequest"
    except ProviderUnavailableError:
        return False
    return False


def _build(answer: Answer) -> str:
    """The server's build; the request must have been understood, whatever it said of the mailbox."""
    if answer.status not in {200, 500}:
        raise to_error(Refusal(answer.headers.get("x-caserrorcode", ""), answer.status))
    try:
        response = body_of(answer.content, answer.status)
        for message in response.iter("{*}GetFolderResponseMessage"):
            refusal_of(message)
    except EwsRefusedError as refused:
        if refused.error.code not in {"mailbox_missing", "permission_missing", "gone"}:
            raise about_mailbox_error(refused) from None
    return build_of(answer.content)[0]
