"""Questions about known items by GetItem, in batches, with marks: by id, and the notes that no list brings."""

from collections.abc import Sequence

from lxml import etree

from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.errors import CORRUPT, EwsRefusedError
from calsync_core.adapters.exchange.folders import Calendars
from calsync_core.adapters.exchange.items import folder_of, item_id, read_readable, shape
from calsync_core.adapters.exchange.soap import Element, M, T, attribute, refusal_of
from calsync_core.domain.appointments import Entry, Kind
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalendarGoneError,
    CalsyncError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.ports.calendar import Content

BATCH = 50
_TYPES = 'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
_MINIMAL = Content()
_PART_FIELDS = ("item:ParentFolderId", "calendar:OriginalStart", "calendar:Recurrence")


class Lookups:
    def __init__(self, client: EwsClient, calendars: Calendars, zone: str) -> None:
        self._client = client
        self._calendars = calendars
        self._zone = zone

    def by_id(self, calendar_id: CalendarId, ids: Sequence[EntryId], content: Content) -> dict[EntryId, Entry | None]:
        """None = gone for certain, or in another calendar. One that is there but cannot be read is neither, and says so
        by its `problem`. Raises CalendarGoneError, ProviderUnavailableError.

        "Not found" is believed only while the calendar itself is there: a removed calendar must not look like one
        whose entries were all deleted.
        """
        wanted = list(dict.fromkeys(ids))
        items = self.items(wanted, self._whole(content), self._bare(content))
        here = {one: item for one, item in items.items() if item is not None and folder_of(item) in {calendar_id, ""}}
        masters = self._masters_of(list(here.values()))
        found: dict[EntryId, Entry | None] = {
            one: self._read(here[one], calendar_id, content, masters.get(one)) if one in here else None
            for one in wanted
        }
        if any(entry is None for entry in found.values()):
            self.check_calendar(calendar_id)
        return found

    def items(self, ids: Sequence[EntryId], item_shape: str, less: str = "") -> dict[EntryId, Element | None]:
        """The items as they stand; one that cannot be shown in full is asked for with `less`, or its times alone."""
        found: dict[EntryId, Element | None] = {}
        for begin in range(0, len(ids), BATCH):
            batch = ids[begin : begin + BATCH]
            for one, answer in zip(batch, self._in_parts(batch, item_shape), strict=True):
                if answer is None or (isinstance(answer, EwsRefusedError) and answer.code in CORRUPT):
                    found[one] = self._with_less(one, less or self._bare(_MINIMAL))
                elif isinstance(answer, EwsRefusedError):
                    _check_gone(answer)
                    found[one] = None
                else:
                    found[one] = answer
        return found

    def _in_parts(self, ids: Sequence[EntryId], item_shape: str) -> list[Element | EwsRefusedError | None]:
        """As `get`; what is too large for one answer is asked for in halves. None: too large by itself."""
        try:
            return [*self.get([f"<t:ItemId Id={attribute(one)}/>" for one in ids], item_shape)]
        except ProviderUnavailableError as error:
            if error.code != "answer_too_large":
                raise
        if len(ids) == 1:
            return [None]
        middle = len(ids) // 2
        return [*self._in_parts(ids[:middle], item_shape), *self._in_parts(ids[middle:], item_shape)]

    def get(self, references: Sequence[str], item_shape: str) -> list[Element | EwsRefusedError]:
        """One GetItem; each calendar item, or what the server says about it, in order."""
        body = f"<m:GetItem>{item_shape}<m:ItemIds>{''.join(references)}</m:ItemIds></m:GetItem>"
        try:
            answered = self._client.ask("GetItem", body)
        except EwsRefusedError as refused:
            raise question_error(refused) from None
        if len(answered) != len(references):
            raise ProviderUnavailableError("answer_unreadable", kind="items")
        found: list[Element | EwsRefusedError] = []
        for message in answered:
            refusal = refusal_of(message)
            item = message.find(f"{M}Items/{T}CalendarItem")
            if refusal is None and item is None:  # no calendar item (any more): nothing that could be in a calendar
                raise ProviderUnavailableError("answer_unreadable", kind="item")
            found.append(EwsRefusedError(refusal) if refusal is not None else item)
        return found

    def with_notes(self, calendar_id: CalendarId, entries: list[Entry], content: Content) -> list[Entry]:
        """The entries with their notes, read in batches; what went meanwhile is left to the next round."""
        readable = [one for one in entries if one.kind is not Kind.MASTER and not one.problem]
        wanted = [one.id for one in readable if content.private or not one.is_private]
        if not wanted:
            return entries
        items = self.items(wanted, self._whole(content), self._bare(content))
        return [self._noted(one, items, calendar_id, content) for one in entries if items.get(one.id, one) is not None]

    def check_calendar(self, calendar_id: CalendarId) -> None:
        """Raises CalendarGoneError."""
        try:
            self._calendars.check(calendar_id)
        except AppointmentGoneError as error:
            raise CalendarGoneError(**error.detail) from None
        except AppointmentRejectedError as error:
            raise ProviderUnavailableError("request_refused", **error.detail) from None

    def masters(self, occurrences: Sequence[EntryId]) -> dict[EntryId, EntryId]:
        """The master's id of each occurrence or exception, asked in batches; without those that went meanwhile."""
        found: dict[EntryId, EntryId] = {}
        for begin in range(0, len(occurrences), BATCH):
            batch = occurrences[begin : begin + BATCH]
            references = [f"<t:RecurringMasterItemId OccurrenceId={attribute(one)}/>" for one in batch]
            ids_alone = "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
            for one, answer in zip(batch, self.get(references, ids_alone), strict=True):
                if not isinstance(answer, EwsRefusedError):
                    found[one] = item_id(answer)[0]
                elif answer.code not in CORRUPT:
                    _check_gone(answer)
        return found

    def _masters_of(self, items: Sequence[Element]) -> dict[EntryId, EntryId]:
        kinds = ("Occurrence", "Exception")
        parts = [item_id(one)[0] for one in items if one.findtext(f"{T}CalendarItemType") in kinds]
        return self.masters(parts) if parts else {}

    def _whole(self, content: Content) -> str:
        return shape(self._client.speech, content, *_PART_FIELDS, has_body=True)

    def _bare(self, content: Content) -> str:
        """Without the body, which is what servers most often fail to convert."""
        return shape(self._client.speech, content, *_PART_FIELDS)

    def _with_less(self, entry_id: EntryId, item_shape: str) -> Element | None:
        found = self.get([f"<t:ItemId Id={attribute(entry_id)}/>"], item_shape)[0]
        if not isinstance(found, EwsRefusedError):
            return found
        if found.code in CORRUPT:  # even its times: an entry without any, whose reader says so
            return etree.fromstring(f"<t:CalendarItem {_TYPES}><t:ItemId Id={attribute(entry_id)}/></t:CalendarItem>")
        _check_gone(found)
        return None

    def _noted(
        self, entry: Entry, items: dict[EntryId, Element | None], calendar_id: CalendarId, content: Content
    ) -> Entry:
        item = items.get(entry.id)
        if item is None:
            return entry
        return self._read(item, calendar_id, content, entry.series_id)

    def _read(self, item: Element, calendar_id: CalendarId, content: Content, series_id: EntryId | None) -> Entry:
        """One that is there but cannot be read says so by its `problem`; a thing without an id is no answer at all."""
        entry = read_readable(item, calendar_id, self._zone, content, series_id=series_id)
        if entry is None:
            raise ProviderUnavailableError("answer_unreadable", kind="item")
        return entry


def question_error(refused: EwsRefusedError) -> CalsyncError:
    """A question that is refused is our own fault, never an entry's."""
    error = refused.error
    if isinstance(error, AppointmentRejectedError):
        return ProviderUnavailableError("request_refused", **error.detail)
    return error


def _check_gone(refused: EwsRefusedError) -> None:
    """Passes when the item is gone for certain; everything else is raised."""
    error = question_error(refused)
    if not isinstance(error, AppointmentGoneError):
        raise error
