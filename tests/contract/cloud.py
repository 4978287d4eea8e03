"""The AWS side of the contract tests: moto behind a client that can be made to fail, as the cloud does.

moto checks a condition and writes in two steps; DynamoDB does both at once for each item. The lock makes up for that.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import boto3
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

REGION = "eu-central-1"
GLOBAL_INDEXES = {"by_list", "by_due"}
Call = Callable[..., Any]


def client(service: str, url: str | None = None) -> Any:
    secret = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, region_name=REGION, endpoint_url=url, **secret)


@contextmanager
def moto() -> Iterator[None]:
    """mock_aws for code with threads of its own: moto copies its tables while others write to them, so each call waits
    for the one before."""
    real, lock = BaseClient._make_api_call, threading.RLock()

    def call(self: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
        with lock:
            return real(self, operation, arguments)

    with patch.object(BaseClient, "_make_api_call", call), mock_aws():
        yield


def client_error(code: str, status: int = 400, operation: str = "Any", **more: Any) -> ClientError:
    response = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(response, operation)  # type: ignore[arg-type]


def time_out() -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url="http://dynamodb")


class Cloud:
    """A client with faults on order.

    `before[operation]` holds exceptions that the next calls meet instead of the service, `after[operation]` those that
    they meet although the service did the work; `instead[operation]` takes over the call. `calls` counts.
    """

    def __init__(self, real: Any) -> None:
        self._real = real
        self._lock = threading.Lock()
        self.before: dict[str, deque[Exception]] = defaultdict(deque)
        self.after: dict[str, deque[Exception]] = defaultdict(deque)
        self.instead: dict[str, Callable[[Call, dict[str, Any]], Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Call:
        def call(**request: Any) -> Any:
            with self._lock:
                self.calls.append((operation, request))
                if self.before[operation]:
                    raise self.before[operation].popleft()
                real = getattr(self._real, operation)
                instead = self.instead.get(operation)
                answer = instead(real, request) if instead else real(**request)
                if self.after[operation]:
                    raise self.after[operation].popleft()
                return answer

        return call

    def names(self) -> list[str]:
        """The operations so far; forgets them."""
        names = [operation for operation, _ in self.calls]
        self.calls.clear()
        return names

    def make_indexes_lag(self) -> None:
        """The global indexes know nothing of what was ever written."""

        def lagging(real: Call, request: dict[str, Any]) -> Any:
            return {"Items": []} if request.get("IndexName") in GLOBAL_INDEXES else real(**request)

        self.instead["query"] = lagging
