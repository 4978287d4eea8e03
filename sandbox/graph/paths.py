"""Paths in the spelling of the routes: Graph reads segments in any case and keys in parentheses as well.

Notifications name their entry as Users/{id}/Events/{id}, and clients fetch just that; OData clients write
users('x')/events('y').
"""

import re
from collections.abc import Iterator

from starlette.types import ASGIApp, Receive, Scope, Send

_COLLECTIONS = (
    "users", "calendars", "calendarGroups", "events", "extensions", "subscriptions", "calendarPermissions",
)  # fmt: skip
_WORDS = (
    *_COLLECTIONS,
    "me", "calendar", "calendarView", "delta", "delta()", "instances", "attachments",
    "getSchedule", "cancel", "accept", "tentativelyAccept", "decline", "forward", "dismissReminder",
    "snoozeReminder", "permanentDelete", "mailboxSettings", "outlook", "supportedTimeZones",
    "supportedTimeZones()", "translateExchangeIds", "reauthorize", "organization", "$batch",
)  # fmt: skip
_CANONICAL = {word.casefold(): word for word in _WORDS}
_KEYED = re.compile(rf"({'|'.join(_COLLECTIONS)})\('([^']*)'\)", re.IGNORECASE)
_FUNCTIONS = ("delta", "delta()")


def canonical_path(path: str) -> str:
    """Return a path below the version with its words as the routes write them; ids stay as they are."""
    return "/".join(_canonical(path.split("/")))


def _canonical(segments: list[str]) -> Iterator[str]:
    is_key = False
    for segment in segments:
        keyed = _KEYED.fullmatch(segment)
        if keyed is not None:
            yield _CANONICAL[keyed.group(1).casefold()]
            yield keyed.group(2)
            is_key = False
            continue
        word = _CANONICAL.get(segment.casefold(), segment)
        if is_key and word not in _FUNCTIONS:
            yield segment
            is_key = False
            continue
        yield word
        is_key = word in _COLLECTIONS


class CanonicalPaths:
    """ASGI middleware: hands on requests with their path in the spelling of the routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": canonical_path(scope["path"])}
        await self._app(scope, receive, send)
