"""Faults at every remote call and every store operation: by chance (seeded) or exactly at the n-th one."""

from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from random import Random

from calsync_core.domain.errors import ProviderThrottledError, ProviderUnavailableError
from calsync_core.ports.stores import Stores


class CrashError(BaseException):
    """The process is gone: nothing in the product may catch it."""


class Faults:
    """Called with (operation, phase) around everything that leaves the process. Off until `start` or `crash_at`."""

    def __init__(self) -> None:
        self.random: Random | None = None
        self.share = 0.0
        self.crash_step: int | None = None
        self.steps = 0
        self.hits: Counter[str] = Counter()

    def start(self, seed: int, share: float) -> None:
        self.random, self.share = Random(seed), share

    def crash_at(self, step: int) -> None:
        self.steps, self.crash_step = 0, step

    def stop(self) -> None:
        self.random, self.crash_step, self.share = None, None, 0.0

    def __call__(self, operation: str, phase: str) -> None:
        self.steps += 1
        if self.crash_step is not None and self.steps == self.crash_step:
            self.hits[f"crash {phase}"] += 1
            raise CrashError(f"{operation} {phase}")
        if self.random is None or self.random.random() >= self.share:
            return
        self._raise(operation, phase)

    def _raise(self, operation: str, phase: str) -> None:
        assert self.random is not None
        is_store = operation.startswith("store.")
        kind = self.random.choice(["crash", "down"] if is_store else ["crash", "down", "throttled", "long_throttle"])
        self.hits[f"{kind} {phase}"] += 1
        if kind == "crash":
            raise CrashError(f"{operation} {phase}")
        if kind == "down" or phase == "after":
            raise ProviderUnavailableError("cut", operation=operation)
        raise ProviderThrottledError(timedelta(seconds=2 if kind == "throttled" else 86_400))


class _Watched:
    """A store whose every call passes the fault hook before and after."""

    def __init__(self, store: object, hook: Callable[[str, str], None]) -> None:
        self._store, self._hook = store, hook

    def __getattr__(self, name: str) -> object:
        method, hook, kind = getattr(self._store, name), self._hook, type(self._store).__name__

        def call(*args: object, **kwargs: object) -> object:
            hook(f"store.{kind}.{name}", "before")
            answer = method(*args, **kwargs)
            hook(f"store.{kind}.{name}", "after")
            return answer

        return call


def watched(stores: Stores, hook: Callable[[str, str], None]) -> Stores:
    return replace(stores, **{one.name: _Watched(getattr(stores, one.name), hook) for one in fields(stores)})  # type: ignore[arg-type]
