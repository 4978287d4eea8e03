"""The Prefer header: which kind of ids, which zone for times, text or HTML, how large a page."""

import re
from dataclasses import dataclass
from typing import Literal

from sandbox.graph import errors
from sandbox.zones import UnknownZoneError, zone_info

_PART = re.compile(r'\s*([\w.-]+)\s*(?:=\s*(?:"([^"]*)"|([^,;]*)))?\s*(?:[,;]|$)')


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the client prefers; `applied` is what the answer's Preference-Applied says."""

    immutable_ids: bool = False
    zone: str = "UTC"
    body_type: Literal["html", "text"] = "html"
    page_size: int | None = None
    applied: tuple[str, ...] = ()


def read_preferences(headers: list[str]) -> Preferences:
    """Read all Prefer headers of a request; unknown preferences are ignored. Raises GraphError 400."""
    values: dict[str, str] = {}
    for name, quoted, bare in _PART.findall(", ".join(headers)):
        values[name.casefold()] = quoted or bare.strip()
    applied: list[str] = []
    immutable = values.get("idtype", "").casefold() == "immutableid"
    if immutable:
        applied.append('IdType="ImmutableId"')
    zone = values.get("outlook.timezone")
    if zone is not None:
        try:
            zone_info(zone)
        except UnknownZoneError as error:
            raise errors.unknown_zone(zone) from error
        applied.append(f'outlook.timezone="{zone}"')
    wants_text = values.get("outlook.body-content-type", "").casefold() == "text"
    if "outlook.body-content-type" in values:
        applied.append(f'outlook.body-content-type="{"text" if wants_text else "html"}"')
    size = values.get("odata.maxpagesize", "")
    page_size = int(size) if size.isdecimal() and int(size) > 0 else None
    if page_size is not None:
        applied.append(f"odata.maxpagesize={page_size}")
    return Preferences(immutable, zone or "UTC", "text" if wants_text else "html", page_size, tuple(applied))
