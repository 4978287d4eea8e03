"""Puts together the receiver of Graph's notifications: one table client, one queue client, nothing else."""

from collections.abc import Iterable

from calsync_core.adapters.graph.notifications import Notice, NotificationUnreadableError, parse
from calsync_core.bootstrap import Handler
from calsync_core.environment import WebhookConfig, load_small
from calsync_core.usecases.receive_notification import Bell
from calsync_core.web.graph_hook import GraphHook


def build() -> Handler:
    """Raises InstallationError("configuration_missing")."""
    from calsync_core.adapters.aws.queue import SqsQueue
    from calsync_core.adapters.dynamodb.subscriptions import DynamoSubscriptions
    from calsync_core.adapters.dynamodb.table import Table
    from calsync_core.bootstrap.clients import AwsClients

    config = load_small(WebhookConfig)
    clients = AwsClients()
    book = DynamoSubscriptions(Table(clients.dynamodb(), config.table_name))
    queue = SqsQueue(clients.client("sqs"), config.queue_url)
    return GraphHook(book, queue, _bells, _count_refused).handle


def _bells(body: bytes) -> Iterable[Bell] | None:
    try:
        parsed = parse(body)
    except NotificationUnreadableError:
        return None
    return [Bell(one.secret, None if one.notice is Notice.CHANGED else one.notice.value) for one in parsed]


def _count_refused(refused: int) -> None:
    from calsync_core.observability import count

    count("NotificationRefused", refused)
