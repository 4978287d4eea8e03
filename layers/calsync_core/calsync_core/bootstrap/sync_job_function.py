"""Puts together the two steps of sync_resource: work and close."""

from datetime import timedelta
from typing import Any

from calsync_core.bootstrap import Handler
from calsync_core.bootstrap.parts import Parts
from calsync_core.config import SyncJobConfig, load
from calsync_core.domain.errors import CalsyncError
from calsync_core.jobs.runs import answer_of, close_of, work_of
from calsync_core.observability import count, describe, logger
from calsync_core.usecases.close_run import close_run
from calsync_core.usecases.sync.sync_resource import Result, sync_resource
from calsync_core.usecases.sync.sync_run import SyncPorts
from calsync_core.usecases.tell_conflict import tell_conflict
from calsync_core.usecases.tell_stop_line import tell_stop_line


def build() -> Handler:
    """Raises InstallationError("configuration_missing")."""
    config = load(SyncJobConfig)
    parts = Parts(config)
    ports = sync_ports(parts, config)

    def handle(event: dict[str, Any], _context: object) -> dict[str, Any] | None:
        try:
            return _step(event, parts, ports)
        except CalsyncError:
            raise
        except Exception as error:
            # The message of a bug may carry a title. Lambda would log it, and the machine's history would keep it.
            logger().error("bug", **describe(error))
            raise CalsyncError("internal") from None

    return handle


def _step(event: dict[str, Any], parts: Parts, ports: SyncPorts) -> dict[str, Any] | None:
    if event["step"] == "close":
        close_run(close_of(event), parts.journeys)
        return None
    outcome = sync_resource(work_of(event), ports)
    if outcome.result is Result.FAILED:
        count("RunFailed")
    logger().info(
        "worked", resource=event["resource"], run=event["run"], cause=event["cause"],
        outcome=outcome.result.value, code=outcome.code,
    )  # fmt: skip
    return answer_of(event, outcome)


def sync_ports(parts: Parts, config: SyncJobConfig) -> SyncPorts:
    return SyncPorts(
        stores=parts.stores,
        host=parts.host,
        provider=parts.calendars.of_mailbox,
        clock=parts.clock,
        ids=parts.ids,
        queue=parts.queue,
        installation=parts.installation,
        public_url=config.public_url,
        poll_minutes=config.poll_minutes,
        work_for=timedelta(seconds=50),
        lease_for=timedelta(seconds=120),  # the function's time-out of 90 s and 30 s more
        on_conflict=lambda conflict: tell_conflict(parts.journeys, conflict, config.mail_reply_to),
        on_stop=lambda state: tell_stop_line(parts.journeys, state, config.mail_reply_to),
    )
