"""Rows: CPU of a cold start of each function: import of app.py and build of the handler, in a fresh process, with only
the built layer on the path and its .pyc in place, beside `import boto3` and one client from the same layer."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

from bench.layer_build import NotBuiltError, built
from bench.measure import ROOT
from bench.rows import Options, Row, Yardstick, null, ratio

BUDGETS = {
    "graph_webhook": 1.2,
    "exchange_webhook": 1.2,
    "start_sync": 2.0,
    "sync_job": 2.0,
    "sweep": 2.0,
    "mail_feedback": 2.0,
}
"""Webhook and workers; functions behind pages have none in the design, and are printed without a verdict."""
_WEBHOOKS = {"graph_webhook", "exchange_webhook"}
BASELINE = "import boto3; boto3.client('dynamodb')"
_FLOOR = "pass"
# The secret's value stands in for AWS; all else is as it is deployed.
_BUILD = """
from calsync_core import bootstrap
import app
{secret}
bootstrap.{name}()
"""
_SECRET = """
from calsync_core.adapters.aws.secret import StackSecret
StackSecret._read = lambda self: {"root_key": "r" * 64}
"""
_EXCHANGE_READING = """
from calsync_core.adapters.exchange.access import ExchangeAccess
import requests_ntlm
"""
_EXCHANGE = _EXCHANGE_READING + "import calsync_core.adapters.exchange.writing\n"
_TAKEN = "\nimport time; print(time.process_time())"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_EC2_METADATA_DISABLED": "true",
    "TABLE_NAME": "calsync",
    "KEY_ARN": "arn:aws:kms:eu-central-1:1:key/1",
    "SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:1:secret:1",
    "QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/wishes",
    "PUBLIC_URL": "https://calsync.example",
    "HOST_URL": "http://127.0.0.1:9/host",
    "MAIL_SENDER": "calendar@clinic.example",
    "SYNC_EXPRESS_ARN": "arn:aws:states:eu-central-1:1:stateMachine:change",
    "SYNC_STANDARD_ARN": "arn:aws:states:eu-central-1:1:stateMachine:import",
    "OIDC_ISSUER": "https://id.example",
    "OIDC_DISCOVERY_URL": "https://id.example/d",
    "OIDC_CLIENT_ID": "c",
}


def rows(options: Options) -> list[Row]:
    names = sorted(one.parent.name for one in (ROOT / "functions").glob("*/app.py"))
    if options.tiny:
        names = ["graph_webhook"]
    try:
        layer: Path | None = None if options.tiny else built("calsync_core", "build-CoreLayer")
        where = "the built layer alone"
    except NotBuiltError:
        layer, where = None, "this virtual environment (the layer could not be built)"
    repeat = 1 if options.tiny else 3 if options.quick else 5
    bare = _median(_FLOOR, layer, None, repeat)
    base = _median(BASELINE, layer, None, repeat) - bare
    found = [_row(name, layer, where, repeat, bare, base) for name in names]
    return [*found, _exchange(layer, repeat, bare, base)]


def _row(name: str, layer: Path | None, where: str, repeat: int, bare: float, base: float) -> Row:
    secret = "" if name in _WEBHOOKS else _SECRET
    took = _median(_BUILD.format(name=name, secret=secret), layer, ROOT / "functions" / name, repeat) - bare
    share, budget = took / base, BUDGETS.get(name)
    met = share <= budget if budget is not None else None
    return Row(
        f"cold_start_{name}",
        f"cold start of {name}: import and build of the handler with {where} on the path",
        f"<= {budget} x import boto3 + one client" if budget else "none",
        round(took * 1000, 1),
        "ms CPU above a bare interpreter",
        Yardstick("import boto3 and one client, same interpreter and path", BASELINE, round(base * 1000, 1)),
        ratio(took, base),
        met,
        None
        if met is not False
        else "packages beside boto3 and clients beyond the first: " + ", ".join(_heaviest(name, layer)),
        None if budget else "design.md gives pages no budget",
        detail={"bare_interpreter_ms": round(bare * 1000, 1)},
    )


def _median(code: str, layer: Path | None, function: Path | None, repeat: int, second: Path | None = None) -> float:
    """CPU seconds of the process; one run more than asked for goes first and is thrown away (caches of the disk)."""
    runs = [float(_run(code + _TAKEN, layer, function, second=second)[0]) for _ in range(repeat + 1)]
    return statistics.median(runs[1:])


def _run(
    code: str, layer: Path | None, function: Path | None, *flags: str, second: Path | None = None
) -> tuple[str, str]:
    path = [str(one) for one in (layer, second, function) if one is not None]
    isolated = ["-S"] if layer is not None else []  # without site-packages: what the layer lacks is missed
    done = subprocess.run(
        [sys.executable, *isolated, *flags, "-c", code],
        env={**ENVIRONMENT, "PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": os.pathsep.join(path)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"{code}: {done.stderr[-1500:]}")
    return done.stdout.strip(), done.stderr


def _heaviest(name: str, layer: Path | None) -> list[str]:
    """The five packages that took longest to import, by the interpreter's own account."""
    secret = "" if name in _WEBHOOKS else _SECRET
    code = _BUILD.format(name=name, secret=secret)
    _, told = _run(code, layer, ROOT / "functions" / name, "-X", "importtime")
    own: dict[str, int] = {}
    for line in told.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if len(parts) == 3 and parts[0].strip().isdigit():
            package = parts[2].strip().partition(".")[0]
            own[package] = own.get(package, 0) + int(parts[0])
    heavy = sorted(own.items(), key=lambda one: -one[1])[:5]
    return [f"{package} {micro / 1000:.0f} ms" for package, micro in heavy]


def _exchange(core: Path | None, repeat: int, bare: float, base: float) -> Row:
    """The sync job that speaks to an Exchange server: its own start, then what the first read and the first write of
    such a mailbox load (lxml, NTLM, exchangelib)."""
    where, exchange = "this virtual environment", None
    if core is not None:
        try:
            where, exchange = "both built layers", built("exchange", "build-ExchangeLayer")
        except NotBuiltError:
            return null(
                "cold_start_exchange_worker", "cold start of the Exchange worker", "<= 3 x import boto3 + one client",
                "ms CPU", "the Exchange layer could not be built",
            )  # fmt: skip
    build = _BUILD.format(name="sync_job", secret=_SECRET)
    took = _median(build + _EXCHANGE, core, ROOT / "functions" / "sync_job", repeat, exchange) - bare
    reading = _median(build + _EXCHANGE_READING, core, ROOT / "functions" / "sync_job", repeat, exchange) - bare
    share = took / base
    return Row(
        "cold_start_exchange_worker",
        f"cold start of the Exchange worker, ready to read and write, with {where} on the path",
        "<= 3 x import boto3 + one client",
        round(took * 1000, 1),
        "ms CPU above a bare interpreter",
        Yardstick("import boto3 and one client, same interpreter and path", BASELINE, round(base * 1000, 1)),
        ratio(took, base),
        share <= 3,
        None
        if share <= 3
        else "exchangelib, for the first write of a process (pygments and dnspython come with it); the sync job itself",
        detail={
            "until_the_first_read_ms": round(reading * 1000, 1),
            "until_the_first_read_ratio": ratio(reading, base),
        },
    )
