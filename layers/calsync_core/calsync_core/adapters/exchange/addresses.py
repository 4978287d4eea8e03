"""Which addresses a server name given by a person may lead to. No name is asked twice: who connects, connects to the
address that was checked here, so a name that changes its answer gains nothing (trust.md section 5, SSRF).

https only, port 443 (or one that the operator named), no sign-in inside the URL, public networks only; what the
operator's list names is allowed besides. Every address of a name must pass: one private among public ones refuses all.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from calsync_core.domain.errors import InputError, ProviderUnavailableError

LONGEST_URL = 512
EWS_PATH = "/EWS/Exchange.asmx"
Resolve = Callable[[str, int], Iterable[str]]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# Addresses that carry a v4 address inside, and so could lead anywhere: mapped, 6to4, NAT64, Teredo, v4-compatible.
_TUNNELS = tuple(
    ipaddress.IPv6Network(one)
    for one in ("::ffff:0:0/96", "2002::/16", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "::/96")
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect: `addresses` were checked; `host` is for SNI, certificate and Host header."""

    url: str
    host: str
    port: int
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Allowed:
    """One line of the operator's list: a network, `*` for every public one, and a port (443 when not named)."""

    network: _Network | None
    port: int

    @classmethod
    def parse(cls, text: str) -> "Allowed":
        """`10.1.0.0/16`, `127.0.0.1:8443`, `[::1]:8443`, `*:4443`. Raises ValueError."""
        name, separator, port = text.strip().rpartition(":")
        if not separator or not port.isdecimal() or (":" in name and not name.startswith("[")):
            name, port = text.strip(), "443"
        name = name.strip("[]")
        return cls(None if name == "*" else ipaddress.ip_network(name, strict=False), int(port))


class AddressGuard:
    """`allowed` is the operator's list; the local cloud and companies with inner networks need it."""

    def __init__(self, allowed: Iterable[str] = (), resolve: Resolve | None = None) -> None:
        self._allowed = tuple(Allowed.parse(one) for one in allowed if one.strip())
        self._resolve = resolve or _resolve

    def place(self, url: str) -> Place:
        """Check the URL and look its name up. Raises InputError("server_address"), ProviderUnavailableError."""
        host, port = self._parts(url)
        try:
            found = [_parse(host)]
        except ValueError:
            found = [_parse(one.partition("%")[0]) for one in self._resolve(host, port)]
        if not found:
            raise ProviderUnavailableError("name_not_found")
        if not all(self._may_connect(one, port) for one in found):
            raise _refused("network")
        return Place(url, host, port, tuple(dict.fromkeys(str(one) for one in found)))

    def _parts(self, url: str) -> tuple[str, int]:
        """Host (lower case, IDNA) and port of an address that has the right shape."""
        if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
            raise _refused("shape")
        try:
            parts = urlsplit(url)
            port = parts.port or 443
        except ValueError:
            raise _refused("shape") from None
        if parts.scheme != "https":
            raise _refused("scheme")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise _refused("shape")
        if port not in {443, *(one.port for one in self._allowed)}:
            raise _refused("port")
        host = (parts.hostname or "").rstrip(".")
        if not host or not (":" in host or _is_name(host)):
            raise _refused("host")
        return host, port

    def _may_connect(self, address: _Address, port: int) -> bool:
        if port == 443 and _is_public(address):
            return True
        return any(
            one.port == port and (_is_public(address) if one.network is None else address in one.network)
            for one in self._allowed
        )


def ews_url(server: str) -> str:
    """What a person typed (`mail.clinic.example`, or a whole address) as the address of the web services.

    The address of Outlook on the web is understood too. Raises InputError("server_address").
    """
    text = server.strip()
    if not text or len(text) > LONGEST_URL:
        raise _refused("shape")
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        host = host if ":" in host or host.isascii() else host.encode("idna").decode("ascii")
        port = parts.port
    except (ValueError, UnicodeError):
        raise _refused("shape") from None
    if not host or "@" in parts.netloc:
        raise _refused("shape")
    shown = f"[{host}]" if ":" in host else host
    path = parts.path if parts.path.lower().endswith(".asmx") else EWS_PATH
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{path}"


def _is_name(host: str) -> bool:
    """A name of labels, or a plain dotted quad; a name that ends in digits or 0x is an address in disguise."""
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(one) for one in labels):
        return False
    last = labels[-1]
    if last.isdecimal() or last.startswith("0x"):
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return False
    return True


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and any(address in one for one in _TUNNELS):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _parse(text: str) -> _Address:
    return ipaddress.ip_address(text)


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ProviderUnavailableError("name_not_found") from None
    return [str(one[4][0]) for one in found]


def _refused(why: str) -> InputError:
    return InputError("server_address", field="server", why=why)
