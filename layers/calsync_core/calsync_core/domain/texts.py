"""Texts that people typed, as both sides and every store can take them."""

import re

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def fit(text: str) -> str:
    """Without what no XML, JSON reader or table takes: control characters go, half a surrogate pair becomes U+FFFD.

    Emoji, marks of direction, tabs and line ends stay.
    """
    if _UNFIT.search(text) is None:
        return text
    return _UNFIT.sub(lambda found: "\ufffd" if "\ud800" <= found[0] <= "\udfff" else "", text)
