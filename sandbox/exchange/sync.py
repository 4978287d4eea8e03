"""SyncFolderItems: what changed in a folder since a sync state, page by page.

The state is opaque and belongs to one folder. The first round tells every item as Create, newest first; later rounds
tell each changed item once, at its last change. Series are told as masters, and an occurrence that was edited or
deleted is an Update of its master. Deletes have an id without a change key. Source: "Mailbox synchronization and EWS".
"""

import base64
import binascii
import json
import zlib
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sandbox.appointments import Appointment
from sandbox.calendars import Calendar, Folder, LogEntry
from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.folders.tree import Place, target_place
from sandbox.exchange.items.shapes import Shape, read_shape
from sandbox.exchange.items.show import show_item
from sandbox.exchange.items.view import Item
from sandbox.exchange.xml import Element, find, m, t, text
from sandbox.graph import ids

MAX_CHANGES = 512
_MARK = b"\x08SF1"
_FILLER = 160  # a real state has hundreds of characters, and who cuts it off must notice


@dataclass(frozen=True, slots=True)
class SyncState:
    """Where a client stands."""

    folder_id: str
    made_at: float
    base: int
    """Log line up to which earlier rounds told everything; -1 in the first round."""
    until: int
    """Log line up to which this round tells; the same as `base` between rounds."""
    after: int
    """The first round: arrival of the last item told. Later rounds: its log line."""


def pack(state: SyncState) -> str:
    """The state as an opaque text."""
    raw = zlib.compress(json.dumps(list(asdict(state).values())).encode())
    filler = blake2b(raw, digest_size=32).digest() * (_FILLER // 32)
    body = len(raw).to_bytes(2, "big") + raw + filler
    return base64.b64encode(_MARK + blake2b(body, digest_size=8).digest() + body).decode()


def unpack(words: str) -> SyncState:
    """Read a state. Raises EwsError for what this service never gave out."""
    try:
        raw = base64.b64decode(words, validate=True)
        body = raw[12:]
        if raw[:4] != _MARK or blake2b(body, digest_size=8).digest() != raw[4:12]:
            raise EwsError("ErrorInvalidSyncStateData")
        length = int.from_bytes(body[:2], "big")
        values: list[Any] = json.loads(zlib.decompress(body[2 : 2 + length]))
        return SyncState(*values)
    except (binascii.Error, ValueError, TypeError, zlib.error) as error:
        raise EwsError("ErrorInvalidSyncStateData") from error


@operation("SyncFolderItems")
def sync_folder_items(call: Call, request: Element) -> Element:
    """One page of changes with the state from which to go on."""
    shape = read_shape(call, find(request, "ItemShape"), is_list=True, forgives=True)
    wrapper = find(request, "SyncFolderId")
    if wrapper is None or len(wrapper) == 0:
        raise SchemaError("The element 'SyncFolderItems' has incomplete content: 'SyncFolderId'.")
    place = target_place(call, wrapper, default="calendar")
    state = _state(call, place, text(request, "SyncState"))
    ignored = {one.get("Id") for one in find(request, "Ignore") or ()}
    scope = text(request, "SyncScope")
    folder = place.folder
    if folder is None or scope == "AssociatedItems":
        folder = Folder(place.folder_id, Calendar(place.folder_id, place.mailbox.oid, place.name), place.name)
    page = _Page(call, place, folder, shape, state, ignored)
    changes, after = page.read(_most(request))
    return call.message(
        m("SyncState", pack(after)),
        m("IncludesLastItemInRange", after.base == after.until),
        m("Changes", changes),
    )


def _most(request: Element) -> int:
    words = text(request, "MaxChangesReturned") or ""
    if not words.isdigit() or not 1 <= int(words) <= MAX_CHANGES:
        raise SchemaError(f"The 'MaxChangesReturned' element is invalid - The value '{words}' is invalid.")
    return int(words)


def _state(call: Call, place: Place, words: str | None) -> SyncState:
    now = call.world.clock.now()
    if not words:
        head = place.folder.calendar.head() if place.folder else 0
        return SyncState(place.folder_id, now.timestamp(), -1, head, 2**62)
    state = unpack(words)
    lifetime = call.world.settings.sync_state_lifetime
    is_old = lifetime is not None and now - datetime.fromtimestamp(state.made_at, now.tzinfo) > lifetime
    if state.folder_id != place.folder_id or is_old:
        raise EwsError("ErrorInvalidSyncStateData")
    return replace(state, made_at=now.timestamp())


@dataclass(frozen=True)
class _Page:
    """One request for changes."""

    call: Call
    place: Place
    folder: Folder
    shape: Shape
    state: SyncState
    ignored: set[str]

    def read(self, most: int) -> tuple[list[Element], SyncState]:
        """The changes of the page and the state after it."""
        return self._first_round(most) if self.state.base < 0 else self._later_round(most)

    def _first_round(self, most: int) -> tuple[list[Element], SyncState]:
        state = self.state
        left = [e for e in self.folder.calendar.entries.values() if e.arrival < state.after]
        left.sort(key=lambda entry: -entry.arrival)
        changes = [self._shown("Create", entry) for entry in left[:most]]
        if len(left) > most:
            return _told(changes), replace(state, after=left[most - 1].arrival)
        return _told(changes), replace(state, base=state.until, after=state.until)

    def _later_round(self, most: int) -> tuple[list[Element], SyncState]:
        state, calendar = self.state, self.folder.calendar
        if state.base == state.until:  # a new round begins
            state = replace(state, until=max(calendar.head(), state.until), after=state.base)
        lines = [line for line in calendar.log_after(state.base) if line.sequence <= state.until]
        created = {(line.entry_id, line.arrival) for line in lines if line.kind == "created"}
        last: dict[tuple[str, int], LogEntry] = {}
        for line in lines:
            last.pop((line.entry_id, line.arrival), None)
            last[line.entry_id, line.arrival] = line
        changes: list[Element | None] = []
        for key, line in last.items():
            if line.sequence <= state.after:
                continue
            if len(_told(changes)) == most:
                return _told(changes), state
            changes.append(self._change(line, is_new=key in created))
            state = replace(state, after=line.sequence)
        return _told(changes), replace(state, base=state.until, after=state.until)

    def _change(self, line: LogEntry, *, is_new: bool) -> Element | None:
        entry = self.folder.calendar.entries.get(line.entry_id)
        if entry is not None and entry.arrival == line.arrival:
            return self._shown("Create" if is_new else "Update", entry)
        if is_new:
            return None  # came and went within the round
        text_ = ids.entry_id_text(self.place.mailbox, self.folder, line.entry_id, line.arrival, immutable=False)
        id_ = ids.to_exchange(text_)
        return None if id_ in self.ignored else t("Delete", t("ItemId", Id=id_))

    def _shown(self, kind: str, entry: Appointment) -> Element | None:
        item = Item(self.place.mailbox, self.folder, entry)
        if item.id in self.ignored:
            return None
        return t(kind, show_item(self.call, item, self.shape, is_list=True))


def _told(changes: list[Element | None]) -> list[Element]:
    return [change for change in changes if change is not None]
