"""Puts together the two steps of the sweep: find and handle."""

from typing import Any

from calsync_core.adapters.hosts.outbox import deliver_waiting_events
from calsync_core.bootstrap import Handler
from calsync_core.bootstrap.parts import Parts
from calsync_core.config import SweepConfig, load
from calsync_core.domain.errors import CalsyncError, ProviderUnavailableError
from calsync_core.domain.ids import ResourceId
from calsync_core.jobs.batches import batches_of
from calsync_core.observability import logger
from calsync_core.ports.stores import Due
from calsync_core.usecases.resume_resource import resume_resource
from calsync_core.usecases.send_reminders import send_reminders
from calsync_core.usecases.sweep import SweepPorts, find_due, handle_due
from calsync_core.usecases.watch_role_accounts import DUE_KIND as ROLE_EXPIRY
from calsync_core.usecases.watch_role_accounts import Admins, watch_role_account


def build() -> Handler:
    """Raises InstallationError("configuration_missing")."""
    config = load(SweepConfig)
    parts = Parts(config, is_live=False)
    ports = SweepPorts(
        stores=parts.stores,
        host=parts.host,
        provider=parts.calendars.of_mailbox,
        queue=parts.queue,
        clock=parts.clock,
        remind=lambda due: _remind(parts, due),
        note=lambda kind, code: logger().warning("due item failed", kind=kind, code=code),
        poll_minutes=config.poll_minutes,
    )

    def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
        if event["step"] == "find":
            if event["page"] == 0:
                _deliver_host_events(parts)
            return batches_of(find_due(ports, event["page"]))
        return handle_due(ports, event["batch"]["items"])

    return handle


def _deliver_host_events(parts: Parts) -> None:
    """A booking system that does not answer must not keep anything else from being looked at."""
    try:
        deliver_waiting_events(parts.host_client(parts.account))
    except CalsyncError as error:
        logger().warning("host events not delivered", code=error.code)


def _remind(parts: Parts, due: Due) -> None:
    """Reminders, expiries and resumes are done once: what must follow schedules itself anew, under a later time.

    A mail service that does not answer leaves the item due: the reminders that follow hang on this one.
    """
    if due.kind == "resume":
        resume_resource(parts.journeys, parts.queue, due.account, ResourceId(due.subject), by="")
        return
    is_done = True
    try:
        _tell(parts, due)
    except ProviderUnavailableError:
        is_done = False
        raise
    finally:
        if is_done:  # unless it was scheduled anew: then its time is another one
            parts.stores.due.cancel(due.kind, due.account, due.subject, due.due_at)


def _tell(parts: Parts, due: Due) -> None:
    if due.kind != ROLE_EXPIRY:
        send_reminders(parts.journeys, due)
        return
    config = parts.config
    admins = Admins(config.mail_reply_to, config.account_locale, config.account_time_zone)
    watch_role_account(parts.journeys, due, admins)
