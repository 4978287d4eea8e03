"""Cutting a list to the page that IndexedPageItemView or FractionalPageItemView asks for."""

from typing import TypeVar

from sandbox.exchange.errors import EwsError
from sandbox.exchange.xml import Element, local

Row = TypeVar("Row")


def page_of(rows: list[Row], request: Element, limit: int) -> tuple[list[Row], dict[str, str]]:
    """The page and the attributes of RootFolder; never more than `limit` rows. Raises EwsError."""
    view = next((one for one in request if local(one).startswith(("IndexedPage", "FractionalPage"))), None)
    total = len(rows)
    if view is None:
        page = rows[:limit]
        return page, {"TotalItemsInView": str(total), "IncludesLastItemInRange": _flag(len(page) == total)}
    size = _whole(view.get("MaxEntriesReturned") or str(limit), "ErrorInvalidPagingMaxRows", 1)
    size = min(size, limit)
    if local(view).startswith("Fractional"):
        numerator = _whole(view.get("Numerator"), "ErrorInvalidFractionalPagingParameters", 0)
        denominator = _whole(view.get("Denominator"), "ErrorInvalidFractionalPagingParameters", 1)
        if numerator > denominator:
            raise EwsError("ErrorInvalidFractionalPagingParameters")
        begin = total * numerator // denominator
        page = rows[begin : begin + size]
        marks = {"NumeratorOffset": str(begin + len(page)), "AbsoluteDenominator": str(max(total, 1))}
        return page, marks | {
            "TotalItemsInView": str(total),
            "IncludesLastItemInRange": _flag(begin + len(page) >= total),
        }
    offset = _whole(view.get("Offset"), "ErrorInvalidIndexedPagingParameters", 0)
    if view.get("BasePoint") == "End":
        end = max(total - offset, 0)
        page = rows[max(end - size, 0) : end]
        after, is_last = offset + len(page), end - len(page) <= 0
    else:
        page = rows[offset : offset + size]
        after, is_last = min(offset, total) + len(page), offset + len(page) >= total
    return page, {
        "IndexedPagingOffset": str(after),
        "TotalItemsInView": str(total),
        "IncludesLastItemInRange": _flag(is_last),
    }


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _whole(words: str | None, code: str, least: int) -> int:
    try:
        number = int(words or "")
    except ValueError as error:
        raise EwsError(code) from error
    if number < least:
        raise EwsError(code)
    return number
