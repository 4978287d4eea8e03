"""XML of Exchange Web Services: names, building elements, reading what strangers send without being harmed by it."""

from typing import Any

from lxml import etree
from lxml.etree import _Element as Element

__all__ = ["SOAP", "XSI", "E", "Element", "M", "T", "UnreadableError", "element", "find", "local", "m", "read", "t"]
__all__ += ["text", "write"]

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
M = "http://schemas.microsoft.com/exchange/services/2006/messages"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
E = "http://schemas.microsoft.com/exchange/services/2006/errors"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

Child = Any
"""An element, text, a number, a boolean, None (left out) or a list of those."""

MAX_BYTES = 64 * 1024 * 1024
"""Larger requests are refused: Exchange's own default is 64 MB."""


class UnreadableError(ValueError):
    """The text is no XML that a careful reader takes: broken, too large, or with a document type."""


_COMMON = {"m": M, "t": T}
_PREFIXES = {SOAP: {"s": SOAP}, E: {"e": E}}


def m(name: str, *children: Child, **attributes: str | None) -> Element:
    """An element of the messages namespace; see `element`."""
    return element(M, name, children, attributes)


def t(name: str, *children: Child, **attributes: str | None) -> Element:
    """An element of the types namespace; see `element`."""
    return element(T, name, children, attributes)


def element(namespace: str, name: str, children: Any, attributes: dict[str, str | None]) -> Element:
    """Build an element: None is left out, lists are flattened, numbers and booleans become text."""
    made = etree.Element(f"{{{namespace}}}{name}", nsmap=_PREFIXES.get(namespace, _COMMON))
    for key, value in attributes.items():
        if value is not None:
            made.set(key, value)
    for child in children:
        _put(made, child)
    return made


def _put(parent: Element, child: Child) -> None:
    if child is None:
        return
    if isinstance(child, list | tuple):
        for one in child:
            _put(parent, one)
    elif isinstance(child, Element):
        parent.append(child)
    else:
        text = str(child).lower() if isinstance(child, bool) else str(child)
        # What XML cannot say (control characters) a real server replaces, too.
        parent.text = (parent.text or "") + "".join(c for c in text if c in "\t\n\r" or c >= " ")


def read(body: bytes) -> Element:
    """Parse a request: no document type, no entities, no network, not beyond MAX_BYTES.

    Raises:
        UnreadableError: it is not such XML.
    """
    if len(body) > MAX_BYTES:
        raise UnreadableError("the request is too large")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as broken:
        raise UnreadableError(str(broken)) from broken
    if root.getroottree().docinfo.doctype:
        raise UnreadableError("a document type is prohibited")
    return root


def write(root: Element) -> bytes:
    """An element as a document in UTF-8."""
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def local(one: Element) -> str:
    """The name of an element without its namespace."""
    return str(etree.QName(one).localname)


def find(parent: Element | None, *path: str) -> Element | None:
    """The first descendant by names, each of the types or else of the messages namespace; None when there is none."""
    current = parent
    for name in path:
        if current is None:
            return None
        inside = current.find(f"{{{T}}}{name}")
        current = inside if inside is not None else current.find(f"{{{M}}}{name}")
    return current


def text(parent: Element | None, *path: str) -> str | None:
    """The text of such a descendant without white space around; None when there is none, "" when it is empty."""
    found = find(parent, *path)
    return None if found is None else (found.text or "").strip()
