"""All stores on one table with one client."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from calsync_core.adapters.dynamodb.access import DynamoAccessStore
from calsync_core.adapters.dynamodb.conflicts import DynamoConflictStore
from calsync_core.adapters.dynamodb.connections import DynamoConnectionStore
from calsync_core.adapters.dynamodb.credentials import DynamoCredentialStore
from calsync_core.adapters.dynamodb.cursors import DynamoCursorStore
from calsync_core.adapters.dynamodb.datakeys import DynamoDataKeys
from calsync_core.adapters.dynamodb.due import DynamoDueStore
from calsync_core.adapters.dynamodb.journeys import DynamoJourneyStore
from calsync_core.adapters.dynamodb.leases import DynamoLeaseStore
from calsync_core.adapters.dynamodb.links import DynamoLinkStore
from calsync_core.adapters.dynamodb.mails import DynamoMailLedger
from calsync_core.adapters.dynamodb.resources import DynamoResourceStore
from calsync_core.adapters.dynamodb.role_accounts import DynamoRoleAccountStore
from calsync_core.adapters.dynamodb.servers import DynamoAppStore, DynamoAttemptStore, DynamoServerStore
from calsync_core.adapters.dynamodb.settings import DynamoSettingsStore
from calsync_core.adapters.dynamodb.synclog import DynamoLogStore
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.adapters.dynamodb.tokens import DynamoTokenStore
from calsync_core.ports.outward import Sealer
from calsync_core.ports.stores import Stores

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def dynamodb_stores(
    client: "DynamoDBClient",
    table: str,
    sealer: Sealer | None = None,
    *,
    pause: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
) -> Stores:
    """`sealer` seals credentials; a function without one cannot read or write them. `pause` and `now`: see Table."""
    rows = Table(client, table, pause, now)
    return Stores(
        resources=DynamoResourceStore(rows),
        leases=DynamoLeaseStore(rows),
        cursors=DynamoCursorStore(rows),
        links=DynamoLinkStore(rows),
        settings=DynamoSettingsStore(rows),
        connections=DynamoConnectionStore(rows),
        credentials=DynamoCredentialStore(rows, sealer),
        tokens=DynamoTokenStore(rows, sealer),
        journeys=DynamoJourneyStore(rows),
        conflicts=DynamoConflictStore(rows),
        log=DynamoLogStore(rows),
        mails=DynamoMailLedger(rows),
        due=DynamoDueStore(rows),
        access=DynamoAccessStore(rows),
        servers=DynamoServerStore(rows),
        apps=DynamoAppStore(rows),
        attempts=DynamoAttemptStore(rows),
        role_accounts=DynamoRoleAccountStore(rows),
    )


def data_keys(client: "DynamoDBClient", table: str) -> DynamoDataKeys:
    """Where the sealer keeps the sealed data keys."""
    return DynamoDataKeys(Table(client, table))
