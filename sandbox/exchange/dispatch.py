"""From a SOAP envelope to an operation and back: the registry of operations, the call, versions, response messages.

An operation is a function that is registered by its element's name:

    @operation("GetItem", empty=("Items",))
    def get_item(call: Call, request: Element) -> list[Element]:
        return call.each(ids, lambda one: call.message(m("Items", ...)))

It returns response messages (one element or a list; wrapped into `<m:GetItemResponse><m:ResponseMessages>` here), or
the whole response element where the schema wants another shape. EwsError raised by it becomes one failed response
message, SoapFaultError the answer of the whole request. `call.each` gives every object a response message of its own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sandbox.calendars import Mailbox
from sandbox.exchange.access import Access, Reach
from sandbox.exchange.directory import ExchangeServer
from sandbox.exchange.errors import EwsError, SchemaError, SoapFaultError, error_parts, fault
from sandbox.exchange.versions import Version, read_version
from sandbox.exchange.xml import SOAP, Element, T, element, find, local, m
from sandbox.people import Person
from sandbox.world import World
from sandbox.zones import UnknownZoneError, windows_name

if TYPE_CHECKING:
    from sandbox.exchange.service import Exchange

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Operation:
    """What the registry knows of one operation."""

    name: str
    handler: "Handler"
    since: Version
    empty: tuple[str, ...]
    response: str
    message: str


OPERATIONS: dict[str, Operation] = {}


@dataclass
class Call:
    """One request whose sender is known."""

    world: World
    server: ExchangeServer
    access: Access
    person: Person
    """Whose credentials came with the request."""
    acting: Person
    """As whom it acts: the impersonated person, else the same."""
    version: Version
    zone: str | None
    """Windows name of the TimeZoneContext's definition; None without one."""
    operation: Operation
    base_url: str
    """Scheme, host and port as the client used them."""
    exchange: "Exchange"
    """The service: push subscriptions live there."""

    def reach(self, address: str | None = None) -> Reach:
        """A mailbox as the acting person sees it; None: the own one. Raises EwsError."""
        return self.access.reach(self.server, self.acting, address)

    def mailbox(self, address: str | None = None) -> Mailbox:
        """The same without the calendars. Raises EwsError."""
        return self.reach(address).mailbox

    def message(self, *children: Any) -> Element:
        """A response message that went well; `children` come behind its ResponseCode."""
        return m(self.operation.message, m("ResponseCode", "NoError"), list(children), ResponseClass="Success")

    def warning(self, code: str, words: str, *children: Any) -> Element:
        """A response message with ResponseClass Warning."""
        parts = error_parts(EwsError(code, words))
        return m(self.operation.message, parts, list(children), ResponseClass="Warning")

    def failed(self, error: EwsError) -> Element:
        """A response message that failed."""
        empty = [m(name) for name in self.operation.empty]
        return m(self.operation.message, error_parts(error), empty, ResponseClass="Error")

    def each(self, objects: Iterable[Item], handle: Callable[[Item], Element]) -> list[Element]:
        """One response message for each object; an EwsError fails its object only, a SoapFaultError everything."""
        messages = []
        for one in objects:
            try:
                messages.append(handle(one))
            except SoapFaultError:
                raise
            except EwsError as error:
                messages.append(self.failed(error))
        return messages


Handler = Callable[[Call, Element], "Element | list[Element]"]


def operation(
    name: str,
    *,
    since: Version = Version.EXCHANGE2007,
    empty: tuple[str, ...] = (),
    response: str | None = None,
    message: str | None = None,
) -> Callable[[Handler], Handler]:
    """Register the handler of an operation.

    `since` is the first request version that has it, `empty` names elements that the schema wants even in a failed
    response message, `response` and `message` the elements of the answer where they do not follow the name.
    """

    def register(handler: Handler) -> Handler:
        OPERATIONS[name] = Operation(
            name, handler, since, empty, response or f"{name}Response", message or f"{name}ResponseMessage"
        )
        return handler

    return register


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request taken apart: header fields and the operation's element."""

    header: Element | None
    request: Element

    @property
    def operation(self) -> str:
        """The operation's name."""
        return local(self.request)


def open_envelope(root: Element) -> Envelope:
    """Take a SOAP 1.1 envelope apart. Raises SoapFaultError."""
    if root.tag != f"{{{SOAP}}}Envelope":
        raise SoapFaultError("ErrorInvalidRequest", status=400)
    body = root.find(f"{{{SOAP}}}Body")
    if body is None or len(body) == 0:
        raise SoapFaultError("ErrorInvalidRequest")
    return Envelope(root.find(f"{{{SOAP}}}Header"), body[0])


def requested_version(envelope: Envelope, server: ExchangeServer) -> Version:
    """The header's RequestServerVersion. Raises SoapFaultError."""
    found = find(envelope.header, "RequestServerVersion")
    return read_version(None if found is None else found.get("Version"), server.release)


def impersonated(envelope: Envelope, access: Access, server: ExchangeServer, caller: Person) -> Person:
    """As whom the request acts: the header's ConnectingSID, else the caller. Raises SoapFaultError."""
    connecting = find(envelope.header, "ExchangeImpersonation", "ConnectingSID")
    if connecting is None:
        return caller
    if len(connecting) == 0:
        raise SchemaError("The element 'ConnectingSID' has incomplete content.", connecting.sourceline or 1)
    return access.impersonated(server, caller, local(connecting[0]), (connecting[0].text or "").strip())


def zone_of(envelope: Envelope) -> str | None:
    """Name of the TimeZoneContext; None without one, and for one that only has rules of its own.

    Raises SoapFaultError for a name that the server does not know.
    """
    definition = find(envelope.header, "TimeZoneContext", "TimeZoneDefinition")
    if definition is None:
        return None
    name = definition.get("Id")
    try:
        return windows_name(name) if name else None
    except UnknownZoneError as unknown:
        if find(definition, "Periods") is not None:
            return None
        raise SoapFaultError("ErrorTimeZone") from unknown


def run(call: Call, request: Element) -> Element:
    """Run the operation and build its response element. Raises SoapFaultError."""
    chosen = call.operation
    if call.version < chosen.since:
        raise SchemaError(f"The element 'Body' has invalid child element '{chosen.name}'.", request.sourceline or 1)
    try:
        answer = chosen.handler(call, request)
    except SoapFaultError:
        raise
    except EwsError as error:
        answer = call.failed(error)
    if not isinstance(answer, list):
        if local(answer) == chosen.response:
            return answer
        answer = [answer]
    return m(chosen.response, m("ResponseMessages", list(answer)))


def answer_envelope(server: ExchangeServer, version: Version | None, content: Element) -> Element:
    """The envelope of an answer with the server's version in its header."""
    build = server.build
    info = element(
        T,
        "ServerVersionInfo",
        (),
        {
            "MajorVersion": str(build.major),
            "MinorVersion": str(build.minor),
            "MajorBuildNumber": str(build.major_build),
            "MinorBuildNumber": str(build.minor_build),
            # A 2007 server has no such attribute; a later one leaves it out to those who ask as 2007 clients.
            "Version": None if version is not None and version < Version.EXCHANGE2010 else build.shown,
        },
    )
    envelope = element(SOAP, "Envelope", (), {})
    header = element(SOAP, "Header", (info,), {})
    body = element(SOAP, "Body", (content,), {})
    envelope.append(header)
    envelope.append(body)
    return envelope


def fault_envelope(server: ExchangeServer, error: EwsError) -> Element:
    """The envelope of a refused request."""
    return answer_envelope(server, None, fault(error))
