"""Puts together /v1 and the booking system's events."""

from collections.abc import Mapping

from calsync_core.adapters.hosts.events import verify_event
from calsync_core.bootstrap import Handler
from calsync_core.bootstrap.parts import Parts
from calsync_core.config import HostApiConfig, load
from calsync_core.domain.ids import AccountId
from calsync_core.keys import host_events_secret
from calsync_core.usecases.receive_host_event import HostEvent
from calsync_core.usecases.refresh_resources import Refreshed, refresh_resources
from calsync_core.web.api.app import api_handler
from calsync_core.web.api.frame import ApiFrame
from calsync_core.web.hooks import HostEvents


def build() -> Handler:
    """Raises InstallationError("configuration_missing")."""
    config = load(HostApiConfig)
    parts = Parts(config)

    def verify(account: AccountId, headers: Mapping[str, str], body: bytes) -> HostEvent:
        signed = verify_event(host_events_secret(parts.secret.root_key, account), headers, body)
        return HostEvent(signed.type, signed.resource_ids)

    def refresh(account: AccountId) -> Refreshed:
        return refresh_resources(parts.host(account), parts.stores.resources, parts.stores.log, parts.clock, account)

    events = HostEvents(parts.stores.resources, parts.queue, verify, refresh)
    return api_handler(ApiFrame(parts.journeys), events, config.public_url)
