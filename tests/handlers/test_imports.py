"""Cold starts: what a function loads when it is imported and built, in a fresh interpreter without caches of ours."""

import json
import os
import subprocess
import sys
from functools import cache

import pytest

from tests.function_world import ENVIRONMENT

NEVER = {"exchangelib", "lxml", "moto"}
# function -> what it must not have loaded by the time it can answer
FORBIDDEN = {
    "graph_webhook": {"pydantic", "msal", "jinja2", "requests", "cryptography"},
    "exchange_webhook": {"pydantic", "msal", "jinja2", "requests", "cryptography"},
    "start_sync": {"pydantic", "msal", "jinja2", "requests", "cryptography"},
    "mail_feedback": {"msal", "jinja2", "requests", "cryptography"},
    "sync_job": {"jinja2", "msal"},
    "sweep": {"jinja2", "msal"},
    "invitation": {"msal"},
    "oauth_callback": {"msal"},
    "console": {"msal"},
    "host_api": {"msal"},
    "reference_host": {"msal", "cryptography"},
}
# The secret's values stand in for AWS; everything else is as it is deployed.
BUILD = """
import json, sys
import functions.{name}.app
from calsync_core import bootstrap
from calsync_core.adapters.aws.secret import StackSecret
StackSecret._read = lambda self: {{"root_key": "r" * 64}}
handler = bootstrap.{name}()
{then}
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
OIDC = {
    "OIDC_ISSUER": "https://id.example",
    "OIDC_DISCOVERY_URL": "https://id.example/d",
    "OIDC_CLIENT_ID": "c",
}


@cache
def loaded(name: str, then: str = "") -> frozenset[str]:
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(name=name, then=then)],
        env={**ENVIRONMENT, **OIDC, **kept},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-1500:]
    return frozenset(json.loads(done.stdout.splitlines()[-1]))


def test_every_function_is_looked_at() -> None:
    from tests.function_world import EVENTS

    functions = {path.parent.name for path in (EVENTS.parent / "functions").glob("*/app.py")}
    assert functions == set(FORBIDDEN)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_function_starts_without_what_it_does_not_need(name: str) -> None:
    assert not loaded(name) & (FORBIDDEN[name] | NEVER)


def test_the_look_itself_sees_what_is_loaded() -> None:
    assert {"jinja2", "pydantic"} <= loaded("invitation")
    assert "botocore" in loaded("graph_webhook")


def test_the_webhook_answers_a_handshake_without_loading_more() -> None:
    """Graph waits ten seconds for it, and the function is cold nearly every time."""
    ask = 'handler({"queryStringParameters": {"validationToken": "t"}}, None)'
    assert not loaded("graph_webhook", ask) & (FORBIDDEN["graph_webhook"] | NEVER)


WORK = """
from calsync_core.bootstrap import sync_job_function as module
from calsync_core.usecases.sync.sync_resource import Outcome, Result
module.sync_resource = lambda work, ports: Outcome(Result.DONE)
module.close_run = lambda close, ports: None
payload = {"account": "main", "resource": "anna", "cause": "host", "run": "r", "round": 0, "code": None}
"""


def test_only_the_close_of_a_run_loads_the_mails() -> None:
    """Nearly all runs write and never mail; close goes through the journeys, and they through the templates."""
    work = WORK + 'assert handler({"step": "work", **payload}, None)["outcome"] == "done"'
    close = WORK + 'assert handler({"step": "close", **payload}, None) is None'
    assert "jinja2" not in loaded("sync_job", work)
    assert "jinja2" in loaded("sync_job", close)
    assert not loaded("sync_job", close) & NEVER
