"""Logs and metrics of all functions. Ids, codes, counts and durations only: never an event, answer, title or address.

Tracing is Lambda's own (`Tracing: Active`); the layer carries no X-Ray SDK, so no answer or error can be captured.
"""

import json
import traceback
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger

METRICS = (
    "MailBounced",
    "MailComplained",
    "SignInRefused",
    "ResourceConnected",
    "NotificationRefused",
    "RunFailed",
)
"""All metric names; docs/operations.md explains each."""


class QuietLogger:
    """Structured lines whose fields are an explicit choice of the caller; there is no way to hand over an event."""

    def __init__(self, wrapped: Logger) -> None:
        self._wrapped = wrapped

    def info(self, message: str, **fields: str | float | bool | None) -> None:
        self._wrapped.info(message, extra=fields)

    def warning(self, message: str, **fields: str | float | bool | None) -> None:
        self._wrapped.warning(message, extra=fields)

    def error(self, message: str, **fields: str | float | bool | None) -> None:
        self._wrapped.error(message, extra=fields)


@lru_cache
def logger() -> QuietLogger:
    """Level by POWERTOOLS_LOG_LEVEL, service by POWERTOOLS_SERVICE_NAME."""
    return QuietLogger(Logger(service=None, utc=True))


def describe(error: BaseException) -> dict[str, str]:
    """Type and place of a bug, without its message: messages of foreign libraries carry content."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames[-6:]]
    return {"error": type(error).__name__, "at": " < ".join(reversed(places))}


def count(metric: str, value: int = 1) -> None:
    """One point of a CloudWatch metric, in embedded metric format on stdout.

    Raises ValueError for a name that is not in METRICS.
    """
    if metric not in METRICS:
        raise ValueError(metric)
    from time import time

    line: dict[str, Any] = {
        "_aws": {
            "Timestamp": int(time() * 1000),
            "CloudWatchMetrics": [
                {"Namespace": "calsync", "Dimensions": [[]], "Metrics": [{"Name": metric, "Unit": "Count"}]}
            ],
        },
        metric: value,
    }
    print(json.dumps(line))
