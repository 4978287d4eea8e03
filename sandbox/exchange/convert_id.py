"""ConvertId: the same entry or folder in the spellings that Exchange has for its id."""

import base64
import binascii
from collections.abc import Callable
from urllib.parse import quote, unquote

from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.folders.tree import mailbox_marked
from sandbox.exchange.versions import Version
from sandbox.exchange.xml import XSI, Element, find, local, m
from sandbox.graph import ids

_STORE = b"\x01store"


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


_WRITE: dict[str, Callable[[bytes], str]] = {
    "EwsId": _text,
    "EwsLegacyId": lambda raw: _text(b"\x00" + raw),
    "EntryId": lambda raw: _text(b"\x00\x00\x00\x00" + raw),
    "HexEntryId": lambda raw: (b"\x00\x00\x00\x00" + raw).hex().upper(),
    "StoreId": lambda raw: _text(_STORE + raw),
    "OwaId": lambda raw: quote(_text(raw), safe=""),
}


def _bytes(words: str) -> bytes:
    return base64.b64decode(words, validate=True)


def _without(prefix: bytes, raw: bytes) -> bytes:
    if not raw.startswith(prefix):
        raise ValueError("not such an id")
    return raw[len(prefix) :]


_READ: dict[str, Callable[[str], bytes]] = {
    "EwsId": _bytes,
    "EwsLegacyId": lambda words: _without(b"\x00", _bytes(words)),
    "EntryId": lambda words: _without(bytes(4), _bytes(words)),
    "HexEntryId": lambda words: _without(bytes(4), bytes.fromhex(words)),
    "StoreId": lambda words: _without(_STORE, _bytes(words)),
    "OwaId": lambda words: _bytes(unquote(words)),
}


@operation("ConvertId", since=Version.EXCHANGE2007_SP1)
def convert_id(call: Call, request: Element) -> list[Element]:
    """One response message per source id; nothing is looked up but the mailbox."""
    target = request.get("DestinationFormat") or ""
    if target not in _WRITE:
        raise SchemaError(f"The 'DestinationFormat' attribute is invalid - The value '{target}' is invalid.")
    sources = find(request, "SourceIds")
    if sources is None or len(sources) == 0:
        raise SchemaError("The element 'SourceIds' has incomplete content.")

    def one(source: Element) -> Element:
        if local(source) != "AlternateId":
            raise EwsError("ErrorInvalidIdMalformed")
        record = _record(source.get("Format") or "", source.get("Id") or "")
        # The mailbox is told by the id: DavMail sends an address that does not exist and reads the own one here.
        mailbox = mailbox_marked(call, ids.parse(_text(record)).mailbox)
        call.reach(mailbox.address)
        shown = m("AlternateId", Format=target, Id=_WRITE[target](record), Mailbox=mailbox.address)
        shown.set(f"{{{XSI}}}type", "t:AlternateIdType")
        return call.message(shown)

    return call.each(sources, one)


def _record(kind: str, words: str) -> bytes:
    """The record behind an id, checked. Raises EwsError."""
    try:
        raw = _READ[kind](words)
        ids.parse(_text(raw))
    except (KeyError, ValueError, binascii.Error) as wrong:
        raise EwsError("ErrorInvalidIdMalformed") from wrong
    return raw
