"""Bodies of Graph's posts: what is kept, what is refused, and how little is loaded for it."""

import json
import subprocess
import sys
from typing import Any

import pytest
from calsync_core.adapters.graph.notifications import (
    LARGEST_BODY,
    MOST_ITEMS,
    Bell,
    Notice,
    NotificationUnreadableError,
    parse,
)

# As the service posts it (graph.md 8.3): several subscriptions in one body, an offset that is not UTC.
CHANGE = {
    "subscriptionId": "sub-1", "subscriptionExpirationDateTime": "2026-11-28T10:00:00.0000000+02:00",
    "changeType": "updated", "resource": "Users/guid/Events/AAMk", "clientState": "secret-1", "tenantId": "",
    "resourceData": {"@odata.type": "#Microsoft.Graph.Event", "@odata.id": "https://evil.example/", "id": "AAMk"},
}  # fmt: skip


def body(*items: Any) -> bytes:
    return json.dumps({"value": list(items)}).encode()


def test_only_whose_bell_it_is_is_kept() -> None:
    other = {**CHANGE, "subscriptionId": "sub-2", "clientState": "secret-2", "changeType": "deleted"}
    assert parse(body(CHANGE, other, CHANGE)) == [
        Bell("sub-1", "secret-1", Notice.CHANGED),
        Bell("sub-2", "secret-2", Notice.CHANGED),
        Bell("sub-1", "secret-1", Notice.CHANGED),
    ]


@pytest.mark.parametrize(
    ("word", "notice"),
    [
        ("reauthorizationRequired", Notice.REAUTHORIZE),
        ("subscriptionRemoved", Notice.REMOVED),
        ("missed", Notice.MISSED),
        ("aWordOfNextYear", Notice.UNKNOWN),
        (7, Notice.UNKNOWN),
    ],
)
def test_lifecycle_notices(word: object, notice: Notice) -> None:
    item = {"subscriptionId": "sub-1", "clientState": "secret-1", "lifecycleEvent": word}
    assert parse(body(item)) == [Bell("sub-1", "secret-1", notice)]


@pytest.mark.bad_input(4)
@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"value": [', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[]", "not_a_list"),
        (b'{"value": {}}', "not_a_list"),
        (b"null", "not_a_list"),
        (b" " * (LARGEST_BODY + 1), "too_large"),
        (json.dumps({"value": [0] * (MOST_ITEMS + 1)}).encode(), "too_many"),
    ],
)
def test_what_is_no_notification_is_refused_by_a_code(raw: bytes, code: str) -> None:
    with pytest.raises(NotificationUnreadableError) as caught:
        parse(raw)
    assert str(caught.value) == code


@pytest.mark.parametrize(
    "item",
    [
        7, None, [], {}, {"subscriptionId": "sub-1"}, {"clientState": "x"}, {**CHANGE, "subscriptionId": 5},
        {**CHANGE, "clientState": None}, {**CHANGE, "clientState": ""}, {**CHANGE, "clientState": "x" * 300},
    ],
)  # fmt: skip
def test_an_item_without_id_or_secret_is_nobodys_bell(item: Any) -> None:
    assert parse(body(item, CHANGE)) == [Bell("sub-1", "secret-1", Notice.CHANGED)]


def test_the_parser_loads_nothing_heavy() -> None:
    """The webhook answers within three seconds cold or not, or everybody's notifications come ten minutes late."""
    code = (
        "import sys, calsync_core.adapters.graph.notifications;"
        "print([m for m in ('pydantic','requests','msal','boto3','zoneinfo') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_the_client_loads_no_msal_until_a_token_must_be_refreshed() -> None:
    code = (
        "import sys, calsync_core.adapters.graph.access; print([m for m in ('msal', 'pydantic') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "msal" not in shown
