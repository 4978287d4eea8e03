"""Ids as Graph shows them: ordinary ids change when an entry moves, immutable ones do not.

An id is base64 of a packed record with a check sum, so that an invented or cut id is told from a stale one:
the first is 400 ErrorInvalidIdMalformed, the second 404 ErrorItemNotFound. REST ids are base64 with '-' and '_',
Exchange ids of the same record carry '/' and '+'.
"""

import base64
import binascii
import re
import struct
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

from sandbox.appointments import Appointment, Entry, Occurrence
from sandbox.calendars import Folder, Mailbox

Kind = Literal["entry", "immutable", "folder", "group"]

_MAGIC: dict[Kind, bytes] = {
    "entry": b"\x00\x03\x24\x01",
    "immutable": b"\x00\x09\x00\x2e",
    "folder": b"\x00\x03\x24\x02",
    "group": b"\x00\x03\x24\x03",
}
_KINDS: dict[bytes, Kind] = {magic: kind for kind, magic in _MAGIC.items()}
_TAIL = struct.Struct(">16sqIH")  # entry, arrival, day of the occurrence (0: none), version of the pattern
_CHECK = 8
_OWN_UID = re.compile("[0-9a-f]{32}")
_HEAD = 4 + 16 + 16 + 32  # magic, mailbox, folder, filler that makes ids as long as the real ones
_SIZE = _HEAD + _TAIL.size + _CHECK


@dataclass(frozen=True, slots=True)
class ParsedId:
    """What an id says; nothing of it need exist (any more)."""

    kind: Kind
    mailbox: bytes
    folder_id: str
    entry_id: str
    arrival: int
    day: date | None
    pattern_version: int


class MalformedIdError(ValueError):
    """The text is not an id that this service ever made."""


@lru_cache(maxsize=4096)
def mailbox_mark(oid: str) -> bytes:
    """The part of every id that tells its mailbox."""
    return blake2b(oid.encode(), digest_size=16).digest()


@lru_cache(maxsize=4096)
def _head(kind: Kind, oid: str, folder_id: str) -> bytes:
    folder = bytes.fromhex(folder_id) if kind != "immutable" else bytes(16)
    filler = blake2b(oid.encode() + folder, digest_size=32).digest()
    return _MAGIC[kind] + mailbox_mark(oid) + folder + filler


def _pack(head: bytes, entry_id: str, arrival: int, day: date | None, version: int) -> str:
    record = head + _TAIL.pack(bytes.fromhex(entry_id), arrival, day.toordinal() if day else 0, version & 0xFFFF)
    check = blake2b(record, digest_size=_CHECK).digest()
    return base64.urlsafe_b64encode(record + check).decode()


def event_id(mailbox: Mailbox, folder: Folder, entry: Entry, *, immutable: bool, arrival: int | None = None) -> str:
    """The id of an entry as this mailbox sees it; `arrival` asks for one that it had before."""
    master = entry.master if isinstance(entry, Occurrence) else entry
    day = entry.day if isinstance(entry, Occurrence) else None
    return entry_id_text(
        mailbox,
        folder,
        master.entry_id,
        master.arrival if arrival is None else arrival,
        day,
        master.pattern_version if day else 0,
        immutable=immutable,
    )


def entry_id_text(
    mailbox: Mailbox,
    folder: Folder,
    entry_id: str,
    arrival: int,
    day: date | None = None,
    pattern_version: int = 0,
    *,
    immutable: bool,
) -> str:
    """The id of an entry that may be gone already."""
    if immutable:
        return _pack(_head("immutable", mailbox.oid, ""), entry_id, 0, day, pattern_version)
    return _pack(_head("entry", mailbox.oid, folder.folder_id), entry_id, arrival, day, pattern_version)


def calendar_id(mailbox: Mailbox, folder: Folder) -> str:
    """The constant id of a calendar as this mailbox sees it."""
    return folder_id_text(mailbox, folder.folder_id)


def folder_id_text(mailbox: Mailbox, folder_id: str) -> str:
    """The constant id of a folder of a mailbox."""
    return _pack(_head("folder", mailbox.oid, folder_id), "0" * 32, 0, None, 0)


def group_id(mailbox: Mailbox) -> str:
    """The id of the mailbox's one calendar group."""
    return _pack(_head("group", mailbox.oid, mailbox.group_id), "0" * 32, 0, None, 0)


def parse(text: str) -> ParsedId:
    """Read an id of any kind. Raises MalformedIdError."""
    try:
        record = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedIdError(text) from error
    kind = _KINDS.get(record[:4])
    if len(record) != _SIZE or kind is None:
        raise MalformedIdError(text)
    if blake2b(record[:-_CHECK], digest_size=_CHECK).digest() != record[-_CHECK:]:
        raise MalformedIdError(text)
    entry, arrival, ordinal, version = _TAIL.unpack(record[_HEAD:-_CHECK])
    return ParsedId(
        kind=kind,
        mailbox=record[4:20],
        folder_id=record[20:36].hex(),
        entry_id=entry.hex(),
        arrival=arrival,
        day=date.fromordinal(ordinal) if ordinal else None,
        pattern_version=version,
    )


def to_exchange(rest_id: str) -> str:
    """The same id as Exchange Web Services writes it."""
    return rest_id.replace("-", "+").replace("_", "/")


def to_rest(exchange_id: str) -> str:
    """The same id as REST writes it."""
    return exchange_id.replace("+", "-").replace("/", "_")


def change_key_text(change_key: str) -> str:
    """A change key as both protocols show it."""
    return base64.b64encode(b"\x0f\x00\x00\x00\x16\x00\x00\x00" + bytes.fromhex(change_key)).decode()


def ical_uid(appointment: Appointment, day: date | None) -> str:
    """The iCalUId: of one series, but another one for each occurrence (the day stands inside).

    A uid that a client gave is shown as it is.
    """
    if not _OWN_UID.fullmatch(appointment.uid):
        return appointment.uid
    mark = f"{day.year:04X}{day.month:02X}{day.day:02X}" if day else "00000000"
    return f"040000008200E00074C5B7101A82E008{mark}{appointment.uid.upper()}"
