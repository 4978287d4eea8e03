"""Parses what SES publishes on the topic of mail events; the edge of the function mail_feedback.

Beside jobs/, because a topic's message is neither a page nor a job of the sync.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from calsync_core.observability import count, logger
from calsync_core.ports.outward import Clock
from calsync_core.ports.stores import Stores
from calsync_core.usecases.note_mail_feedback import MailFeedback, MailNews, note_mail_feedback

_METRIC = {MailNews.BOUNCED: "MailBounced", MailNews.COMPLAINED: "MailComplained"}


def mail_news_handler(stores: Stores, clock: Clock) -> Callable[[dict[str, Any], object], None]:
    """A Lambda handler for SNS events. It raises only for what must come again (ProviderUnavailableError)."""

    def handler(event: dict[str, Any], _context: object) -> None:
        for record in event.get("Records") or []:
            feedback = read_mail_news(str((record.get("Sns") or {}).get("Message") or ""))
            if feedback is None:
                logger().info("mail event without news")
                continue
            is_news = note_mail_feedback(stores, clock, feedback)
            logger().info("mail event", news=feedback.news.value, is_news=is_news)
            if is_news and feedback.news in _METRIC:
                count(_METRIC[feedback.news])

    return handler


def read_mail_news(message: str) -> MailFeedback | None:
    """None for kinds of events that change nothing (send, open, delay, a soft bounce) and for what cannot be read."""
    try:
        body = json.loads(message)
        mail = body["mail"]
        message_id = str(mail["messageId"])
        sent_at = datetime.fromisoformat(str(mail["timestamp"]))
    except (ValueError, KeyError, TypeError):
        return None
    news = _news(body)
    if news is None or not message_id:
        return None
    return MailFeedback(message_id, news, sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC))


def _news(body: Mapping[str, Any]) -> MailNews | None:
    kind = body.get("eventType") or body.get("notificationType")  # event publishing, or the older notifications
    if kind == "Delivery":
        return MailNews.DELIVERED
    if kind == "Complaint":
        return MailNews.COMPLAINED
    if kind == "Reject":
        return MailNews.BOUNCED
    if kind == "Bounce" and (body.get("bounce") or {}).get("bounceType") == "Permanent":
        return MailNews.BOUNCED
    return None
