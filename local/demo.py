"""What stands between a deployed stack and a demo that is ready: the clinic, one connected resource, demo.json."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests
from calsync_core.keys import host_key

from local import clinic, demo_file, exchange
from local.cloud import LocalCloud
from local.host import Host
from local.journey import Admin, Person, wait_for
from local.people import CONNECTED

ACCOUNT = "main"


def fill(cloud: LocalCloud, tell: Callable[[str], None]) -> None:
    """Bring in people, resources and bookings, let one person connect, enter the Exchange server, write demo.json."""
    tell("filling the demo clinic")
    key = host_key(cloud.secret()["root_key"], ACCOUNT)
    host = Host(f"{cloud.machine_url}/host", key)
    clinic.add_people(cloud)
    clinic.add_resources(host)
    clinic.add_bookings(host)
    api_key = connect_first(cloud, tell)
    tell("entering the clinic's Exchange server")
    exchange.connect_server(cloud)
    exchange.connect_role_account(cloud)
    demo_file.write(cloud, api_key, key)
    tell("starting every function once")
    warm(cloud, api_key)


def warm(cloud: LocalCloud, api_key: str) -> None:
    """Call every function once: a cold start here takes seconds, and nobody should take that for the sync's pace."""
    api = Host(f"{cloud.machine_url}/v1", api_key)
    asked = [f"{cloud.public_url}{path}" for path in ("/signin", "/bookings", "/i/none", "/oauth/microsoft")]
    with ThreadPoolExecutor(3) as beside:
        run = beside.submit(api.call, "POST", f"/resources/{CONNECTED.id}/sync", None, (200, 202, 409, 429))
        hook = beside.submit(requests.post, f"{cloud.public_url}/hooks/graph/none", json={"value": []}, timeout=60)
        for answer in beside.map(lambda url: requests.get(url, timeout=60, allow_redirects=False), asked):
            answer.close()
        hook.result().close()
        run.result()


def connect_first(cloud: LocalCloud, tell: Callable[[str], None]) -> str:
    """One person goes the whole way from the mail to connected, once; gives the API key of the demo's scripts."""
    key = _script_key(cloud)
    api = Host(f"{cloud.machine_url}/v1", key)

    def status() -> str:
        return str(api.call("GET", f"/resources/{CONNECTED.id}")["status"]["state"])

    if status() == "not_invited":
        tell(f"{CONNECTED.name} connects her calendar")
        Admin(cloud).invite(CONNECTED.id)
    if status() == "awaiting_confirmation":
        Person(cloud, CONNECTED.mailbox).connect()
        wait_for("the first import", lambda: status() == "connected", 60)
    return key


def _script_key(cloud: LocalCloud) -> str:
    """The key of the demo's scripts; a new one where somebody revoked it in the console meanwhile."""
    notes = cloud.state.notes
    known = str(notes.get("api_key", ""))
    answer = Host(f"{cloud.machine_url}/v1", known).call("GET", "/resources", None, (200, 401)) if known else {}
    if not known or answer.get("code") == "key_unknown":
        admin = Admin(cloud)
        admin.refresh()
        notes["api_key"] = admin.new_api_key("Scripts of the demo")
    return str(notes["api_key"])
