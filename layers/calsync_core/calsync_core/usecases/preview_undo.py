"""What an undo of a run would do now, in numbers and by examples, before somebody presses.

Every deed is looked at live, many with one question, as far as a person who waits for a page has patience; what is left
is counted by what was done, exactly, so that nothing is promised for it.
"""

from collections import Counter
from datetime import timedelta

from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.journal import Did, JournalledRun
from calsync_core.domain.values import value
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.usecases.sync.judge_undo import Judged, judge, read_ahead, starts_at
from calsync_core.usecases.sync.open_run import open_look
from calsync_core.usecases.sync.undo_run import journalled

MOST = 1000
"""Deeds that one preview looks at."""

AT_ONCE = 50
PATIENCE = timedelta(seconds=10)


@value(frozen=True, slots=True)
class Outcome:
    """What an undo does about deeds of one kind, or why it leaves them alone; `judged` in order of time."""

    did: Did
    code: str
    will_do: bool
    judged: tuple[Judged, ...]


@value(frozen=True, slots=True)
class Preview:
    """`judged` were looked at live, in order of time; `unlooked` counts the rest by what was done."""

    run: JournalledRun
    judged: tuple[Judged, ...]
    unlooked: tuple[tuple[Did, int], ...]
    is_asked: bool

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What will be done before what stays; the larger number first."""
        found: dict[tuple[Did, str, bool], list[Judged]] = {}
        for one in self.judged:
            found.setdefault((one.deed.did, one.code, one.will_do), []).append(one)
        order = sorted(found.items(), key=lambda item: (not item[0][2], -len(item[1]), item[0]))
        return tuple(Outcome(*kind, tuple(some)) for kind, some in order)

    @property
    def count_unlooked(self) -> int:
        return sum(count for _, count in self.unlooked)

    @property
    def will_do(self) -> int:
        """Of those that were looked at."""
        return sum(one.will_do for one in self.judged)

    @property
    def may_do(self) -> bool:
        """Whether an undo has, or may have, anything to do."""
        return self.will_do > 0 or any(did not in (Did.COPY_MOVED, Did.BLOCK_MOVED) for did, _ in self.unlooked)


def preview_undo(ports: JourneyPorts, account: AccountId, resource: ResourceId, run: str) -> Preview:
    """Reads only. Raises NotFoundError("run_unknown"), InputError as `check_open`, and what the two sides raise."""
    found = journalled(ports, account, resource, run)
    look = open_look(ports, account, resource)
    zone, until = look.scope.resource.time_zone, ports.clock.now() + PATIENCE
    deeds = sorted(found.deeds, key=lambda deed: starts_at(deed, zone))
    judged: list[Judged] = []
    for first in range(0, min(len(deeds), MOST), AT_ONCE):
        if judged and ports.clock.now() >= until:
            break
        some = deeds[first : min(first + AT_ONCE, MOST)]
        ahead = read_ahead(look, some)
        judged.extend(judge(look, deed, ahead) for deed in some)
    rest = Counter(deed.did for deed in deeds[len(judged) :])
    is_asked = any(one.run == run for one in look.state.undoing)
    return Preview(found, tuple(judged), tuple((did, rest[did]) for did in Did if rest[did]), is_asked)
