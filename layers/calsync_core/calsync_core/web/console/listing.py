"""Lists in the console: one page of many, filters as plain addresses, and the one-line notice after a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from calsync_core.web.request import Request

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Paging:
    """`first` and `last` count from 1; `previous` and `next` are addresses or None."""

    count: int
    size: int
    first: int
    last: int
    previous: str | None
    next: str | None


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    items: Sequence[T]
    paging: Paging


def list_page(request: Request, address: str, items: Sequence[T], filters: Mapping[str, str], size: int) -> Listed[T]:
    """The page that `page` in the query names; a number that leads nowhere gives the first or last one."""
    wanted = request.argument("page", "1")
    last_page = max(1, -(-len(items) // size))
    number = min(max(int(wanted), 1), last_page) if wanted.isdecimal() and len(wanted) < 7 else 1
    start = (number - 1) * size
    shown = items[start : start + size]

    def link(page: int) -> str:
        return with_query(address, {**filters, "page": "" if page == 1 else str(page)})

    paging = Paging(
        count=len(items),
        size=size,
        first=start + 1,
        last=start + len(shown),
        previous=link(number - 1) if number > 1 else None,
        next=link(number + 1) if number < last_page else None,
    )
    return Listed(shown, paging)


def with_query(address: str, values: Mapping[str, str]) -> str:
    """Empty values are left out, so that equal lists have equal addresses."""
    kept = {name: value for name, value in values.items() if value}
    return f"{address}?{urlencode(kept)}" if kept else address


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened, in one line; `tone` is good, warn or bad."""

    text: str
    tone: str = "good"


_NOTICES: Mapping[str, tuple[str, str]] = {
    "sent": ("The invitation is on its way.", "good"),
    "withdrawn": ("The invitation was withdrawn. Its link does not work any more.", "good"),
    "syncing": ("The calendar is being checked now. This page shows the result in a few seconds.", "good"),
    "paused": ("Paused. Nothing is copied until the pause ends.", "good"),
    "resumed": ("Resumed. What happened meanwhile is being caught up.", "good"),
    "disconnected": ("Disconnected.", "good"),
    "saved": ("Saved.", "good"),
    "refreshed": ("The list of people and rooms is up to date.", "good"),
    "resolved": ("Your decision is being carried out.", "good"),
    "left": ("Both stay as they are until the day that you chose.", "good"),
    "unlocked": ("The access code was right. You can use this kind of calendar now.", "good"),
    "server_saved": ("The server was saved.", "good"),
    "server_removed": ("The server was removed.", "good"),
    "service_saved": ("The service account works and was saved.", "good"),
    "service_removed": ("The service account was removed, its password deleted.", "good"),
    "role_saved": ("The role account was saved. Test it now: its mail domains count once the test has passed.", "good"),
    "role_removed": ("The role account was removed, its key deleted.", "good"),
    "revoked": ("The key was revoked. It does not work any more.", "good"),
    "confirmed": ("Confirmed. It is being carried out now.", "good"),
    "undoing": ("It is being undone. This page shows the result in a few seconds.", "good"),
    "trying": ("It is being tried again now. This page shows the result in a few seconds.", "good"),
    "restored": ("What had disappeared is being written again.", "good"),
}


def notice(request: Request) -> Notice | None:
    """By the word in `done`; words that we do not know show nothing, so that nobody can put text on our page."""
    known = _NOTICES.get(request.argument("done"))
    return None if known is None else Notice(*known)
