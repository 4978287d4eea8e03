"""Writes .local/demo.json: addresses and credentials for scripts. Its shape is a contract (docs/demo.md)."""

import json
from typing import Any

from local import emulator
from local.cloud import ADMIN_EMAIL, LocalCloud
from local.people import BOOKABLES, MAILBOXES, ROOM


def write(cloud: LocalCloud, api_key: str, host_key: str) -> None:
    """Write the file whole; only its owner may read it."""
    target = cloud.layout.demo
    half = target.with_suffix(".half")
    half.touch(mode=0o600)
    half.write_text(json.dumps(content(cloud, api_key, host_key), indent=2) + "\n")
    half.replace(target)


def content(cloud: LocalCloud, api_key: str, host_key: str) -> dict[str, Any]:
    """No address ends in a slash; keys go as Bearer. `api` and `host` need no resolver that knows *.localhost."""
    return {
        "console": {"url": f"{cloud.public_url}/console", "email": ADMIN_EMAIL, "password": cloud.state.password},
        "api": {"url": f"{cloud.machine_url}/v1", "key": api_key},
        "host": {"url": f"{cloud.machine_url}/host", "key": host_key},
        "bookings_url": f"{cloud.public_url}/bookings",
        "mail_url": cloud.microsoft.mail_url,
        "microsoft": {
            "login": cloud.microsoft.login,
            "graph": cloud.microsoft.graph,
            "ews": cloud.microsoft.ews,
            "ca_file": str(cloud.microsoft.ca_file),
            "outlook_url": cloud.microsoft.outlook_url,
            "control_url": cloud.microsoft.control_url,
            "tenant_id": cloud.tenant_id,
            "client_id": cloud.state.scripts_client_id,
            "client_secret": cloud.state.scripts_client_secret,
        },
        "mailboxes": mailboxes(cloud.state.password),
        "aws": {
            "endpoint": cloud.aws_endpoint,
            "region": emulator.REGION,
            "stack": cloud.stack_name,
            "table": cloud.outputs["TableName"],
        },
    }


def mailboxes(password: str) -> list[dict[str, Any]]:
    """Every mailbox, once per resource that it is the calendar of, the connected one first.

    The room has no password: its custodian signs in. Who is no resource has no resource id.
    """
    facts = {box.email: {"email": box.email, "password": password if box.may_sign_in else None} for box in MAILBOXES}
    names = {box.email: box.display_name for box in MAILBOXES}
    rows = [facts[one.mailbox] | {"display_name": names[one.mailbox], "resource_id": one.id} for one in BOOKABLES]
    others = [email for email in facts if email not in {one.mailbox for one in BOOKABLES} and email != ROOM]
    return rows + [facts[email] | {"display_name": names[email], "resource_id": None} for email in others]
