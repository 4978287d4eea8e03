"""Every exchange of this run with Microsoft's sandbox fits Microsoft's own description of Graph. Runs last."""

from typing import Any

import pytest

from tests.e2e.clinic import Clinic
from tests.sandbox.openapi_slice import load_slice

pytestmark = pytest.mark.e2e


def test_every_exchange_fits_the_description(clinic: Clinic) -> None:
    """What calsync asked and what it was answered; exchanges that a fault cut or emptied have nothing to judge."""
    description = load_slice()
    judged, misfits = 0, []
    for one in exchanges(clinic):
        if not one["path"].startswith("/v1.0") or one["status"] == 0:
            continue
        body = one["response_body"] if one["response_body"] != "" else None
        if body is None and one["status"] >= 500:
            continue
        path = f"{one['path']}?{one['query']}" if one["query"] else one["path"]
        asked = one["request_body"] if one["request_body"] != "" else None
        judged += 1
        try:
            description.check(one["method"], path.removeprefix("/v1.0"), one["status"], body, asked)
        except AssertionError as misfit:
            misfits.append(f"{one['id']} {one['method']} {path[:120]}: {str(misfit)[:300]}")
    assert misfits == []
    assert judged > 50


def exchanges(clinic: Clinic) -> list[dict[str, Any]]:
    """The whole log, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        page = clinic.control.call("GET", "/log", since=found[-1]["id"] if found else 0, limit=1000)
        rows = page if isinstance(page, list) else next(value for value in page.values() if isinstance(value, list))
        found += rows
        if not rows:
            return found
