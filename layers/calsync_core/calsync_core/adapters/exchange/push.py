"""Posts that Exchange sends to an address of ours (ews.md section 4), and what may be answered. Standard library only.

A post is a bell and nothing else: what is kept of it is which subscription rings and what kind of bell it is; ids of
items, watermarks and times are dropped in the parser. Nothing in it proves who sent it: whoever uses this checks the
path and the subscription's id, in constant time.
"""

from dataclasses import dataclass
from enum import Enum
from xml.parsers import expat

LARGEST_BODY = 256 * 1024
MOST_MESSAGES = 100
_MOST_TAGS = 20_000
_DEEPEST = 32
_LONGEST_FIELD = 1024
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
_TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
_FRAME = (f"{_SOAP} Envelope", f"{_SOAP} Body", f"{_MESSAGES} SendNotification", f"{_MESSAGES} ResponseMessages")
_MESSAGE = f"{_MESSAGES} SendNotificationResponseMessage"
_NOTIFICATION = f"{_MESSAGES} Notification"
_ID = (_NOTIFICATION, f"{_TYPES} SubscriptionId")
_LOST_ID = (f"{_MESSAGES} MessageXml", f"{_TYPES} Value")


class Bell(Enum):
    """ALIVE: nothing happened for StatusFrequency minutes. LOST: the server has given the subscription up."""

    ALIVE = "alive"
    CHANGED = "changed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Post:
    """One response message. `subscription_id` "" only with LOST: some servers leave it out."""

    subscription_id: str
    bell: Bell


class PostUnreadableError(Exception):
    """Too large, no whole XML, a document type, or no SendNotification; the message is a code, never a part of it."""


def answer(*, goes_on: bool) -> bytes:
    """SendNotificationResult: "OK" for more posts, "Unsubscribe" for none any more."""
    status = "OK" if goes_on else "Unsubscribe"
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<s:Envelope xmlns:s="{_SOAP}"><s:Body><SendNotificationResult xmlns="{_MESSAGES}">'
        f"<SubscriptionStatus>{status}</SubscriptionStatus></SendNotificationResult></s:Body></s:Envelope>"
    ).encode()


def parse(body: bytes) -> list[Post]:
    """The messages of one post, in order.

    Raises PostUnreadableError: too_large, not_xml, prolog, too_many, not_soap.
    """
    if len(body) > LARGEST_BODY:
        raise PostUnreadableError("too_large")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _no_prolog
    parser.EntityDeclHandler = _no_prolog
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise PostUnreadableError("not_xml") from None
    if not reader.posts:
        raise PostUnreadableError("not_soap")
    return reader.posts


def _no_prolog(*_: object) -> None:
    raise PostUnreadableError("prolog")


class _Reader:
    """Follows the tags; keeps one message at a time."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self._path: list[str] = []
        self._tags = 0
        self._id = ""
        self._is_error = self._has_news = self._takes_text = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._tags += 1
        self._path.append(name)
        if self._tags > _MOST_TAGS or len(self._path) > _DEEPEST or len(self.posts) >= MOST_MESSAGES:
            raise PostUnreadableError("too_many")
        if tuple(self._path[: len(_FRAME)]) != _FRAME[: len(self._path)]:
            return
        inside = tuple(self._path[len(_FRAME) :])
        if inside == (_MESSAGE,):
            self._id, self._has_news = "", False
            self._is_error = attributes.get("ResponseClass") != "Success"
        elif inside[1:] in (_ID, _LOST_ID):
            self._takes_text = inside[1:] == _ID or attributes.get("Name") == "SubscriptionId"
        elif inside[1:2] == (_NOTIFICATION,) and len(inside) == 3:
            self._has_news |= name.endswith("Event") and name != f"{_TYPES} StatusEvent"

    def end(self, _name: str) -> None:
        if self._path == [*_FRAME, _MESSAGE] and (self._id or self._is_error):
            bell = Bell.LOST if self._is_error else Bell.CHANGED if self._has_news else Bell.ALIVE
            self.posts.append(Post(self._id, bell))
        self._takes_text = False
        self._path.pop()

    def text(self, data: str) -> None:
        if not self._takes_text:
            return
        self._id += data.strip()
        if len(self._id) > _LONGEST_FIELD:
            raise PostUnreadableError("too_many")
