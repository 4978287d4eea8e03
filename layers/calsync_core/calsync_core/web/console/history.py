"""What checks deleted and moved, undoing one of them after a look, and another try for what was set aside."""

from dataclasses import dataclass
from urllib.parse import quote

from calsync_core.domain.errors import CalsyncError
from calsync_core.domain.journal import Did, JournalledRun
from calsync_core.domain.resources import ResourceState
from calsync_core.usecases.preview_undo import Outcome, Preview, preview_undo
from calsync_core.usecases.sync.undo_run import ask_undo, counts_of, journalled_runs
from calsync_core.usecases.try_again import TryPorts, try_again
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.listing import list_page, notice
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.console.resources import ResourcePages
from calsync_core.web.problems import status_of
from calsync_core.web.when import shown_when
from calsync_core.web.wording import wording
from calsync_core.web.wording.words import Wording

PAGE_SIZE = 25
TIMES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class ShownRun:
    """`did` are the counts in words."""

    run: JournalledRun
    did: tuple[tuple[int, str], ...]
    is_asked: bool


@dataclass(frozen=True, slots=True)
class ShownOutcome:
    """What an undo does about so many things of one kind; `times` are the first of them, `more` are not listed."""

    did: str
    will_do: bool
    count: int
    words: Wording
    times: tuple[tuple[str, str], ...]

    @property
    def more(self) -> int:
        return self.count - len(self.times)


@dataclass(frozen=True, slots=True)
class HistoryPages:
    parts: ConsoleParts

    def runs(self, visit: Visit, resource_id: str) -> Answer:
        state = self.parts.frame.resource(visit, resource_id)
        runs = journalled_runs(self.parts.ports.stores.log, visit.account, state.resource.id)
        shown = [_shown(one, state) for one in runs]
        return self.parts.frame.show(
            visit,
            "runs",
            section="overview",
            resource=state.resource,
            listed=list_page(visit.request, f"{_address(state)}/runs", shown, {}, PAGE_SIZE),
            notice=notice(visit.request),
        )

    def run(self, visit: Visit, resource_id: str, run: str) -> Answer:
        """What an undo would do, looked at live; nothing is written."""
        return self._page(visit, self.parts.frame.resource(visit, resource_id), run)

    def undo(self, visit: Visit, resource_id: str, run: str) -> Answer:
        state = self.parts.frame.resource(visit, resource_id)
        try:
            ask_undo(self.parts.ports, visit.account, state.resource.id, run, visit.who)
        except CalsyncError as error:
            return self._page(visit, state, run, error)
        return see_other(f"{_address(state)}/runs?done=undoing")

    def try_again(self, visit: Visit, resource_id: str) -> Answer:
        """`reference` names one; without it all are tried."""
        state, ports = self.parts.frame.resource(visit, resource_id), self.parts.ports
        try:
            try_again(
                TryPorts.of(ports, ports.queue), visit.account, state.resource.id,
                visit.request.field("reference") or None, visit.who,
            )  # fmt: skip
        except CalsyncError as error:
            return ResourcePages(self.parts).page(visit, state, error)
        return see_other(f"{_address(state)}?done=trying")

    def _page(self, visit: Visit, state: ResourceState, run: str, error: CalsyncError | None = None) -> Answer:
        preview: Preview | None = None
        try:
            preview = preview_undo(self.parts.ports, visit.account, state.resource.id, run)
        except CalsyncError as found:
            error = error or found
        return self.parts.frame.show(
            visit,
            "run",
            section="overview",
            status=status_of(error) if error else 200,
            trouble=wording(error.code) if error else None,
            resource=state.resource,
            run=quote(run, safe=""),
            preview=preview,
            shown=_shown(preview.run, state) if preview else None,
            outcomes=[_outcome(one, state.resource.time_zone) for one in preview.outcomes] if preview else [],
            unlooked=_in_words(preview.unlooked) if preview else (),
        )


def _shown(run: JournalledRun, state: ResourceState) -> ShownRun:
    return ShownRun(run, _in_words(counts_of(run)), any(one.run == run.run for one in state.undoing))


def _in_words(counts: tuple[tuple[Did, int], ...]) -> tuple[tuple[int, str], ...]:
    return tuple((count, wording(f"did_{did.value}").title) for did, count in counts)


def _outcome(one: Outcome, zone: str) -> ShownOutcome:
    deeds = [judged.deed for judged in one.judged[:TIMES_SHOWN]]
    times = tuple((shown_when(deed.was, zone), shown_when(deed.to, zone)) for deed in deeds)
    return ShownOutcome(wording(f"did_{one.did.value}").title, one.will_do, len(one.judged), wording(one.code), times)


def _address(state: ResourceState) -> str:
    return f"/console/resources/{quote(state.resource.id, safe='')}"
