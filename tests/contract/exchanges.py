"""What our client sent and got, judged: Microsoft's description, and the headers that must go with every call."""

from typing import Any

from tests.sandbox.openapi_slice import DESCRIPTION, load_slice


def check_exchanges(exchanges: list[dict[str, Any]], mailbox: str, *, has_faults: bool = False) -> int:
    """Fail when one of the mailbox's exchanges does not fit; gives how many there were.

    Answers of faults are wrong on purpose: then only what we sent is judged.
    """
    checked = 0
    for one in exchanges:
        if one["mailbox"] != mailbox or not one["path"].startswith("/v1.0/"):
            continue
        checked += 1
        check_headers(one)
        if DESCRIPTION.exists() and one["status"] and not has_faults:
            path = one["path"].removeprefix("/v1.0")
            path = f"{path}?{one['query']}" if one["query"] else path
            load_slice().check(
                one["method"], path, one["status"], one["response_body"] or None, one["request_body"] or None
            )
    return checked


def check_headers(exchange: dict[str, Any]) -> None:
    """Our own calls and the parts of our batches ask for immutable ids, UTC and text; no exception."""
    headers = {name.lower(): value for name, value in exchange["request_headers"].items()}
    if "client-request-id" not in headers and not exchange["is_batch_part"]:
        return  # the person's own calls
    prefer = headers.get("prefer", "")
    for wanted in ('IdType="ImmutableId"', 'outlook.timezone="UTC"', 'outlook.body-content-type="text"'):
        assert wanted in prefer, f"{exchange['method']} {exchange['path']}: Prefer is {prefer!r}"
