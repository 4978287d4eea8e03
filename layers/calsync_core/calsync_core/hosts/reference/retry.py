"""Writes that lost a race are decided anew, a few times."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from calsync_core.hosts.reference.errors import BusyError
from calsync_core.hosts.reference.table import ConditionFailedError

Result = TypeVar("Result")
_TRIES = 10


def retried(write: Callable[[], Result], sleep: Callable[[float], None] = time.sleep) -> Result:
    """The result of `write`, which reads, decides and commits; called again as long as its commit loses a race.

    Raises:
        BusyError: it lost every time, which takes about two seconds.
    """
    for attempt in range(_TRIES):
        try:
            return write()
        except ConditionFailedError:
            sleep(random.uniform(0.005, min(0.4, 0.02 * 2**attempt)))  # noqa: S311 - spreads rivals, no secret
    raise BusyError
