"""Links <-> items. They are many and each write is paid by the kilobyte, so their fields have short names of their own;
what is left out has the value of `_DEFAULT`. Versions of the shape: `documents.py`.
"""

import json
import re
import zlib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, row
from calsync_core.adapters.dynamodb.operations import Row
from calsync_core.domain.appointments import AllDay, Timed, When
from calsync_core.domain.errors import InstallationError
from calsync_core.domain.ids import AccountId, BookingId, CalendarId, EntryId, LinkRef, ResourceId
from calsync_core.domain.links import Agreed, Attempt, Intent, Link, Origin, Refused


def link_pointer(link: Link) -> str | None:
    return None if link.entry_id is None else keys.pointer(link.calendar_id, link.entry_id)


def link_row(account: AccountId, link: Link) -> Row:
    return row(
        "link",
        (keys.resource_key(account, link.resource_id), f"LINK#{link.ref}"),
        row=link.row,
        starts=keys.starts(link.start_at, link.end_at),
        pointer=link_pointer(link),
        doc=json.dumps(_link_fields(link), ensure_ascii=False, separators=(",", ":")),
    )


def link_of(resource: ResourceId, row_: Row) -> Link:
    """Raises InstallationError as `of_doc` does."""
    checked("link", row_)
    try:
        fields = json.loads(str(row_["doc"]))
        return _link(resource, LinkRef(str(row_["SK"]).removeprefix("LINK#")), int(row_["row"]), fields)
    except (KeyError, TypeError, ValueError):
        raise InstallationError("schema_broken", entity="link") from None


def _link_fields(link: Link) -> dict[str, Any]:
    fields = {
        "o": link.origin.value,
        "c": link.calendar_id,
        "w": _when_fields(link),
        "s": _text(link.start_at),
        "e": _text(link.end_at),
        "b": link.booking_id,
        "i": link.entry_id,
        "m": link.series_id,
        "t": link.original_start_at and _text(link.original_start_at),
        "h": _agreed_fields(link.host),
        "k": _agreed_fields(link.calendar),
        "g": link.generation,
        "n": link.intent and link.intent.value,
        "u": link.attempt and _attempt_fields(link.attempt),
        "p": link.settings_version,
        "d": link.decision and link.decision.value,
        "a": int(link.has_attendees),
        "f": link.refused and [link.refused.code, link.refused.wish],
        "l": int(link.is_disputed),
        "q": int(link.is_quarantined),
        "j": link.mark_id,
        "r": link.entry_uid,
        "x": link.writes,
        "y": link.writes_since and _text(link.writes_since),
        "z": link.pattern,
        "v": link.kept_block,
    }
    return {name: value for name, value in fields.items() if value != _DEFAULT.get(name)}


# Part of shape 1: these never change with the defaults of `Link`.
_DEFAULT: dict[str, Any] = {"g": 1, "p": 0, "a": 0, "l": 0, "q": 0, "x": 0, "j": "", "z": ""}


def _link(resource: ResourceId, ref: LinkRef, number: int, fields: dict[str, Any]) -> Link:
    get = {**_DEFAULT, **fields}.get
    start_at, end_at = _instant(fields["s"]), _instant(fields["e"])
    return Link(
        ref=ref,
        resource_id=resource,
        origin=Origin(fields["o"]),
        calendar_id=CalendarId(fields["c"]),
        when=_when(get("w"), start_at, end_at),
        start_at=start_at,
        end_at=end_at,
        booking_id=_optional(BookingId, get("b")),
        entry_id=_optional(EntryId, get("i")),
        series_id=get("m"),
        original_start_at=_optional(_instant, get("t")),
        host=Agreed(*get("h", ())),
        calendar=Agreed(*get("k", ())),
        generation=fields.get("g", _DEFAULT["g"]),
        intent=_optional(Intent, get("n")),
        attempt=_optional(_attempt, get("u")),
        settings_version=fields.get("p", _DEFAULT["p"]),
        decision=_optional(Origin, get("d")),
        has_attendees=bool(get("a")),
        refused=Refused(*fields["f"]) if "f" in fields else None,
        is_disputed=bool(get("l")),
        is_quarantined=bool(get("q")),
        mark_id=get("j", ""),
        entry_uid=get("r"),
        writes=fields.get("x", _DEFAULT["x"]),
        writes_since=_optional(_instant, get("y")),
        pattern=fields.get("z", _DEFAULT["z"]),
        kept_block=_optional(LinkRef, get("v")),
        row=number,
    )


def _optional(make: Any, value: Any) -> Any:
    return None if value is None else make(value)


def _attempt(fields: list[str]) -> Attempt:
    side, *said = fields
    return Attempt(Origin(side), *said)


def _attempt_fields(attempt: Attempt) -> list[str]:
    return [attempt.side.value, attempt.time, attempt.rest, *_told(attempt.repeats)]


def _agreed_fields(agreed: Agreed) -> list[str] | None:
    if agreed == Agreed():
        return None
    return [agreed.version, agreed.time, agreed.rest, *_told(agreed.repeats)]


def _told(repeats: str) -> list[str]:
    """Only series have it, and rows are paid by the kilobyte."""
    return [repeats] if repeats else []


def _when_fields(link: Link) -> list[str] | None:
    """Nothing for the ordinary case: the agreed time is the link's span."""
    if isinstance(link.when, AllDay):
        return [link.when.start.isoformat(), link.when.end.isoformat()]
    if link.when == Timed(link.start_at, link.end_at):
        return None
    return [_text(link.when.start_at), _text(link.when.end_at)]


_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _when(pair: list[str] | None, start_at: datetime, end_at: datetime) -> When:
    if pair is None:
        return Timed(start_at, end_at)
    first, second = pair
    if _DATE.fullmatch(first):
        return AllDay(date.fromisoformat(first), date.fromisoformat(second))
    return Timed(_instant(first), _instant(second))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def pack(refs: Iterable[LinkRef]) -> bytes:
    """Refs are mostly hexadecimal digits: deflate halves them."""
    return zlib.compress("\n".join(refs).encode(), 6)


def unpack(packed: bytes) -> list[LinkRef]:
    text = zlib.decompress(packed).decode()
    return [LinkRef(ref) for ref in text.split("\n")] if text else []
