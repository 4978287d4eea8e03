"""Puts together the receiver of Exchange's posts: one table client, one queue client, nothing else."""

from collections.abc import Iterable

from calsync_core.adapters.exchange.push import Bell, PostUnreadableError, answer, parse
from calsync_core.bootstrap import Handler
from calsync_core.environment import WebhookConfig, load_small
from calsync_core.usecases.receive_exchange_post import Knock
from calsync_core.web.exchange_hook import ExchangeHook


def build() -> Handler:
    """Raises InstallationError("configuration_missing")."""
    from calsync_core.adapters.aws.clock import SystemClock
    from calsync_core.adapters.aws.queue import SqsQueue
    from calsync_core.adapters.dynamodb.subscriptions import DynamoSubscriptions
    from calsync_core.adapters.dynamodb.table import Table
    from calsync_core.bootstrap.clients import AwsClients

    config = load_small(WebhookConfig)
    clients = AwsClients()
    book = DynamoSubscriptions(Table(clients.dynamodb(), config.table_name))
    queue = SqsQueue(clients.client("sqs"), config.queue_url)
    return ExchangeHook(book, queue, SystemClock(), _knocks, _soap, _count_refused).handle


def _knocks(body: bytes) -> Iterable[Knock] | None:
    try:
        posts = parse(body)
    except PostUnreadableError:
        return None
    return [Knock(one.subscription_id, one.bell is Bell.CHANGED, one.bell is Bell.LOST) for one in posts]


def _soap(goes_on: bool) -> str:
    return answer(goes_on=goes_on).decode()


def _count_refused(refused: int) -> None:
    from calsync_core.observability import count

    count("NotificationRefused", refused)
