"""Promises, each with the line that keeps it, and that line broken: do the random lives notice?

    python -m tests.properties.breaks            all of them, at most 2,000 lives each; prints the table
    python -m tests.properties.breaks lease      those whose name has this word

Part of `make mutation`, which keeps the table in docs/mutation.md. What is broken is the engine that the runs use; the
observer of a life goes on with the engine as it is.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, wraps
from importlib import import_module
from textwrap import dedent
from typing import Any

from tests.properties import invariants
from tests.properties.endings import end
from tests.properties.simulation import Schedule, replay

LIVES = 2000
LENGTH = 20  # steps; then one scene of endings.py


@dataclass(frozen=True, slots=True)
class Edit:
    """In one function of the package, by its name there, one piece of text becomes another."""

    where: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Break:
    """`promise` is what is broken, in the words of somebody who relies on it."""

    name: str
    promise: str
    edits: tuple[Edit, ...]


def _break(name: str, promise: str, *edits: tuple[str, str, str]) -> Break:
    return Break(name, promise, tuple(Edit(*edit) for edit in edits))


BREAKS = (
    _break(
        "version check skipped",
        "a change that a person made after we looked is not written over",
        (
            "usecases.sync.write_copies.update_copy",
            "action.copy, action.entry_version)",
            "action.copy, None)",
        ),
    ),
    _break(
        "sides swapped",
        "in a conflict the side wins that the person chose",
        (
            "engine.plan_booking._as_decided",
            "if link.decision is Origin.CALENDAR and isinstance(entry, Entry)",
            "if link.decision is Origin.HOST and isinstance(entry, Entry)",
        ),
    ),
    _break(
        "no conflict",
        "what was moved on both sides is put before a person",
        (
            "engine.plan_changes._both_changed",
            'return OpenConflict("R11", link, ConflictKind.CHANGED_ON_BOTH, booking.when, asked, "both_times_changed")',
            'return UpdateCopy("R10", link, booking, copy, entry.version)',
        ),
    ),
    _break(
        "mark dropped",
        "a copy is found again by its mark",
        (
            "usecases.sync.write_copies.create_copy",
            "run.primary.create(row.calendar_id, action.copy, run.mark(row)",
            'run.primary.create(row.calendar_id, action.copy, replace(run.mark(row), installation="nobody")',
        ),
    ),
    _break(
        "intent forgotten",
        "before a copy is written its row says so",
        (
            "usecases.sync.write_copies.create_copy",
            "row = links.put(run.account, run.named(action.link))",
            "row = run.named(action.link)",
        ),
    ),
    _break(
        "cursor before links",
        "the cursor is stored last",
        (
            "usecases.sync.read_feeds._take_page",
            "    apply_shared_copies(run, found.reads)\n",
            """\
    early = replace(row, cursor=page.next_cursor, is_round_open=not page.is_last,
                    is_full=row.is_full and not page.is_last)
    run.ports.stores.cursors.store(run.lease, early)
    apply_shared_copies(run, found.reads)
""",
        ),
    ),
    _break(
        "stop-line ignored",
        "a calendar that suddenly reads empty is not believed",
        ("usecases.sync.finish_round._is_too_much", "return True", "return False"),
    ),
    _break(
        "tombstone believed",
        "nothing is deleted before a look-up of that very id",
        (
            "usecases.sync.finish_round._look_up",
            "yield from ((link, found.get(link.entry_id) if link.entry_id else None) for link in group)",
            "yield from ((link, None) for link in group)",
        ),
    ),
    _break(
        "echo answered",
        "our own write, come back as a notification, is no change",
        (
            "usecases.sync.write_copies._agreed",
            "calendar=_agreed_there(",
            "calendar=link.calendar or _agreed_there(",
        ),
    ),
    _break(
        "private shown",
        "of a private entry the other side learns its time only",
        ("usecases.sync.sync_run.readable", 'private=is_full and rules.private == "full"', "private=is_full"),
        (
            "engine.project._shown_text",
            'if rules.privacy == "anonymous" or (entry.is_private and rules.private != "full"):',
            'if rules.privacy == "anonymous":',
        ),
    ),
    _break(
        "edge left open",
        "what leaves the window by a move is followed",
        (
            "usecases.sync.finish_round._changed_beyond",
            "found = _look_up(run, provider, CalendarId(row.feed), beyond)",
            "found = ()",
        ),
    ),
    _break(
        "identity by present start",
        "an occurrence that was moved is still the same one",
        (
            "usecases.sync.read_calendar._occurrence_ref",
            'original = entry.original_start_at or entry.when.interval("UTC")[0]',
            'original = entry.when.interval("UTC")[0]',
        ),
    ),
    _break(
        "generation not raised",
        "a copy made anew is told from the one before",
        (
            "engine.plan_booking._fresh_row",
            "generation=base.generation + 1 if again else base.generation",
            "generation=base.generation",
        ),
        ("engine.plan_booking._fresh_row", 'mark_id="" if again else base.mark_id', "mark_id=base.mark_id"),
    ),
    _break(
        "clone adopted",
        "a person's copy of our copy is never ours",
        (
            "engine.marks.is_pasted",
            "if mark.generation != link.generation:",
            "if True:\n        return False\n    if True:",
        ),
        ("usecases.sync.read_calendar._read_own", "if twin is not None:", "if False:"),
    ),
    _break(
        "lease not checked",
        "a run that was asleep longer than its lease writes nothing more",
        (
            "usecases.sync.sync_run.SyncRun.check_lease",
            "if self.lease_until is not None and self.ports.clock.now() >= self.lease_until:",
            "if False:",
        ),
    ),
    _break(
        "undo overrides",
        "an undo leaves alone what has changed since",
        ("usecases.sync.judge_undo._judge_move", "if booking.when != deed.to:", "if False:"),
    ),
    _break(
        "settings version ignored",
        "settings for the whole window reach every copy in it",
        (
            "engine.observe._host_born",
            "elif booking.version != link.host.version or link.settings_version < scope.reproject_below:",
            "elif booking.version != link.host.version:",
        ),
    ),
    _break(
        "guests mailed",
        "a copy to which others were invited is not written",
        ("engine.plan._without_mail", "if not isinstance(action, UpdateCopy | DeleteCopy):", "if True:"),
    ),
    _break(
        "write budget ignored",
        "two programs do not write against each other for ever",
        ("engine.guards.spend", "if link.writes >= WRITE_BUDGET:", "if False:"),
    ),
    _break(
        "transaction id reused",
        "a copy made anew is a transaction of its own",
        (
            "usecases.sync.sync_run.SyncRun.transaction_id",
            "str(link.generation), str(self.state.attempt)",
            "str(self.state.attempt)",
        ),
    ),
    _break(
        "block not put back",
        "a block that somebody moved or removed comes back",
        ("engine.plan_block._write_block", "if seen.host in (Side.CHANGED, Side.GONE):", "if False:"),
    ),
    _break(
        "shared booking blocks",
        "another resource's copy of our own booking takes no time here",
        ("engine.plan_block.plan_block", "if read.is_shared_booking:", "if False:"),
    ),
    _break(
        "left behind",
        "a copy that was kept in another calendar is not written a second time",
        (
            "usecases.sync.adopt_from_elsewhere._not_known",
            "if not by_ref or not run.scope.settings.writes_calendar:",
            "if True:",
        ),
    ),
    _break(
        "touching overlaps",
        "one after the other is no conflict",
        ("engine.overlaps.pairs", "if booking.end_at > entry.start_at)", "if booking.end_at >= entry.start_at)"),
        (
            "engine.overlaps.pairs",
            "last = bisect_left(starts, entry.end_at)",
            "last = bisect_left(starts, entry.end_at + timedelta(seconds=1))",
        ),
    ),
    _break(
        "unknown is gone",
        "what cannot be read stays as it is",
        ("usecases.sync.set_aside.set_aside_entries", "calendar=Missing.UNKNOWN", "calendar=Missing.GONE"),
        ("engine.observe._observe_one", "calendar=Missing.UNKNOWN", "calendar=Missing.GONE"),
    ),
    _break(
        "refused asked again",
        "what the booking system said no to is not asked again",
        ("engine.plan_changes.ask_once", "if no is None or", "if True or"),
    ),
    _break(
        "fold wrong",
        "the day on which the clock goes back has 25 hours",
        (
            "engine.plan_block._block_row",
            "start, end = entry.when.interval(scope.resource.time_zone)\n",
            """\
start, end = entry.when.interval(scope.resource.time_zone)
    if not hasattr(entry.when, "start_at"):
        end = start + (end - start).__class__(days=(entry.when.end - entry.when.start).days)
""",
        ),
    ),
)

_observing = False


@contextmanager
def observed() -> Iterator[None]:
    """While a life is judged, the engine is the true one."""
    true = invariants.check_all

    @wraps(true)
    def check_all(*arguments: Any) -> None:
        global _observing
        _observing = True
        try:
            true(*arguments)
        finally:
            _observing = False

    invariants.check_all = check_all
    try:
        yield
    finally:
        invariants.check_all = true


@contextmanager
def broken(one: Break) -> Iterator[None]:
    """The package with the lines of this break in it, wherever the functions are known. Raises AssertionError when a
    line is not there (any more): then the table must follow the code."""
    undo: list[tuple[Any, str, object]] = []
    try:
        for where in dict.fromkeys(edit.where for edit in one.edits):
            owner, name = _place(where)
            true = getattr(owner, name)
            false = _either(true, _rewritten(true, [edit for edit in one.edits if edit.where == where]))
            for place in _known_in(owner, name, true):
                undo.append((place, name, true))
                setattr(place, name, false)
        yield
    finally:
        for place, name, true in reversed(undo):
            setattr(place, name, true)


def _place(where: str) -> tuple[Any, str]:
    """The module or class that has the function, and its name there."""
    path, name = f"calsync_core.{where}".rsplit(".", 1)
    if path.rsplit(".", 1)[1][0].isupper():
        module, owner = path.rsplit(".", 1)
        return getattr(import_module(module), owner), name
    return import_module(path), name


def _known_in(owner: Any, name: str, true: object) -> list[Any]:
    if inspect.isclass(owner):
        return [owner]
    package = [module for key, module in list(sys.modules.items()) if key.startswith("calsync_core")]
    return [module for module in package if getattr(module, name, None) is true]


def _rewritten(true: Callable[..., Any], edits: list[Edit]) -> Callable[..., Any]:
    source = dedent(inspect.getsource(true))
    for edit in edits:
        assert source.count(edit.old) == 1, f"{edit.where} has no (single) {edit.old!r}"
        source = source.replace(edit.old, edit.new)
    found: dict[str, Any] = {}
    exec(compile(source, f"<broken {true.__name__}>", "exec"), true.__globals__, found)
    return found[true.__name__]


def _either(true: Callable[..., Any], false: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(true)
    def call(*arguments: Any, **named: Any) -> Any:
        return (true if _observing else false)(*arguments, **named)

    return call


@dataclass(frozen=True, slots=True)
class Noticed:
    """After how many lives, and in which words; `lives` is None where none of them noticed."""

    lives: int | None
    words: str = ""


def notice(one: Break, most: int = LIVES) -> Noticed:
    for seed in range(most):
        with observed(), broken(one):
            words = _live(seed)
        if words is not None and _live_true(seed) is None:
            return Noticed(seed + 1, words)
    return Noticed(None)


def _live(seed: int) -> str | None:
    """What somebody noticed in the life of this seed."""
    script = Schedule(seed, length=LENGTH).script()
    try:
        end(replay(script.opening, script.steps), seed)
    except AssertionError as error:
        return str(error).partition("\n")[0]
    except Exception as error:
        return f"{type(error).__name__}: {error}".partition("\n")[0]
    return None


@cache
def _live_true(seed: int) -> str | None:
    """With the engine as it is: what is noticed there as well says nothing about a break."""
    return _live(seed)


def table(most: int = LIVES) -> list[str]:
    """Markdown, a row for each break; the first line says how many were noticed."""
    found = [(one, notice(one, most)) for one in BREAKS]
    count = sum(noticed.lives is not None for _, noticed in found)
    rows = [
        f"| {one.name} | {one.promise} | {noticed.lives or f'not in {most}'} | {noticed.words[:90].replace('|', '/')} |"
        for one, noticed in found
    ]
    return [
        f"{count} of {len(BREAKS)} are noticed.",
        "",
        "| broken | the promise | lives | first seen as |",
        "|---|---|---:|---|",
        *rows,
    ]


if __name__ == "__main__":
    for one in BREAKS:
        if not sys.argv[1:] or any(word in one.name for word in sys.argv[1:]):
            noticed = notice(one)
            print(f"{one.name}: {noticed.lives} {noticed.words[:150]}", flush=True)
