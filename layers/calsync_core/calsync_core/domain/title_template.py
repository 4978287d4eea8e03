"""The title of copies as a template: words, and names of fields in braces, as "{service} - {customer}".

A field without a value, or one that is not shown, takes its separators and brackets with it. Which fields are shown is
decided elsewhere: here a hidden field has no value.
"""

import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache

from calsync_core.domain.values import value

LONGEST_TEMPLATE = 200
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LITERAL = re.compile(r"[(\[<]|[)\]>]|[^\w()\[\]<>]+|\w+(?:[^\S\n]+\w+)*")


class _Kind(Enum):
    WORDS = "words"
    SEPARATOR = "separator"
    OPEN = "open"
    CLOSE = "close"
    VALUE = "value"
    MISSING = "missing"


@value(frozen=True, slots=True)
class _Token:
    kind: _Kind
    text: str = ""


@lru_cache(maxsize=256)
def names_of(template: str) -> tuple[str, ...]:
    """The fields of a template in order. Raises ValueError for a brace without its partner."""
    if set("{}") & set(_PLACEHOLDER.sub("", template)):
        raise ValueError("brace")
    return tuple(name.strip() for name in _PLACEHOLDER.findall(template))


def render(template: str, values: Mapping[str, str]) -> str:
    """One line of text; "" when no field has a value, whatever words stand around it."""
    tokens = _tokens(template, values)
    kinds = [token.kind for token in tokens]
    if _Kind.VALUE not in kinds:
        return ""
    if _Kind.MISSING in kinds or _Kind.CLOSE in kinds:  # seldom: nearly every booking has what the template asks for
        while (shorter := _without_empty_brackets(tokens)) != tokens:
            tokens = shorter
        tokens = _without_missing(tokens)
    return " ".join("".join([token.text for token in tokens]).split())


def _tokens(template: str, values: Mapping[str, str]) -> list[_Token]:
    tokens: list[_Token] = []
    for part in _parts(template):
        if isinstance(part, _Token):
            tokens.append(part)
        else:
            value = " ".join(values.get(part, "").split())
            tokens.append(_Token(_Kind.VALUE, value) if value else _Token(_Kind.MISSING))
    return tokens


@lru_cache(maxsize=256)
def _parts(template: str) -> tuple[_Token | str, ...]:
    """The words and signs as tokens, fields as their names."""
    parts: list[_Token | str] = []
    for number, part in enumerate(_PLACEHOLDER.split(template)):
        if number % 2:
            parts.append(part.strip())
        else:
            parts.extend(_Token(_kind_of(text), text) for text in _LITERAL.findall(part))
    return tuple(parts)


def _kind_of(text: str) -> _Kind:
    if text in "([<":
        return _Kind.OPEN
    if text in ")]>":
        return _Kind.CLOSE
    return _Kind.WORDS if text[0].isalnum() or text[0] == "_" else _Kind.SEPARATOR


def _without_empty_brackets(tokens: list[_Token]) -> list[_Token]:
    """The first pair of brackets that holds no value and no words becomes one missing field."""
    start = None
    for place, token in enumerate(tokens):
        if token.kind is _Kind.OPEN:
            start = place
        elif token.kind in (_Kind.VALUE, _Kind.WORDS):
            start = None
        elif token.kind is _Kind.CLOSE and start is not None:
            return [*tokens[:start], _Token(_Kind.MISSING), *tokens[place + 1 :]]
    return tokens


def _without_missing(tokens: list[_Token]) -> list[_Token]:
    """Between what is left, one separator stands where there were several around a missing field; none at the ends and
    inside brackets beside them."""
    done: list[_Token] = []
    waiting: list[_Token] = []  # separators and missing fields since the last token that is kept
    for token in tokens:
        if token.kind in (_Kind.SEPARATOR, _Kind.MISSING):
            waiting.append(token)
            continue
        begins = not done or done[-1].kind is _Kind.OPEN
        done += _joint(waiting, is_at_an_end=begins or token.kind is _Kind.CLOSE)
        waiting = []
        done.append(token)
    return done + _joint(waiting, is_at_an_end=True)


def _joint(waiting: list[_Token], *, is_at_an_end: bool) -> list[_Token]:
    separators = [token for token in waiting if token.kind is _Kind.SEPARATOR]
    if len(separators) == len(waiting):
        return separators
    return [] if is_at_an_end else separators[:1]
