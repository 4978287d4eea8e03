"""One local cloud for all end-to-end tests: the real build and deploy, started once, in a folder of its own.

Tests touch only HTTP, mail and the sandbox's control address. CALSYNC_E2E_FOLDER names the folder of a local cloud that
runs already (for example `.local` beside `make demo`): whoever writes a test need not wait for a new one each time.
"""

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import clinic as demo_clinic
from local import stack
from local.cloud import TENANT_DOMAIN, LocalCloud
from local.layout import EMULATOR_PYTHON, SAM
from local.microsoft import Addresses, Control
from local.ports import Ports
from local.state import State
from tests.e2e import patience
from tests.e2e.clinic import Clinic, until
from tests.e2e.patience import Stories


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A deployed stack beside a Microsoft sandbox; what was started is stopped by process id."""
    if folder := os.environ.get("CALSYNC_E2E_FOLDER"):
        yield attach(Path(folder), os.environ.get("CALSYNC_E2E_STACK", "calsync"))
        return
    if missing := [str(tool) for tool in (SAM, EMULATOR_PYTHON) if not tool.exists()]:
        pytest.skip(f"not installed, `make setup` brings it: {', '.join(missing)}")
    with LocalCloud(tmp_path_factory.mktemp("cloud"), f"e2e-{secrets.token_hex(3)}") as cloud:
        yield cloud


@pytest.fixture(scope="session")
def clinic(cloud: LocalCloud, request: pytest.FixtureRequest) -> Clinic:
    """The clinic with its administrator signed in, the privacy text agreed to, and the slow stories begun."""
    clinic = Clinic(cloud)
    demo_clinic.add_people(cloud)
    demo_clinic.add_resources(clinic.host)
    clinic.admin.refresh()
    clinic.api.call("GET", "/resources")
    # Every function has been started once now; what their cold starts delayed is delivered.
    until("events of the booking system", lambda: clinic.host.call("POST", "/events/deliver")["waiting"], 0)
    first = {"send": False, "agree_to_privacy_version": "1"}
    clinic.api.call("POST", "/resources/ben/invitation", first)
    if any("stories" in getattr(item, "fixturenames", ()) for item in request.session.items):
        clinic.stories = patience.begin(clinic)
    return clinic


@pytest.fixture
def stories(clinic: Clinic) -> Stories:
    """What began with the session."""
    assert isinstance(clinic.stories, Stories)
    return clinic.stories


def attach(folder: Path, stack_name: str) -> LocalCloud:
    """A local cloud that somebody else started and will stop."""
    cloud = LocalCloud(folder, stack_name)
    cloud.state = State.load(cloud.layout.state)
    cloud.ports = Ports(**cloud.state.ports)
    said = json.loads((cloud.layout.root / "microsoft.ready.json").read_text())
    names = ("login", "graph", "outlook_url", "mail_url", "control_url")
    cloud.microsoft = Addresses(**{name: said[name] for name in names}, ca_file=Path(said["ca_file"]))
    cloud.control = Control(cloud.microsoft.control_url)
    cloud.tenant_id = cloud.control.tenant("Demo clinic", TENANT_DOMAIN)
    cloud.outputs = stack.outputs(cloud.ports, stack_name)
    return cloud
