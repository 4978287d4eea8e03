"""Puts together the consumer of the mail system's news."""

from calsync_core.adapters.aws.clock import SystemClock
from calsync_core.adapters.dynamodb.stores import dynamodb_stores
from calsync_core.bootstrap import Handler
from calsync_core.bootstrap.clients import AwsClients
from calsync_core.config import MailFeedbackConfig, load
from calsync_core.mail_news import mail_news_handler


def build() -> Handler:
    """Raises InstallationError("configuration_missing")."""
    config = load(MailFeedbackConfig)
    return mail_news_handler(dynamodb_stores(AwsClients().dynamodb(), config.table_name), SystemClock())
