"""Puts the booking system together. Outside this package only this file is imported."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from calsync_core.hosts.reference.answers import Answers
from calsync_core.hosts.reference.api import System, add_api, problem
from calsync_core.hosts.reference.blocks import Blocks
from calsync_core.hosts.reference.calendars import Calendars
from calsync_core.hosts.reference.changes import ChangeFeed
from calsync_core.hosts.reference.desk import Desk
from calsync_core.hosts.reference.errors import HostError
from calsync_core.hosts.reference.outbox import Outbox, Post, post_by_requests
from calsync_core.hosts.reference.pages import add_pages
from calsync_core.hosts.reference.register import Register
from calsync_core.hosts.reference.sessions import SignIn
from calsync_core.hosts.reference.table import Table
from calsync_core.keys import derive, host_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Lambda = Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What one deployment of the booking system is told.

    `root_key` is the stack's; keys are derived from it (calsync_core.keys). `public_url` has no trailing slash.
    """

    account: str
    account_name: str
    table_name: str
    root_key: str
    public_url: str
    granularity_minutes: int = 5


def _now() -> datetime:
    return datetime.now(UTC)


def build_system(
    settings: HostSettings,
    client: "DynamoDBClient",
    *,
    post: Post = post_by_requests,
    clock: Callable[[], datetime] = _now,
) -> System:
    """The booking system without its faces; also what `deliver_pending` and tests need."""

    def whole_seconds() -> datetime:
        return clock().replace(microsecond=0)

    table = Table(client, settings.table_name, settings.account)
    secret = derive(settings.root_key, f"host-events:{settings.account}")
    outbox = Outbox(table, f"{settings.public_url}/hooks/host/{settings.account}", secret, clock, post)
    answers, calendars = Answers(table), Calendars(table)
    register = Register(table, outbox, answers, whole_seconds)
    desk = Desk(table, calendars, register, outbox, answers, whole_seconds, settings.granularity_minutes)
    blocks = Blocks(table, register, whole_seconds)
    return System(register, desk, blocks, calendars, ChangeFeed(table, calendars), outbox, whole_seconds)


def build_app(
    settings: HostSettings,
    client: "DynamoDBClient",
    sign_in: SignIn,
    *,
    post: Post = post_by_requests,
    clock: Callable[[], datetime] = _now,
) -> Lambda:
    """The handler of the booking system's function: /host and /bookings.

    `client` is a low-level DynamoDB client, `sign_in` decides who may see the week page; the API has its own key.
    """
    system = build_system(settings, client, post=post, clock=clock)
    app = APIGatewayHttpResolver()
    add_api(app, system, host_key(settings.root_key, settings.account))
    add_pages(app, system, settings.account, settings.account_name, settings.public_url, sign_in)

    @app.not_found
    def no_such_address(_: Exception) -> Response[str]:
        return problem(HostError(404, "no_such_address", "There is nothing at this address."))

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answer = app.resolve(event, context)
        # a redirect has no body, which powertools writes as null; not every gateway takes that for an empty one
        return {**answer, "body": answer.get("body") or ""}

    return handle
