"""The Microsoft sandbox as a process, and its control address as Python calls."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from local import processes
from local.layout import REPOSITORY, RESOLVER, Layout, clean_environment
from local.ports import Ports

# What the product asks people for, and what an admin may have allowed it.
DELEGATED = [
    *("openid", "profile", "email", "offline_access", "User.Read", "MailboxSettings.Read"),
    *("Calendars.ReadWrite", "Calendars.ReadWrite.Shared", "Place.Read.All"),
]
# What scripts need to act as a person in Outlook.
ROLES = ["Calendars.ReadWrite", "MailboxSettings.ReadWrite", "User.Read.All"]


class SandboxError(RuntimeError):
    """The sandbox did not start, or refused what it was asked; the message says which."""


@dataclass(frozen=True)
class Addresses:
    """Where the sandbox is; no address ends in a slash."""

    login: str
    graph: str
    outlook_url: str
    mail_url: str
    control_url: str
    ca_file: Path

    @property
    def ews(self) -> str:
        """The web services of the sandbox's Exchange server."""
        return f"{self.login}/EWS/Exchange.asmx"


def start(layout: Layout, ports: Ports) -> processes.Started:
    """Start the sandbox; `wait_until_ready` tells when it listens."""
    _ready_file(layout).unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "sandbox", "--state-dir", str(layout.sandbox_state)),
        *("--https-port", str(ports.microsoft), "--http-port", str(ports.outlook), "--smtp-port", str(ports.smtp)),
        *("--ready-file", str(_ready_file(layout))),
    ]
    environment = clean_environment(PYTHONPATH=str(RESOLVER), PYTHONDONTWRITEBYTECODE="1")
    return processes.start("sandbox", command, environment, layout.log("microsoft"), REPOSITORY)


def wait_until_ready(started: processes.Started, layout: Layout, patience: float = 120) -> Addresses:
    """Wait for the line in which the sandbox says where it listens.

    Raises:
        SandboxError: it said nothing in time.
        ProcessEndedError: it ended.
    """
    deadline = time.monotonic() + patience
    while not _ready_file(layout).exists():
        started.must_run()
        if time.monotonic() > deadline:
            raise SandboxError(f"not ready after {patience:.0f} s: {processes.log_end(started.log)}")
        time.sleep(0.05)
    said = json.loads(_ready_file(layout).read_text())
    names = ("login", "graph", "outlook_url", "mail_url", "control_url")
    return Addresses(**{name: said[name] for name in names}, ca_file=Path(said["ca_file"]))


def _ready_file(layout: Layout) -> Path:
    return layout.root / "microsoft.ready.json"


class Control:
    """The control address. What exists already is left as it is, so that a restart repeats nothing."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def call(self, method: str, path: str, body: Any = None, **query: str | int) -> Any:
        """One call; answers the JSON, None for an empty answer.

        Raises:
            SandboxError: any answer but 2xx.
        """
        answer = self._session.request(method, f"{self.url}{path}", json=body, params=query, timeout=30)
        if not answer.ok:
            raise SandboxError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def tenant(self, name: str, domain: str) -> str:
        """Make sure that an organisation with that domain exists; answers its id."""
        for tenant in self.call("GET", "/tenants"):
            if domain in tenant["domains"]:
                return str(tenant["id"])
        return str(self.call("POST", "/tenants", {"name": name, "domains": [domain]})["id"])

    def app(self, name: str, home_tenant: str, client_id: str, **facts: Any) -> None:
        """Make sure that an app registration is as described: a new port means a new redirect address."""
        known = {app["client_id"] for app in self.call("GET", "/apps")}
        if client_id in known:
            self.call("PATCH", f"/apps/{client_id}", {"name": name, **facts})
        else:
            self.call("POST", "/apps", {"name": name, "home_tenant": home_tenant, "client_id": client_id, **facts})

    def allow(self, tenant: str, client_id: str, roles: list[str]) -> None:
        """An admin of the tenant gives an app rights of its own."""
        self.call("PUT", f"/tenants/{tenant}/grants/{client_id}", {"roles": roles})

    def person(self, email: str, display_name: str, **facts: Any) -> dict[str, Any]:
        """Make sure that a person, room or equipment exists; answers what the sandbox says about it."""
        for person in self.call("GET", "/people"):
            if person["email"] == email:
                return dict(person)
        made = self.call("POST", "/people", {"email": email, "display_name": display_name, **facts})
        return dict(made)
