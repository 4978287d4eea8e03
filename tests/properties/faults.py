"""Faults at every remote call and every store operation: by chance (seeded) or exactly at the n-th one."""

from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from random import Random

from calsync_core.domain.errors import (
    ConsentRevokedError,
    CursorExpiredError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from calsync_core.domain.values import replace
from calsync_core.ports.stores import Stores


class CrashError(BaseException):
    """The process is gone: nothing in the product may catch it."""


STORE_KINDS = ("crash", "store down")
ANY_KINDS = ("crash", "down", "down", "throttled", "throttled for a day", "edited meanwhile", "slow", "overtaken",
             "settings changed")  # fmt: skip
CHANGES_KINDS = ("cursor expired", "page repeated", "revoked")
TOUCHED = "touched by the server"
WRITE_KINDS = (TOUCHED, TOUCHED)
WRITTEN = ("create", "update")
CAUSES = (
    "throttled",
    "throttled for a day",
    "down before",
    "down after",
    "crash before",
    "crash after",
    "store down before",
    "store down after",
    "cursor expired",
    "page repeated",
    TOUCHED,
    "edited meanwhile",
    "slow",
    "overtaken",
    "settings changed",
    "revoked",
)


class Faults:
    """Called with (operation, phase) around everything that leaves the process. Off until `start` or `crash_at`.

    `moods` holds what only the world around can do: change an entry, let time pass, let another run overtake. Only what
    was just written can be touched by the server, and that is seldom: such touches are drawn apart from all else once
    more, by `touching`.
    """

    def __init__(self) -> None:
        self.seed = 0
        self.random: Random | None = None
        self.touching: Random | None = None
        self.share = 0.0
        self.crash_step: int | None = None
        self.steps = 0
        self.hits: Counter[str] = Counter()
        self.moods: dict[str, Callable[[Random], None]] = {}
        self.trace: list[str] | None = None
        self.is_calm = False

    def start(self, seed: int, share: float) -> None:
        self.seed, self.touching = seed, None
        self.random, self.share, self.is_calm = Random(seed), share, False

    def crash_at(self, step: int) -> None:
        self.steps, self.crash_step = 0, step

    def stop(self) -> None:
        self.random, self.crash_step, self.share = None, None, 0.0

    def __call__(self, operation: str, phase: str) -> None:
        self.steps += 1
        if self.trace is not None:
            self.trace.append(f"{operation} {phase}")
        if self.steps == self.crash_step:
            self.hits[f"crash {phase}"] += 1
            raise CrashError(f"{operation} {phase}")
        if self.random is None:
            return
        if phase == "after" and operation in WRITTEN:
            self._touch_now_and_then(self.random)
        # A run makes five times as many store operations as remote calls, and a fault in each would end it at once.
        share = self.share / 5 if operation.startswith("store.") else self.share
        if self.random.random() >= share:
            return
        self._raise(operation, phase, self.random)

    def _touch_now_and_then(self, random: Random) -> None:
        self.touching = self.touching or Random(f"touching {self.seed}")
        if self.touching.random() < self.share:
            self.hits[TOUCHED] += 1
            self._change_the_world(TOUCHED, random)

    def _raise(self, operation: str, phase: str, random: Random) -> None:
        kind = random.choice(_kinds(operation, phase))
        if kind in ("crash", "down", "store down"):
            self.hits[f"{kind} {phase}"] += 1
        else:
            self.hits[kind] += 1
        if kind == "crash":
            raise CrashError(f"{operation} {phase}")
        if kind in ("down", "store down"):
            raise ProviderUnavailableError("cut", operation=operation)
        if kind.startswith("throttled"):
            raise ProviderThrottledError(timedelta(seconds=2 if kind == "throttled" else 86_400))
        if kind == "cursor expired":
            raise CursorExpiredError
        if kind == "revoked":
            raise ConsentRevokedError
        self._change_the_world(kind, random)

    def _change_the_world(self, kind: str, random: Random) -> None:
        """What others do at this moment is done without faults of its own."""
        kept = self.random, self.share
        self.stop()
        try:
            self.moods[kind](random)
        finally:
            self.random, self.share = (None, 0.0) if self.is_calm else kept


def _kinds(operation: str, phase: str) -> tuple[str, ...]:
    if operation.startswith("store."):
        return STORE_KINDS
    if phase == "after":
        more = CHANGES_KINDS[1:2] if operation == "changes" else WRITE_KINDS if operation in WRITTEN else ()
        return ("crash", "down", "edited meanwhile", *more)
    more = (CHANGES_KINDS[0], CHANGES_KINDS[2]) if operation == "changes" else ()
    return (*ANY_KINDS, *more)


class _Watched:
    """A store whose every call passes the fault hook before and after."""

    def __init__(self, store: object, hook: Callable[[str, str], None]) -> None:
        self._store, self._hook = store, hook

    def __getattr__(self, name: str) -> object:
        call = _watched_call(getattr(self._store, name), f"store.{type(self._store).__name__}.{name}", self._hook)
        setattr(self, name, call)  # found without asking from now on
        return call


def _watched_call(method: Callable[..., object], name: str, hook: Callable[[str, str], None]) -> Callable[..., object]:
    def call(*args: object, **kwargs: object) -> object:
        hook(name, "before")
        answer = method(*args, **kwargs)
        hook(name, "after")
        return answer

    return call


def watched(stores: Stores, hook: Callable[[str, str], None]) -> Stores:
    return replace(stores, **{one.name: _Watched(getattr(stores, one.name), hook) for one in fields(stores)})  # type: ignore[arg-type]
