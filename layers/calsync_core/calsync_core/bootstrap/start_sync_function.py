"""Puts together the consumer of wishes: two stores of one table, the state machines, nothing else."""

from typing import Any

from calsync_core.adapters.aws.clock import SystemClock, SystemIds
from calsync_core.adapters.aws.importer import StepFunctionsImporter
from calsync_core.adapters.dynamodb.due import DynamoDueStore
from calsync_core.adapters.dynamodb.leases import DynamoLeaseStore
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.bootstrap import Handler
from calsync_core.bootstrap.clients import AwsClients
from calsync_core.environment import StartConfig, load_small
from calsync_core.jobs.wishes import failed_messages
from calsync_core.usecases.start_run import StartPorts, start_run


def build() -> Handler:
    """Raises InstallationError("configuration_missing")."""
    config = load_small(StartConfig)
    clients = AwsClients()
    table = Table(clients.dynamodb(), config.table_name)
    importer = StepFunctionsImporter(clients.client("stepfunctions"), config.sync_express_arn, config.sync_standard_arn)
    ports = StartPorts(DynamoLeaseStore(table), DynamoDueStore(table), importer, SystemClock(), SystemIds())

    def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
        return failed_messages(event, lambda wish: start_run(wish, ports), _note)

    return handle


def _note(kind: str) -> None:
    from calsync_core.observability import logger

    logger().error("wish failed", error=kind)
