"""Property paths: FieldURI, IndexedFieldURI, ExtendedFieldURI, and the extended properties that the store keeps.

An extended property has one key for both protocols, as Graph writes it: "String {guid} Name calsyncId".
"""

import re
from dataclasses import dataclass

from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.xml import Element, local, t, text

SETS = {
    "Meeting": "6ed8da90-450b-101b-98da-00aa003f1305",
    "Appointment": "00062002-0000-0000-c000-000000000046",
    "Common": "00062008-0000-0000-c000-000000000046",
    "PublicStrings": "00020329-0000-0000-c000-000000000046",
    "Address": "00062004-0000-0000-c000-000000000046",
    "InternetHeaders": "00020386-0000-0000-c000-000000000046",
    "CalendarAssistant": "11000e07-b51b-40d6-af21-caa85edab1d0",
    "UnifiedMessaging": "4442858e-a9e3-4e80-b900-317a210cc15b",
    "Task": "00062003-0000-0000-c000-000000000046",
    "Sharing": "00062040-0000-0000-c000-000000000046",
}
_TYPES = frozenset(
    [
        "ApplicationTime",
        "Binary",
        "Boolean",
        "CLSID",
        "Currency",
        "Double",
        "Float",
        "Integer",
        "Long",
        "Short",
        "String",
        "SystemTime",
    ]
)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Path:
    """One property: a field of the schema ("item:Subject"), an indexed field, or an extended property's key."""

    name: str
    is_extended: bool = False
    index: str | None = None

    @property
    def element(self) -> str:
        """The name of the element that shows a field."""
        return self.name.rpartition(":")[2]


def read_path(one: Element) -> Path:
    """Read one path. Raises EwsError or SchemaError."""
    kind = local(one)
    if kind == "FieldURI":
        return Path(one.get("FieldURI") or "")
    if kind == "IndexedFieldURI":
        return Path(one.get("FieldURI") or "", index=one.get("FieldIndex") or "")
    if kind == "ExtendedFieldURI":
        return Path(property_key(one), is_extended=True)
    raise SchemaError(f"The element has invalid child element '{kind}'.", one.sourceline or 1)


def property_key(uri: Element) -> str:
    """The store's key of an ExtendedFieldURI. Raises EwsError for a combination that names nothing."""
    type_ = uri.get("PropertyType") or ""
    if type_.removesuffix("Array") not in _TYPES:
        raise EwsError("ErrorInvalidExtendedProperty")
    set_, guid = uri.get("DistinguishedPropertySetId"), uri.get("PropertySetId")
    tag, name, number = uri.get("PropertyTag"), uri.get("PropertyName"), uri.get("PropertyId")
    if tag is not None:
        if set_ or guid or name or number:
            raise EwsError("ErrorInvalidExtendedProperty")
        return f"{type_} {_number(tag):#x}"
    if (set_ is None) == (guid is None) or (name is None) == (number is None):
        raise EwsError("ErrorInvalidExtendedProperty")
    wanted = SETS.get(set_ or "", guid or "").lower()
    if not _GUID.fullmatch(wanted):
        raise EwsError("ErrorInvalidExtendedProperty")
    if name is not None:
        return f"{type_} {{{wanted}}} Name {name}"
    return f"{type_} {{{wanted}}} Id {_number(number or ''):#x}"


def _number(words: str) -> int:
    try:
        return int(words, 16 if words.lower().startswith("0x") else 10)
    except ValueError as error:
        raise EwsError("ErrorInvalidExtendedProperty") from error


def property_uri(key: str) -> Element:
    """The ExtendedFieldURI of a key, as answers write it: named sets by their name."""
    type_, _, rest = key.partition(" ")
    if rest.startswith("0x"):
        return t("ExtendedFieldURI", PropertyTag=rest, PropertyType=type_)
    guid, kind, name = rest.split(" ", 2)
    guid = guid.strip("{}")
    set_ = next((known for known, one in SETS.items() if one == guid), None)
    return t(
        "ExtendedFieldURI",
        DistinguishedPropertySetId=set_,
        PropertySetId=None if set_ else guid,
        PropertyName=name if kind == "Name" else None,
        PropertyId=str(int(name, 16)) if kind == "Id" else None,
        PropertyType=type_,
    )


SEPARATOR = "\x1f"
"""Between the values of a property of an array type, which the store keeps as one text."""


def show_property(key: str, value: str) -> Element:
    """One ExtendedProperty."""
    if key.partition(" ")[0].endswith("Array"):
        shown = t("Values", [t("Value", part) for part in value.split(SEPARATOR)])
    else:
        shown = t("Value", value)
    return t("ExtendedProperty", property_uri(key), shown)


def read_property(one: Element) -> tuple[str, str]:
    """Key and value of an ExtendedProperty that a client wrote. Raises EwsError."""
    uri = next((child for child in one if local(child) == "ExtendedFieldURI"), None)
    if uri is None:
        raise SchemaError("The element 'ExtendedProperty' has incomplete content.", one.sourceline or 1)
    key = property_key(uri)
    values = next((child for child in one if local(child) == "Values"), None)
    is_array = key.partition(" ")[0].endswith("Array")
    if is_array != (values is not None):
        raise EwsError("ErrorInvalidExtendedPropertyValue")
    if values is not None:
        return key, SEPARATOR.join((child.text or "") for child in values)
    value = text(one, "Value")
    if value is None:
        raise EwsError("ErrorInvalidExtendedPropertyValue")
    raw = next((child.text or "") for child in one if local(child) == "Value")
    return key, _checked(key.partition(" ")[0], raw)


def _checked(type_: str, value: str) -> str:
    if type_ in ("Integer", "Long", "Short") and not re.fullmatch(r"\s*[+-]?\d+\s*", value):
        raise EwsError("ErrorInvalidExtendedPropertyValue")
    if type_ == "Boolean":
        if value.strip() not in ("true", "false", "1", "0"):
            raise EwsError("ErrorInvalidExtendedPropertyValue")
        return "true" if value.strip() in ("true", "1") else "false"
    return value if type_ == "String" else value.strip()
