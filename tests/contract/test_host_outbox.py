"""What the bundled booking system could not post with its change goes out when the sweep asks."""

import pytest
from calsync_core.adapters.hosts.client import HostClient
from calsync_core.adapters.hosts.outbox import deliver_waiting_events
from calsync_core.domain.errors import InstallationError
from calsync_core.hosts.reference.app import build_app
from calsync_core.keys import host_key

from tests.reference_host import SETTINGS, Calsync, Door, moto_table, served

KEY = host_key(SETTINGS.root_key, SETTINGS.account)
RESOURCE = {"id": "anna", "name": "Anna", "kind": "staff", "time_zone": "Europe/Berlin"}


def test_events_of_a_time_when_calsync_did_not_answer_go_out_later() -> None:
    calsync = Calsync(status=None)
    with moto_table() as client, served(lambda: build_app(SETTINGS, client, Door(), post=calsync)) as url:
        host = HostClient(f"{url}/host", KEY)
        host.call("POST", "/resources", body=RESOURCE)
        assert deliver_waiting_events(host) == 0
        calsync.status = 202

        assert deliver_waiting_events(host) == 1
        assert deliver_waiting_events(host) == 0
        assert [event["subject_id"] for event in calsync.events] == ["anna"]


def test_a_booking_system_without_that_address_is_left_alone() -> None:
    with moto_table() as client, served(lambda: build_app(SETTINGS, client, Door(), post=Calsync())) as url:
        assert deliver_waiting_events(HostClient(f"{url}/host/elsewhere", KEY)) == 0


def test_a_key_that_is_refused_is_said() -> None:
    with (
        moto_table() as client,
        served(lambda: build_app(SETTINGS, client, Door(), post=Calsync())) as url,
        pytest.raises(InstallationError),
    ):
        deliver_waiting_events(HostClient(f"{url}/host", "wrong"))
