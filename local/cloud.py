"""The local cloud as one object: `LocalCloud(folder).start()` gives a deployed stack beside a Microsoft sandbox.

`make demo` and the end-to-end tests use the same object. All of it lives in one folder, listens on 127.0.0.1 only, and
ends with `stop()`, which saves the state of both sides first. Two clouds in two folders do not see each other.
"""

import fcntl
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from local import emulator, microsoft, ports, processes, stack
from local.layout import Layout
from local.mail_feedback import MailFeedback
from local.microsoft import Addresses, Control
from local.resolver import sitecustomize  # noqa: F401 - so that *.localhost is found in this process
from local.state import State

logger = logging.getLogger(__name__)
MAIL_DOMAIN = "calsync.example"
TENANT_DOMAIN = "clinic.example"
ADMIN_EMAIL = f"admin@{TENANT_DOMAIN}"
Tell = Callable[[str], None]


class FolderInUseError(RuntimeError):
    """Another local cloud runs in this folder."""


class LocalCloud:
    """One deployed stack and its Microsoft.

    Args:
        folder: everything is kept here; a second start with the same folder goes on where the first ended.
        stack_name: physical names derive from it, so each test run takes its own.
        parameters: template parameters beside or instead of the usual ones.
        tell: hears one short line per step.
    """

    ports: ports.Ports
    outputs: dict[str, str]
    microsoft: Addresses
    control: Control
    tenant_id: str

    def __init__(
        self,
        folder: Path,
        stack_name: str = "calsync",
        parameters: Mapping[str, str] | None = None,
        tell: Tell = logger.info,
    ) -> None:
        self.layout = Layout(folder.resolve())
        self.stack_name = stack_name
        self.state = State()
        self._parameters = dict(parameters or {})
        self._tell = tell
        self._running: list[processes.Started] = []
        self._feedback: MailFeedback | None = None
        self._lock: IO[str] | None = None

    # Life ------------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Bring everything up and deploy; answers itself.

        Raises:
            FolderInUseError: another one runs in the folder.
            DeployError, EmulatorError, SandboxError, ProcessEndedError: with the end of the log that says why.
        """
        self._take_folder()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop exactly what was started, the emulator first: it saves its state when asked to end."""
        if self._feedback is not None:
            self._feedback.stop()
            self.state.mail_seen = self._feedback.seen
            self._feedback = None
        for started in reversed(self._running):
            started.stop()
        self._running.clear()
        self._remember()
        self.layout.empty_scratch()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def must_run(self) -> None:
        """Raises ProcessEndedError when a part ended by itself."""
        for started in self._running:
            started.must_run()

    def _start(self) -> None:
        for pid, born in self.state.processes:
            processes.end_leftover(pid, born)
        self.layout.prepare()
        self.ports = ports.choose(self.state.ports)
        self.state.ports = asdict(self.ports)
        with ThreadPoolExecutor(1) as beside:
            self._tell("building the layers, starting Microsoft's sandbox and the AWS emulator")
            built = beside.submit(stack.build, self.layout)
            self._start_processes()
            built.result()
        self._tell("deploying the stack")
        self.deploy()
        self._furnish()

    def _start_processes(self) -> None:
        sandbox = microsoft.start(self.layout, self.ports)
        self._keep(sandbox)
        self.microsoft = microsoft.wait_until_ready(sandbox, self.layout)
        self.control = Control(self.microsoft.control_url)
        self._keep(emulator.start(self.layout, self.ports, self.microsoft.ca_file))

    def deploy(self, **parameters: str) -> None:
        """Deploy what is built, once more with other parameters if wanted."""
        self._parameters |= parameters
        wanted = self._usual_parameters() | self._parameters
        self.outputs = stack.deploy(self.layout, self.ports, self.stack_name, self.state.api_id, wanted)

    def _furnish(self) -> None:
        """What an operator does by hand after the first deploy, and what the emulator leaves out."""
        stack.switch_on_expiry(self.ports, self.outputs["TableName"])
        stack.put_into_secret(self.ports, self.outputs["SecretArn"], entra_client_secret=self.state.client_secret)
        stack.admit_admin(self.ports, self.outputs["AdminPoolId"], ADMIN_EMAIL, self.state.password)
        self._register_apps()
        # A cold start takes seconds on this machine; Microsoft would hold everything back for ten minutes after a few.
        self.control.call("PATCH", "/delivery", {"punishes_slow_endpoints": False})
        self._feedback = MailFeedback(self.control, self._publish_feedback, self.state.mail_seen)
        self._feedback.start()
        self._remember()

    def _register_apps(self) -> None:
        self.tenant_id = self.control.tenant("Demo clinic", TENANT_DOMAIN)
        self.control.app(
            "calsync",
            TENANT_DOMAIN,
            self.state.client_id,
            redirect_uris=[self.outputs["RedirectUri"], f"{self.public_url}/oauth/callback"],
            publisher="Demo clinic",
            secrets=[{"value": self.state.client_secret}],
            scopes=microsoft.DELEGATED,
        )
        self.control.app(
            "Scripts of the demo",
            TENANT_DOMAIN,
            self.state.scripts_client_id,
            secrets=[{"value": self.state.scripts_client_secret}],
            roles=microsoft.ROLES,
        )
        self.control.allow(self.tenant_id, self.state.scripts_client_id, microsoft.ROLES)

    # What callers need -----------------------------------------------------------------------------------------

    @property
    def public_url(self) -> str:
        """The deployed stack's address; Chromium finds it by itself, Python after importing this module."""
        return self.outputs["PublicUrl"]

    @property
    def machine_url(self) -> str:
        """The same API by a name that every resolver knows; for scripts, not for pages (cookies, links)."""
        return f"http://localhost:{self.ports.aws}/_aws/execute-api/{self.state.api_id}/$default"

    @property
    def aws_endpoint(self) -> str:
        """The emulator's address for AWS clients."""
        return f"http://127.0.0.1:{self.ports.aws}"

    def client(self, service: str) -> Any:
        """A boto3 client with all rights."""
        return emulator.client(self.ports, service)

    def secret(self) -> dict[str, str]:
        """The one secret of the stack."""
        return stack.read_secret(self.ports, self.outputs["SecretArn"])

    def function_log(self, name: str) -> list[str]:
        """What a function has written, for a person who looks for a bug."""
        group = f"/calsync/{self.stack_name}/{name}"
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"] for page in pages for event in page["events"]]

    # Inside ----------------------------------------------------------------------------------------------------

    def _usual_parameters(self) -> dict[str, str]:
        return {
            "AccountName": "Demo clinic",
            "FirstAdminEmail": ADMIN_EMAIL,
            "InviteFirstAdmin": "false",
            "CognitoBaseUrl": f"http://localhost:{self.ports.aws}",
            "EntraClientId": self.state.client_id,
            "LoginUrl": self.microsoft.login,
            "GraphUrl": self.microsoft.graph,
            "MailSender": f"calendar@{MAIL_DOMAIN}",
            "MailIdentity": MAIL_DOMAIN,
            "PrivacyUrl": f"https://{MAIL_DOMAIN}/privacy",
            "ServesExchange": "true",
            # The sandbox is no public address and not on port 443: what an operator does for a server inside.
            "ExchangeAllowed": f"127.0.0.1:{self.ports.microsoft},[::1]:{self.ports.microsoft}",
        }

    def _publish_feedback(self, message: str) -> None:
        self.client("sns").publish(TopicArn=self.outputs["MailFeedbackTopicArn"], Message=message)

    def _keep(self, started: processes.Started) -> None:
        self._running.append(started)
        self._remember()

    def _remember(self) -> None:
        if self._lock is None:
            return
        self.state.processes = [(one.process.pid, processes.born_at(one.process.pid)) for one in self._running]
        self.state.save(self.layout.state)

    def _take_folder(self) -> None:
        self.layout.root.mkdir(parents=True, exist_ok=True)
        lock = self.layout.lock.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            lock.close()
            raise FolderInUseError(f"a local cloud runs in {self.layout.root} already") from taken
        self._lock = lock
        self.state = State.load(self.layout.state)
