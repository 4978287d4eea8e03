"""What the console's pages work with: the frame, the ports, and the facts of the deployment that pages tell."""

from dataclasses import dataclass

from calsync_core.domain.ids import AccountId
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.usecases.change_settings import SettingsPorts
from calsync_core.usecases.confirm_stop_line import StopLinePorts
from calsync_core.usecases.refresh_resources import Refreshed, refresh_resources
from calsync_core.usecases.resolve_conflict import ConflictPorts
from calsync_core.web.console.frame import Frame


@dataclass(frozen=True, slots=True)
class Deployment:
    """Facts that Overview and Connections show; no secret among them."""

    public_url: str
    has_entra_client: bool
    has_entra_secret: bool
    entra_client_id: str
    mail_sender: str
    privacy_url: str
    privacy_version: str
    host_url: str
    redirect_uri: str

    @property
    def is_microsoft_ready(self) -> bool:
        return self.has_entra_client and self.has_entra_secret


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """One value for all pages; `link_key` signs the links that "Copy link" gives."""

    frame: Frame
    ports: JourneyPorts
    deployment: Deployment
    link_key: bytes

    @property
    def settings(self) -> SettingsPorts:
        return SettingsPorts.of(self.ports)

    @property
    def conflicts(self) -> ConflictPorts:
        return ConflictPorts.of(self.ports)

    @property
    def stop_line(self) -> StopLinePorts:
        return StopLinePorts.of(self.ports)

    def refresh(self, account: AccountId) -> Refreshed:
        stores = self.ports.stores
        return refresh_resources(self.ports.host, stores.resources, stores.log, self.ports.clock, account)
