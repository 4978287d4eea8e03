"""$filter on events: the part of OData that Outlook understands, compiled to a test of one entry.

String comparison is case-insensitive as in Exchange. Times without an offset are UTC.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.appointments import Appointment, Entry, Occurrence
from sandbox.graph import errors, ids
from sandbox.graph.errors import GraphError
from sandbox.graph.events import master_of, properties_of, type_of
from sandbox.graph.properties import property_id
from sandbox.graph.times import read_instant

Test = Callable[[Entry], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<time>\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>@?[A-Za-z_][\w./]*)"
    r"|(?P<mark>[(),:]))"
)
_GETTERS: dict[str, Callable[[Entry], Any]] = {
    "subject": lambda e: e.content.subject,
    "start/datetime": lambda e: e.content.start_at,
    "end/datetime": lambda e: e.content.end_at,
    "createddatetime": lambda e: master_of(e).created_at,
    "lastmodifieddatetime": lambda e: master_of(e).modified_at,
    "isallday": lambda e: e.content.is_all_day,
    "iscancelled": lambda e: e.content.is_cancelled,
    "isorganizer": lambda e: master_of(e).is_organizer,
    "isreminderon": lambda e: e.content.is_reminder_on,
    "hasattachments": lambda _: False,
    "showas": lambda e: e.content.show_as,
    "sensitivity": lambda e: e.content.sensitivity,
    "importance": lambda e: e.content.importance,
    "type": type_of,
    "icaluid": lambda e: ids.ical_uid(master_of(e), e.day if isinstance(e, Occurrence) else None),
    "uid": lambda e: ids.ical_uid(master_of(e), None),
    "location/displayname": lambda e: e.content.locations[0].name if e.content.locations else "",
    "organizer/emailaddress/address": lambda e: master_of(e).organizer.address,
    "organizer/emailaddress/name": lambda e: master_of(e).organizer.name,
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: bool(a > b),
    "ge": lambda a, b: bool(a >= b),
    "lt": lambda a, b: bool(a < b),
    "le": lambda a, b: bool(a <= b),
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
    "contains": lambda text, part: part in text,
}


def _invalid(text: str) -> GraphError:
    return GraphError(400, "ErrorInvalidUrlQueryFilter", f"The query filter contains one or more invalid nodes: {text}")


def compile_filter(text: str) -> Test:
    """Return the test that a $filter stands for. Raises GraphError 400."""
    parser = _Parser(text)
    test = parser.either()
    parser.end()
    return test


def asks_for_property(text: str) -> bool:
    """Whether a filter looks for an extended property: then it runs over the whole mailbox."""
    return "singlevalueextendedproperties/any" in text.casefold()


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise errors.unparsable_query(f"Syntax error at position {position} in '{text}'.")
            self._tokens.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
            position = match.end()
        self._at = 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._error()

    def either(self) -> Test:
        tests = [self._both()]
        while self._word("or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda e: any(test(e) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._word("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda e: all(test(e) for test in tests)

    def _one(self) -> Test:
        if self._word("not"):
            inner = self._one()
            return lambda e: not inner(e)
        if self._mark("("):
            test = self.either()
            self._need(")")
            return test
        kind, name = self._next()
        if kind != "name":
            raise self._error()
        folded = name.casefold()
        if folded in _FUNCTIONS:
            return self._function(folded)
        if folded.endswith("/any"):
            return self._any(folded.removesuffix("/any"))
        return self._comparison(name)

    def _function(self, function: str) -> Test:
        self._need("(")
        getter = self._getter(self._next()[1])
        self._need(",")
        part = str(self._literal()).casefold()
        self._need(")")
        call = _FUNCTIONS[function]
        if self._word("eq") and self._literal() is False:
            return lambda e: not call(str(getter(e)).casefold(), part)
        return lambda e: call(str(getter(e)).casefold(), part)

    def _comparison(self, name: str) -> Test:
        getter = self._getter(name)
        operator = self._next()[1].casefold()
        if operator not in _COMPARISONS:
            raise self._error()
        compare = _COMPARISONS[operator]
        wanted = self._literal()
        if name.casefold().endswith("datetime"):
            instant = self._instant(wanted)
            return lambda e: compare(getter(e), instant)
        if isinstance(wanted, str):
            folded = wanted.casefold()
            return lambda e: compare(str(getter(e)).casefold(), folded)
        if isinstance(wanted, float) or operator not in ("eq", "ne"):
            raise _invalid(name)  # no field of an event that can be filtered is a number
        return lambda e: compare(getter(e), wanted)

    def _any(self, collection: str) -> Test:
        self._need("(")
        variable = self._next()[1]
        self._need(":")
        match collection:
            case "singlevalueextendedproperties":
                test = self._property(variable)
            case "categories":
                test = self._category(variable)
            case "extensions":
                test = self._extension(variable)
            case _:
                raise _invalid(collection)
        self._need(")")
        return test

    def _property(self, variable: str) -> Test:
        self._path(variable, "id")
        self._operator("eq")
        name = property_id(self._literal())
        if not self._word("and"):
            return lambda e: name in properties_of(e)
        kind, word = self._next()
        if kind == "name" and word.casefold() in _FUNCTIONS:
            call = _FUNCTIONS[word.casefold()]
            self._need("(")
            self._path(variable, "value")
            self._need(",")
            part = str(self._literal()).casefold()
            self._need(")")
            return lambda e: name in properties_of(e) and call(properties_of(e)[name].casefold(), part)
        if word.casefold() != f"{variable}/value".casefold():
            raise self._error()
        operator = self._next()[1].casefold()
        if operator not in ("eq", "ne"):
            raise self._error()
        compare, wanted = _COMPARISONS[operator], str(self._literal()).casefold()
        return lambda e: name in properties_of(e) and compare(properties_of(e)[name].casefold(), wanted)

    def _category(self, variable: str) -> Test:
        if self._next()[1].casefold() != variable.casefold():
            raise self._error()
        self._operator("eq")
        wanted = str(self._literal()).casefold()
        return lambda e: any(name.casefold() == wanted for name in e.content.categories)

    def _extension(self, variable: str) -> Test:
        self._path(variable, "id")
        self._operator("eq")
        wanted = str(self._literal()).removeprefix("Microsoft.OutlookServices.OpenTypeExtension.")
        return lambda e: isinstance(e, Appointment) and wanted in e.extensions

    def _path(self, variable: str, part: str) -> None:
        if self._next()[1].casefold() != f"{variable}/{part}".casefold():
            raise self._error()

    def _operator(self, operator: str) -> None:
        if not self._word(operator):
            raise self._error()

    def _getter(self, name: str) -> Callable[[Entry], Any]:
        getter = _GETTERS.get(name.casefold())
        if getter is None:
            raise _invalid(name)
        return getter

    def _instant(self, literal: Any) -> datetime:
        try:
            return read_instant(str(literal))
        except ValueError as error:
            raise _invalid(str(literal)) from error

    def _literal(self) -> Any:
        kind, text = self._next()
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text)
        if kind == "name" and text.casefold() in ("true", "false"):
            return text.casefold() == "true"
        if kind == "name" and text.casefold() == "null":
            return None
        if kind == "time":
            return text
        raise self._error()

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._error()
        self._at += 1
        return self._tokens[self._at - 1]

    def _word(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1].casefold() == word:
            self._at += 1
            return True
        return False

    def _mark(self, mark: str) -> bool:
        return self._word(mark)

    def _need(self, mark: str) -> None:
        if not self._word(mark):
            raise self._error()

    def _error(self) -> GraphError:
        return errors.unparsable_query(f"Syntax error near token {self._at} in '{self._text}'.")
