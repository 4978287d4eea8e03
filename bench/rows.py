"""What a row of the bench is, and how it is printed: one JSON line each.

A missed budget is printed as missed and says what bounds it; what could not be measured is null with its reason.
"""

import json
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bench.measure import calibrate

NAMED = (
    "calsync-core",
    "boto3",
    "requests",
    "pydantic",
    "msal",
    "vdirsyncer",
    "moto",
    "O365",
    "msgraph-sdk",
    "exchangelib",
    "lxml",
)


@dataclass(frozen=True, slots=True)
class Options:
    """`quick`: smaller sizes, no local cloud. `tiny`: the smallest that still runs every line, for tests; its figures
    say nothing. `peers`: also the slow clients of other people."""

    quick: bool = False
    tiny: bool = False
    peers: bool = False

    def size(self, full: int, quick: int | None = None, tiny: int = 50) -> int:
        return tiny if self.tiny else quick if self.quick and quick is not None else full

    @property
    def repeat(self) -> int:
        return 1 if self.tiny else 3


@dataclass(frozen=True, slots=True)
class Yardstick:
    """The same work done another way, in the same run. `command` is what was run."""

    what: str
    command: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """`budget` is a limit in `unit`; `ratio` is value / yardstick. `met` None: not measured, and `reason` says why."""

    row: str
    what: str
    budget: str
    value: float | None
    unit: str
    yardstick: Yardstick | None = None
    ratio: float | None = None
    met: bool | None = None
    bounded_by: str | None = None
    reason: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def null(row: str, what: str, budget: str, unit: str, reason: str) -> Row:
    """A row that could not be measured here."""
    return Row(row, what, budget, None, unit, reason=reason)


def ratio(value: float, yardstick: float) -> float | None:
    return round(value / yardstick, 3) if yardstick else None


def line(row: Row) -> str:
    """One JSON line, with what is needed to compare two runs: date, versions, the machine's speed at that moment."""
    told = row.yardstick
    return json.dumps(
        {
            "row": row.row,
            "what": row.what,
            "budget": row.budget,
            "value": row.value,
            "unit": row.unit,
            "yardstick": None if told is None else {"what": told.what, "command": told.command, "value": told.value},
            "ratio": row.ratio,
            "met": row.met,
            "bounded_by": row.bounded_by,
            "reason": row.reason,
            "detail": row.detail,
            "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "versions": versions(),
            "calibration_ms": calibrate(),
        },
        ensure_ascii=False,
    )


@cache
def versions() -> dict[str, str]:
    """Python and the packages that a figure depends on."""
    found = {"python": platform.python_version()}
    for name in NAMED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
