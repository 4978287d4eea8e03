"""What stands between a deployed stack and a demo that is ready: the clinic, one connected resource, demo.json."""

from collections.abc import Callable

from calsync_core.keys import host_key

from local import clinic, demo_file
from local.cloud import LocalCloud
from local.host import Host

ACCOUNT = "main"


def fill(cloud: LocalCloud, tell: Callable[[str], None]) -> None:
    """Bring in people, resources and bookings, let one person connect, write demo.json."""
    tell("filling the demo clinic")
    key = host_key(cloud.secret()["root_key"], ACCOUNT)
    host = Host(f"{cloud.machine_url}/host", key)
    clinic.add_people(cloud)
    clinic.add_resources(host)
    clinic.add_bookings(host)
    demo_file.write(cloud, "", key)
