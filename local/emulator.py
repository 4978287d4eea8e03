"""MiniStack: an AWS emulator that runs the unmodified stack on this machine."""

import time
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config

from local import processes
from local.layout import EMULATOR_PYTHON, RESOLVER, Layout, clean_environment
from local.ports import Ports

REGION = "eu-central-1"
ROOT_KEY = "test"  # the emulator's root; roles have keys of their own (AUTH=true)


class EmulatorError(RuntimeError):
    """The emulator did not become healthy."""


def start(layout: Layout, ports: Ports, authority: Path | None) -> processes.Started:
    """Start the emulator with a clean environment and wait until it is healthy.

    `authority` is the certificate authority that functions trust beside none other: the sandbox's.
    """
    environment = clean_environment(
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(ports.aws),
        MINISTACK_REGION=REGION,
        AUTH="true",
        PERSIST_STATE="1",
        STATE_DIR=str(layout.emulator_state / "state"),
        S3_PERSIST="1",
        S3_DATA_DIR=str(layout.emulator_state / "s3"),
        IOT_MTLS_ENABLED="0",  # else it listens on all interfaces for something we do not use
        SMTP_HOST=f"127.0.0.1:{ports.smtp}",
        TMPDIR=str(layout.scratch),
        PYTHONPATH=str(RESOLVER),
        PYTHONDONTWRITEBYTECODE="1",
    )
    if authority is not None:
        environment["REQUESTS_CA_BUNDLE"] = str(authority)
    command = [str(EMULATOR_PYTHON), "-m", "ministack"]
    started = processes.start("ministack", command, environment, layout.log("aws"), layout.root)
    try:
        _wait_until_healthy(started, ports.aws)
    except BaseException:
        started.stop()
        raise
    return started


def client(ports: Ports, service: str) -> Any:
    """A boto3 client of the emulator's root, deaf to the AWS settings of the person's shell."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=f"http://127.0.0.1:{ports.aws}",
        region_name=REGION,
        aws_access_key_id=ROOT_KEY,
        aws_secret_access_key=ROOT_KEY,
        config=Config(retries={"max_attempts": 2}, inject_host_prefix=False),
    )


def _wait_until_healthy(started: processes.Started, port: int, patience: float = 120) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        started.must_run()
        try:
            if requests.get(f"http://127.0.0.1:{port}/_ministack/health", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise EmulatorError(f"not healthy after {patience:.0f} s: {processes.log_end(started.log)}")
