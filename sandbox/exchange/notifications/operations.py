"""Subscribe, Unsubscribe and GetEvents: push and pull. Streaming would hold a connection and is not offered."""

import base64
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sandbox.calendars import Mailbox
from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.folders.tree import place_of
from sandbox.exchange.notifications.events import head, lines_after, notification
from sandbox.exchange.notifications.subscription import EVENT_TYPES, EwsSubscription, read_watermark, watermark
from sandbox.exchange.versions import Version
from sandbox.exchange.xml import Element, M, find, local, m, text

MAX_URL = 2083
MARKS_KEPT = timedelta(days=30)


@operation("Subscribe")
def subscribe(call: Call, request: Element) -> Element:
    """Begin a push or a pull subscription on folders of one mailbox."""
    wanted = find(request, "PushSubscriptionRequest")
    kind = "push" if wanted is not None else "pull"
    if wanted is None:
        wanted = find(request, "PullSubscriptionRequest")
    if wanted is None:
        raise EwsError("ErrorInvalidSubscriptionRequest", "This server has push and pull subscriptions only.")
    _check_names(wanted)
    mailbox, calendar_ids = _folders(call, wanted)
    now = call.world.clock.now()
    subscription = EwsSubscription(
        id=_new_id(call),
        kind="push" if kind == "push" else "pull",
        server=call.server.name,
        owner_id=call.person.id,
        mailbox_oid=mailbox.oid,
        calendar_ids=calendar_ids,
        event_types=_event_types(wanted),
        version=_version_name(call.version),
        created_at=now,
        last_contact_at=now,
        acknowledged=_begin(wanted, mailbox, now),
        url=_url(wanted) if kind == "push" else "",
        minutes=_minutes(wanted, "StatusFrequency" if kind == "push" else "Timeout"),
    )
    kept = call.exchange.notifications.state.kept
    same = [s for s in kept.values() if s.mailbox_oid == mailbox.oid]
    if call.server.limits.is_enforced and len(same) >= call.server.limits.max_subscriptions:
        raise EwsError("ErrorExceededSubscriptionCount")
    kept[subscription.id] = subscription
    call.exchange.notifications.wake()
    mark = watermark(mailbox.oid, subscription.acknowledged)
    return call.message(m("SubscriptionId", subscription.id), m("Watermark", mark))


def _check_names(wanted: Element) -> None:
    """Children are of the types namespace; a client that says m:Watermark fails the schema. Raises SchemaError."""
    for child in wanted:
        if child.tag.startswith(f"{{{M}}}"):
            raise SchemaError(
                f"The element '{local(wanted)}' has invalid child element '{local(child)}' in namespace '{M}'.",
                child.sourceline or 1,
            )


def _folders(call: Call, wanted: Element) -> tuple[Mailbox, list[str] | None]:
    """The one mailbox that is meant, and which of its calendars (None: all folders). Raises EwsError."""
    named = find(wanted, "FolderIds")
    if wanted.get("SubscribeToAllFolders", "false") in ("true", "1"):
        if named is not None or call.version < Version.EXCHANGE2010:
            raise EwsError("ErrorInvalidSubscriptionRequest")
        return call.mailbox(), None
    if named is None or len(named) == 0:
        raise EwsError("ErrorInvalidSubscriptionRequest", "Subscriptions must have at least one folder.")
    mailbox, calendars = None, []
    for one in named:
        owner, calendar = _folder(call, one)
        if mailbox is not None and owner is not mailbox:
            raise EwsError("ErrorInvalidSubscriptionRequest", "All folders must be of the same mailbox.")
        mailbox = owner
        calendars += [calendar] if calendar else []
    assert mailbox is not None
    return mailbox, calendars


def _folder(call: Call, one: Element) -> tuple[Mailbox, str]:
    """Mailbox and calendar of one folder id; no calendar for folders in which nothing ever happens. Raises EwsError."""
    place = place_of(call, one)
    if place.is_guest or (place.folder is not None and place.folder.calendar.mailbox_oid != place.mailbox.oid):
        raise EwsError("ErrorSubscriptionDelegateAccessNotSupported")
    return place.mailbox, place.folder.calendar.calendar_id if place.folder else ""


def _event_types(wanted: Element) -> list[str]:
    named = find(wanted, "EventTypes")
    found = [(one.text or "").strip() for one in named] if named is not None else []
    unknown = [name for name in found if name not in EVENT_TYPES]
    if not found or unknown:
        raise SchemaError(f"The 'EventType' element is invalid - The value '{', '.join(unknown)}' is invalid.")
    return found


def _minutes(wanted: Element, name: str) -> int:
    value = text(wanted, name)
    if value is None or not value.isdigit() or not 1 <= int(value) <= 1440:
        raise SchemaError(f"The '{name}' element is invalid - The value '{value}' is invalid.")
    return int(value)


def _url(wanted: Element) -> str:
    url = text(wanted, "URL") or ""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or len(url) >= MAX_URL:
        raise EwsError("ErrorInvalidPushSubscriptionUrl")
    return url


def _begin(wanted: Element, mailbox: Mailbox, now: datetime) -> int:
    """Where the events begin: after the watermark, else now. Raises EwsError."""
    mark = text(wanted, "Watermark")
    if not mark:
        return head(mailbox)
    sequence = read_watermark(mark, mailbox.oid)
    lines = lines_after(mailbox, None, (sequence or 0) - 1)
    is_old = bool(lines) and lines[0][1].at < now - MARKS_KEPT
    if sequence is None or sequence > head(mailbox) or is_old:
        raise EwsError("ErrorInvalidWatermark")
    return sequence


def _new_id(call: Call) -> str:
    server = f"{call.server.computer}.{call.server.dns_domain}".lower().encode()
    drawn = call.world.random.getrandbits(192).to_bytes(24, "big")
    return base64.b64encode(bytes([len(server), 0]) + server + drawn).decode()


def _version_name(version: Version) -> str:
    return version.name.replace("EXCHANGE", "Exchange")


def _own(call: Call, request: Element) -> EwsSubscription:
    """The caller's subscription that a request names. Raises EwsError."""
    found = call.exchange.notifications.state.kept.get(text(request, "SubscriptionId") or "")
    if found is None or found.server != call.server.name:
        raise EwsError("ErrorSubscriptionNotFound")
    if found.owner_id != call.person.id:
        raise EwsError("ErrorSubscriptionAccessDenied")
    if found.kind == "pull" and found.last_contact_at + timedelta(minutes=found.minutes) < call.world.clock.now():
        del call.exchange.notifications.state.kept[found.id]
        raise EwsError("ErrorSubscriptionNotFound")
    assert isinstance(found, EwsSubscription)
    return found


@operation("Unsubscribe")
def unsubscribe(call: Call, request: Element) -> Element:
    """End a pull subscription; push ends by the answer to a post only."""
    subscription = _own(call, request)
    if subscription.kind == "push":
        raise EwsError("ErrorInvalidSubscription")
    del call.exchange.notifications.state.kept[subscription.id]
    return call.message()


@operation("GetEvents")
def get_events(call: Call, request: Element) -> Element:
    """Events of a pull subscription after a watermark."""
    subscription = _own(call, request)
    if subscription.kind != "pull":
        raise EwsError("ErrorInvalidPullSubscriptionId")
    mailbox = call.world.mailboxes.by_id(subscription.mailbox_oid)
    sequence = read_watermark(text(request, "Watermark") or "", subscription.mailbox_oid)
    if mailbox is None or sequence is None:
        raise EwsError("ErrorInvalidWatermark")
    settings = call.exchange.notifications.state.settings
    subscription.acknowledged = sequence
    subscription.last_contact_at = call.world.clock.now()
    lines = lines_after(mailbox, subscription.calendar_ids, sequence)
    part = lines[: settings.max_events]
    made, _ = notification(
        call.world.mailboxes,
        mailbox,
        subscription,
        part,
        has_more=len(part) < len(lines),
        tells_of_folders=settings.tells_of_folders,
    )
    return call.message(made)
