"""Changing the settings of a clinic in memory: the console's ports around it, dry runs, and the runs that follow."""

from calsync_core.adapters.memory.exchange import MemoryExchange
from calsync_core.adapters.memory.outward import MemoryMailer, PlainSealer
from calsync_core.domain.ids import ResourceId
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.usecases.change_settings import Change, SettingsPorts, save_change
from calsync_core.usecases.dry_run_settings import DryRun, dry_run_settings

from tests.console_world import FakeSignIn, MemoryCalendars, PlainWriter
from tests.small_clinic import ACCOUNT, Clinic


def journeys(clinic: Clinic) -> JourneyPorts:
    return JourneyPorts(
        stores=clinic.stores, mailer=MemoryMailer(), writer=PlainWriter(), clock=clinic.clock, queue=clinic.queue,
        ids=clinic.ports.ids, sealer=PlainSealer(), sign_in=FakeSignIn(), host=clinic.host, installation="test",
        exchange=MemoryExchange(), calendars=MemoryCalendars(clinic.providers), redirect_uri="https://calsync.example/oauth/callback",
        text_version="1",
    )  # fmt: skip


def ports(clinic: Clinic) -> SettingsPorts:
    stores = clinic.stores
    return SettingsPorts(
        stores.resources, stores.settings, stores.links, stores.log, clinic.queue, clinic.clock,
        journeys(clinic),
    )  # fmt: skip


def dry_run(clinic: Clinic, change: Change, resource: str | None = None) -> DryRun:
    return dry_run_settings(
        journeys(clinic), ports(clinic), ACCOUNT, ResourceId(resource) if resource else None, change
    )


def save(clinic: Clinic, change: Change, resource: str | None = None) -> None:
    save_change(ports(clinic), ACCOUNT, ResourceId(resource) if resource else None, change, by="admin")
    for wish in clinic.queue.take_all():
        clinic.run(wish.resource, wish.cause)
