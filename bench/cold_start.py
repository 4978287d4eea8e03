"""Rows: CPU of a cold start of each function: import of app.py and build of the handler, in a fresh process, with only
the built layer on the path and its .pyc in place.

The yardstick is `import boto3` and one client, boto3 as pip installs it, .pyc in place too. It runs by turns with the
function, so that both meet the same machine. `detail` also compares with boto3 on top of our own layer, whose
descriptions of AWS are trimmed (`trim_botocore.py`): what of a gain is ours alone.
"""

import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.layer_build import NotBuiltError, built, plain_boto3
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
"""Times the yardstick. Webhooks and workers; functions behind pages have none in the design, and get no verdict."""
_EXCHANGE_BUDGET = 3.0
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
        bench = _Bench(None, (), (), 1)
        return [bench.row("graph_webhook"), bench.exchange()]
    try:
        core: Path | None = built("calsync_core", "build-CoreLayer")
        plain: tuple[Path, ...] = (plain_boto3(),)
    except NotBuiltError:
        core, plain = None, ()
    bench = _Bench(core, plain, (core, *plain) if core else (), 3 if options.quick else 5)
    return [*(bench.row(name) for name in names), bench.exchange()]


@dataclass(frozen=True, slots=True)
class _Start:
    """CPU seconds above those of a bare interpreter, medians of runs by turns."""

    own: float
    boto3: float
    boto3_on_layer: float
    bare: float

    def detail(self) -> dict[str, float | None]:
        return {
            "bare_interpreter_ms": _ms(self.bare),
            "boto3_on_our_layer_ms": _ms(self.boto3_on_layer),
            "ratio_to_boto3_on_our_layer": ratio(self.own, self.boto3_on_layer),
        }

    def on_layer(self) -> str:
        return f"beside boto3 on our own, trimmed layer {ratio(self.own, self.boto3_on_layer)}"


@dataclass(frozen=True, slots=True)
class _Bench:
    """`core` None: all from this virtual environment, where the layer could not be built. `plain`, `on_layer`: the
    paths of the two yardsticks."""

    core: Path | None
    plain: tuple[Path, ...]
    on_layer: tuple[Path, ...]
    repeat: int

    @property
    def where(self) -> str:
        return "the built layer alone" if self.core else "this virtual environment (the layer could not be built)"

    def row(self, name: str) -> Row:
        code = _BUILD.format(name=name, secret="" if name in _WEBHOOKS else _SECRET)
        path = self._path(ROOT / "functions" / name)
        start, budget = self._start(code, path), BUDGETS.get(name)
        met = start.own <= budget * start.boto3 if budget is not None else None
        return Row(
            f"cold_start_{name}",
            f"cold start of {name}: import and build of the handler with {self.where} on the path",
            f"<= {budget} x import boto3 + one client" if budget else "none",
            _ms(start.own),
            "ms CPU above a bare interpreter",
            _yardstick(start),
            ratio(start.own, start.boto3),
            met,
            f"longest imports: {', '.join(_heaviest(code, path, is_alone=self.core is not None))}"
            if met is False
            else None,
            start.on_layer() if budget else "design.md gives pages no budget",
            detail=start.detail(),
        )

    def exchange(self) -> Row:
        """The sync job that speaks to an Exchange server: its own start, then what the first read and the first write
        of such a mailbox load (lxml, NTLM, exchangelib)."""
        name, what = "cold_start_exchange_worker", "cold start of the Exchange worker, ready to read and write"
        budget = f"<= {_EXCHANGE_BUDGET:.0f} x import boto3 + one client"
        try:
            layers = () if self.core is None else (built("exchange", "build-ExchangeLayer"),)
        except NotBuiltError:
            return null(name, what, budget, "ms CPU", "the Exchange layer could not be built")
        build, path = _BUILD.format(name="sync_job", secret=_SECRET), self._path(*layers, ROOT / "functions/sync_job")
        start, reading = self._start(build + _EXCHANGE, path), self._start(build + _EXCHANGE_READING, path)
        met = start.own <= _EXCHANGE_BUDGET * start.boto3
        until = {
            "until_the_first_read_ms": _ms(reading.own),
            "until_the_first_read_ratio": ratio(reading.own, reading.boto3),
        }
        return Row(
            name,
            f"{what}, with {'both built layers' if self.core else 'this virtual environment'} on the path",
            budget,
            _ms(start.own),
            "ms CPU above a bare interpreter",
            _yardstick(start),
            ratio(start.own, start.boto3),
            met,
            None
            if met
            else f"longest imports: {', '.join(_heaviest(build + _EXCHANGE, path, is_alone=self.core is not None))}",
            start.on_layer(),
            detail=start.detail() | until,
        )

    def _path(self, *more: Path) -> tuple[Path, ...]:
        return (*([self.core] if self.core else []), *more)

    def _start(self, code: str, path: tuple[Path, ...]) -> _Start:
        """One round more than asked for goes first and is thrown away (caches of the disk)."""
        kinds = ((code, path), (BASELINE, self.plain), (BASELINE, self.on_layer), (_FLOOR, self.plain))
        rounds = [[self._seconds(*kind) for kind in kinds] for _ in range(self.repeat + 1)][1:]
        own, boto3, on_layer, bare = (statistics.median(column) for column in zip(*rounds, strict=True))
        return _Start(own - bare, boto3 - bare, on_layer - bare, bare)

    def _seconds(self, code: str, path: tuple[Path, ...]) -> float:
        return float(_run(code + _TAKEN, path, is_alone=self.core is not None)[0])


def _yardstick(start: _Start) -> Yardstick:
    return Yardstick("import boto3 as pip installs it and one client, by turns", BASELINE, _ms(start.boto3))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _run(code: str, path: tuple[Path, ...], *flags: str, is_alone: bool) -> tuple[str, str]:
    """`is_alone`: without site-packages, so that what the path lacks is missed."""
    done = subprocess.run(
        [sys.executable, *(["-S"] if is_alone else []), *flags, "-c", code],
        env={
            **ENVIRONMENT,
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "PYTHONPATH": os.pathsep.join(map(str, path)),
        },
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"{code}: {done.stderr[-1500:]}")
    return done.stdout.strip(), done.stderr


def _heaviest(code: str, path: tuple[Path, ...], *, is_alone: bool) -> list[str]:
    """The five packages that took longest to import, by the interpreter's own account."""
    _, told = _run(code, path, "-X", "importtime", is_alone=is_alone)
    own: dict[str, int] = {}
    for line in told.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if len(parts) == 3 and parts[0].strip().isdigit():
            package = parts[2].strip().partition(".")[0]
            own[package] = own.get(package, 0) + int(parts[0])
    heavy = sorted(own.items(), key=lambda one: -one[1])[:5]
    return [f"{package} {micro / 1000:.0f} ms" for package, micro in heavy]
