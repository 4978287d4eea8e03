"""singleValueExtendedProperties: their ids and values. Source: "Outlook extended properties overview"."""

import re
from typing import Any

from sandbox.graph import errors
from sandbox.graph.errors import GraphError

_TYPES = "ApplicationTime|Binary|Boolean|CLSID|Currency|Double|Float|Integer|Long|Short|String|SystemTime"
_BY_NAME = re.compile(rf"({_TYPES})\s+(\{{[0-9a-f-]{{36}}\}})\s+Name\s+(\S.*)", re.IGNORECASE)
_BY_ID = re.compile(rf"({_TYPES})\s+(\{{[0-9a-f-]{{36}}\}})\s+Id\s+(0x[0-9a-f]{{1,8}})", re.IGNORECASE)
_BY_TAG = re.compile(rf"({_TYPES})\s+(0x[0-9a-f]{{1,4}})", re.IGNORECASE)


def property_id(text: Any) -> str:
    """Return a property's id in one spelling: type and guid in any case, the name case-sensitive.

    Raises GraphError 400.
    """
    if isinstance(text, str):
        for form, word in ((_BY_NAME, "Name"), (_BY_ID, "Id")):
            match = form.fullmatch(text.strip())
            if match:
                type_, guid, name = match.groups()
                return f"{type_.capitalize() if type_.islower() else type_} {guid.lower()} {word} {name}"
        match = _BY_TAG.fullmatch(text.strip())
        if match:
            return f"{match.group(1)} {match.group(2).lower()}"
    raise GraphError(
        400,
        "ErrorInvalidExtendedProperty",
        f"The property id '{text}' is not valid: it needs a type, a guid in braces and a name or id.",
    )


def read_properties(value: Any) -> dict[str, str]:
    """Read the properties of an event that a client writes. Raises GraphError 400."""
    if not isinstance(value, list):
        raise errors.body_unreadable("singleValueExtendedProperties must be a collection.")
    found: dict[str, str] = {}
    for one in value:
        if not isinstance(one, dict) or not isinstance(one.get("value"), str):
            raise errors.property_failed()
        found[property_id(one.get("id"))] = one["value"]
    return found


def show_properties(properties: dict[str, str], wanted: tuple[str, ...]) -> list[dict[str, str]]:
    """Return those of the wanted properties that are set."""
    return [{"id": name, "value": properties[name]} for name in wanted if name in properties]
