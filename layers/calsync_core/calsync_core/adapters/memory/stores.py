"""All stores in memory, wired as `bootstrap` would wire the real ones."""

from calsync_core.adapters.memory.connections import MemoryConnectionStore, MemoryCredentialStore, MemoryTokenStore
from calsync_core.adapters.memory.history import MemoryConflictStore, MemoryDueStore, MemoryLogStore
from calsync_core.adapters.memory.journeys import MemoryAccessStore, MemoryJourneyStore, MemoryMailLedger
from calsync_core.adapters.memory.links import MemoryLinkStore
from calsync_core.adapters.memory.outward import PlainSealer
from calsync_core.adapters.memory.resources import (
    MemoryCursorStore,
    MemoryLeaseStore,
    MemoryResourceStore,
    MemorySettingsStore,
)
from calsync_core.adapters.memory.role_accounts import MemoryRoleAccountStore
from calsync_core.adapters.memory.servers import MemoryAppStore, MemoryAttemptStore, MemoryServerStore
from calsync_core.ports.outward import Sealer
from calsync_core.ports.stores import Stores


def memory_stores(sealer: Sealer | None = None) -> Stores:
    """Empty stores. `sealer` seals credentials; without one they are kept readable."""
    resources = MemoryResourceStore()
    leases = MemoryLeaseStore(resources)
    credentials = MemoryCredentialStore(sealer or PlainSealer())
    tokens = MemoryTokenStore(sealer or PlainSealer())
    return Stores(
        resources=resources,
        leases=leases,
        cursors=MemoryCursorStore(leases),
        links=MemoryLinkStore(),
        settings=MemorySettingsStore(),
        connections=MemoryConnectionStore(credentials, tokens),
        credentials=credentials,
        tokens=tokens,
        journeys=MemoryJourneyStore(),
        conflicts=MemoryConflictStore(),
        log=MemoryLogStore(),
        mails=MemoryMailLedger(),
        due=MemoryDueStore(leases),
        access=MemoryAccessStore(),
        servers=MemoryServerStore(),
        apps=MemoryAppStore(),
        attempts=MemoryAttemptStore(),
        role_accounts=MemoryRoleAccountStore(),
    )
