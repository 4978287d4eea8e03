"""A console and API (tests/console_world.py) over a clinic whose runs really happen (tests/small_clinic.py)."""

from calsync_core.domain.ids import MailboxId
from calsync_core.usecases.sync.sync_run import SyncPorts

from tests.console_world import World
from tests.small_clinic import Clinic


def living_clinic(world: World, resource: str = "anna") -> Clinic:
    """One connected resource after its first import, on the world's own stores, booking system, clock and queue."""
    clinic: Clinic
    ports = SyncPorts(
        world.stores, lambda _account: world.host, lambda _account, mailbox: clinic.providers[mailbox], world.clock,
        world.ids, world.queue, installation=world.ports.installation, public_url="https://calsync.example", lanes=1,
    )  # fmt: skip
    clinic = Clinic(world.clock, world.system, world.host, world.stores, world.queue, ports)
    clinic.connect(resource)
    mailbox = MailboxId(f"mbx-{resource}")
    world.calendars.providers[mailbox] = clinic.providers[mailbox]
    clinic.run(resource, cause="import")
    return clinic
