"""Texts that people typed, as both sides and every store can take them."""

import re

LONGEST_TITLE = 255
"""What Microsoft's calendars take (graph.md 3.3); they count as .NET does, so most emoji are two."""

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def fit(text: str) -> str:
    """Without what no XML, JSON reader or table takes: control characters go, half a surrogate pair becomes U+FFFD.

    Emoji, marks of direction, tabs and line ends stay.
    """
    if _UNFIT.search(text) is None:
        return text
    return _UNFIT.sub(lambda found: "\ufffd" if "\ud800" <= found[0] <= "\udfff" else "", text)


def fit_title(text: str) -> str:
    """The beginning that a calendar takes as a title."""
    units = 0
    for place, character in enumerate(text):
        units += 1 + (ord(character) > 0xFFFF)
        if units > LONGEST_TITLE:
            return text[:place]
    return text
