"""Restriction and SortOrder of FindItem and FindFolder, evaluated on anything that can tell its values by path."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.paths import Path, read_path
from sandbox.exchange.xml import Element, local

Row = TypeVar("Row")
Values = Callable[[Path], list[str]]
"""The values of a property, as they stand in XML; none when it is not set."""

_PATHS = ("FieldURI", "IndexedFieldURI", "ExtendedFieldURI")
_MAX_DEPTH = 64
_COMPARED: dict[str, Callable[[int], bool]] = {
    "IsEqualTo": lambda order: order == 0,
    "IsNotEqualTo": lambda order: order != 0,
    "IsGreaterThan": lambda order: order > 0,
    "IsGreaterThanOrEqualTo": lambda order: order >= 0,
    "IsLessThan": lambda order: order < 0,
    "IsLessThanOrEqualTo": lambda order: order <= 0,
}


def matches(expression: Element, values: Values, depth: int = 0) -> bool:
    """Whether an expression holds. Raises EwsError or SchemaError."""
    if depth > _MAX_DEPTH:
        raise EwsError("ErrorRestrictionTooComplex")
    kind = local(expression)
    if kind == "And":
        return all(matches(one, values, depth + 1) for one in expression)
    if kind == "Or":
        return any(matches(one, values, depth + 1) for one in expression)
    if kind == "Not":
        return not matches(_only(expression), values, depth + 1)
    if kind == "Exists":
        return bool(values(_path(expression)))
    if kind == "Contains":
        return _contains(expression, values)
    if kind == "Excludes":
        return _excludes(expression, values)
    if kind in _COMPARED:
        return _compare(kind, expression, values)
    raise SchemaError(f"The element 'Restriction' has invalid child element '{kind}'.", expression.sourceline or 1)


def _only(parent: Element) -> Element:
    if len(parent) != 1:
        raise SchemaError(f"The element '{local(parent)}' has incomplete content.", parent.sourceline or 1)
    return parent[0]


def _path(expression: Element) -> Path:
    found = next((one for one in expression if local(one) in _PATHS), None)
    if found is None:
        raise SchemaError(f"The element '{local(expression)}' has incomplete content.", expression.sourceline or 1)
    return read_path(found)


def _compare(kind: str, expression: Element, values: Values) -> bool:
    holds = _COMPARED[kind]
    path = _path(expression)
    own, is_text = values(path), _is_text(path)
    wrapper = next((one for one in expression if local(one) == "FieldURIOrConstant"), None)
    if wrapper is None:
        raise SchemaError(f"The element '{kind}' has incomplete content.", expression.sourceline or 1)
    other = _only(wrapper)
    against = [other.get("Value") or ""] if local(other) == "Constant" else values(read_path(other))
    if not own or not against:
        return kind == "IsNotEqualTo" and bool(own) != bool(against)
    if kind == "IsNotEqualTo":
        return all(holds(_order(one, against[0], is_text=is_text)) for one in own)
    return any(holds(_order(one, against[0], is_text=is_text)) for one in own)


def _is_text(path: Path) -> bool:
    """Whether "007" is another value than "7"."""
    if path.is_extended:
        return path.name.startswith("String")
    return path.element in ("Subject", "UID", "Location", "Categories", "DisplayName", "FolderClass", "ItemClass")


def _order(one: str, other: str, *, is_text: bool) -> int:
    first, second = _comparable(one), _comparable(other)
    if is_text or type(first) is not type(second):
        first, second = one, other
    return (first > second) - (first < second)  # type: ignore[operator]


_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?")


def _comparable(words: str) -> str | float | datetime:
    if _NUMBER.fullmatch(words):
        return float(words)
    if _INSTANT.fullmatch(words):
        at = datetime.fromisoformat(words[:19] + (re.sub(r"^.{19}(\.\d+)?", "", words) or "Z").replace("Z", "+00:00"))
        return at.astimezone(UTC)
    return {"1": "true", "0": "false"}.get(words, words)


def _contains(expression: Element, values: Values) -> bool:
    constant = next((one for one in expression if local(one) == "Constant"), None)
    if constant is None:
        raise SchemaError("The element 'Contains' has incomplete content.", expression.sourceline or 1)
    wanted = constant.get("Value") or ""
    folds = "IgnoreCase" in (expression.get("ContainmentComparison") or "") or (
        expression.get("ContainmentComparison") == "Loose"
    )
    mode = expression.get("ContainmentMode") or "FullString"
    for value in values(_path(expression)):
        one, part = (value.casefold(), wanted.casefold()) if folds else (value, wanted)
        if mode == "FullString" and one == part:
            return True
        if mode == "Prefixed" and one.startswith(part):
            return True
        if mode == "Substring" and part in one:
            return True
        if mode in ("PrefixOnWords", "ExactPhrase") and re.search(rf"(^|\W){re.escape(part)}", one):
            return True
    return False


def _excludes(expression: Element, values: Values) -> bool:
    mask = next((one for one in expression if local(one) == "Bitmask"), None)
    bits = int((mask.get("Value") if mask is not None else "0") or "0", 0)
    return all(not int(value) & bits for value in values(_path(expression)))


def sorting(order: Element | None) -> list[tuple[Path, bool]]:
    """The fields of a SortOrder and whether each is descending."""
    if order is None:
        return []
    return [(_path(one), one.get("Order") == "Descending") for one in order]


def sort(rows: list[tuple[Values, Row]], order: list[tuple[Path, bool]]) -> None:
    """Sort in place; rows without a value come first."""
    for path, is_descending in reversed(order):
        rows.sort(key=lambda row, path=path: _key(row[0](path)), reverse=is_descending)  # type: ignore[misc]


def _key(found: list[str]) -> tuple[int, object]:
    if not found:
        return (0, "")
    value = _comparable(found[0])
    if isinstance(value, datetime):
        return (2, value)
    if isinstance(value, float):
        return (1, value)
    return (3, str(value).casefold())
