"""Overview: every resource with its status, who needs someone first, and what is still missing in the set-up."""

from collections import Counter
from dataclasses import dataclass

from calsync_core.domain.conflicts import ConflictStatus
from calsync_core.domain.connections import Connection, ProviderKind
from calsync_core.domain.errors import CalsyncError
from calsync_core.domain.ids import MailboxId, ResourceId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.console.frame import Frame, Visit
from calsync_core.web.console.listing import Notice, list_page, notice, with_query
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.console.set_up import set_up_cards, set_up_steps
from calsync_core.web.status import ACTOR_WORDS, FILTERS, ShownStatus, shown_status
from calsync_core.web.wording import wording
from calsync_core.web.wording.words import Actor

PAGE_SIZE = 50
PROVIDERS = {ProviderKind.OFFICE365: "Outlook", ProviderKind.EXCHANGE: "Exchange", ProviderKind.GOOGLE: "Google"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `calendar` is empty without a connection; `turn` is a name or words."""

    state: ResourceState
    shown: ShownStatus
    calendar: str
    more_calendars: int
    conflicts: int
    turn: tuple[str, str]

    @property
    def may_invite(self) -> bool:
        return self.state.resource.is_active and self.state.status in (Status.NOT_INVITED, Status.DISCONNECTED)

    @property
    def is_waiting(self) -> bool:
        return self.state.status is Status.AWAITING and self.state.invitation_id is not None


@dataclass(frozen=True, slots=True)
class OverviewPages:
    parts: ConsoleParts

    @property
    def frame(self) -> Frame:
        return self.parts.frame

    def show(self, visit: Visit) -> Answer:
        """The list; `status`, `find` and `page` are plain parts of the address."""
        rows = self._rows(visit)
        needing = [row for row in rows if row.shown.needs_someone]
        wanted, text = visit.request.argument("status"), visit.request.argument("find")[:100]
        filters = {"status": wanted, "find": text}
        kept = [row for row in rows if _fits(row, wanted, text)]
        listed = list_page(visit.request, "/console", kept, filters, PAGE_SIZE)
        counts = Counter((row.shown.symbol, row.shown.word) for row in needing)
        return self.frame.show(
            visit,
            "overview",
            section="overview",
            listed=listed,
            total=len(rows),
            needing=len(needing),
            needs_counts=list(counts.items()),
            filters=FILTERS,
            wanted=wanted,
            find=text,
            is_filtered=bool(wanted or text),
            invitable=sum(row.may_invite for row in rows),
            cards=set_up_cards(self.parts, visit.account, [row.state for row in rows]),
            steps=set_up_steps(self.parts, visit.account, rows=len(rows)),
            notice=notice(visit.request) or _trouble(visit),
            export_url=with_query("/console/export.csv", filters),
        )

    def refresh(self, visit: Visit) -> Answer:
        """Ask the booking system who there is."""
        try:
            self.parts.refresh(visit.account)
        except CalsyncError as error:
            return see_other(with_query("/console", {"trouble": error.code}))
        return see_other("/console?done=refreshed")

    def export(self, visit: Visit) -> Answer:
        """The same list as a table for a spreadsheet; no titles, no private content."""
        wanted, text = visit.request.argument("status"), visit.request.argument("find")[:100]
        lines = ["name;status;since;last_sync;conflicts"]
        for row in self._rows(visit):
            if _fits(row, wanted, text):
                state = row.state
                cells = [state.resource.name, row.shown.word, _iso(row.shown.since_at), _iso(state.last_sync_at)]
                lines.append(";".join([*(csv_cell(cell) for cell in cells), str(row.conflicts)]))
        headers = {"content-disposition": 'attachment; filename="calsync-overview.csv"'}
        return Answer(200, "\n".join(lines) + "\n", "text/csv; charset=utf-8", headers)

    def _rows(self, visit: Visit) -> list[Row]:
        stores = self.frame.stores
        connections = {one.id: one for one in stores.connections.of_account(visit.account)}
        conflicts = Counter(
            one.resource_id for one in stores.conflicts.open(visit.account) if one.status is ConflictStatus.OPEN
        )
        states = [state for state in stores.resources.of_account(visit.account) if _is_shown(state)]
        rows = [make_row(state, connections, conflicts) for state in states]
        return sorted(rows, key=lambda row: (not row.shown.needs_someone, row.state.resource.name.casefold()))


def make_row(state: ResourceState, connections: dict[MailboxId, Connection], conflicts: Counter[ResourceId]) -> Row:
    shown = shown_status(state)
    connection = connections.get(state.mailbox) if state.mailbox else None
    return Row(
        state=state,
        shown=shown,
        calendar=PROVIDERS[connection.identity.provider] if connection else "",
        more_calendars=max(0, len(state.calendars) - 1),
        conflicts=conflicts[state.resource.id],
        turn=named_turn(state, shown),
    )


def csv_cell(text: str) -> str:
    """Quoted, and never a formula: a spreadsheet would run what begins with =, +, - or @."""
    plain = "".join(char for char in text if char.isprintable())
    guarded = f"'{plain}" if plain[:1] in ("=", "+", "-", "@") else plain
    escaped = guarded.replace('"', '""')
    return f'"{escaped}"'


def named_turn(state: ResourceState, shown: ShownStatus) -> tuple[str, str]:
    """Whose turn it is: a name where it is the person's, else words; one of the two is empty."""
    if shown.actor is Actor.RESOURCE:
        return state.resource.owner.name or state.resource.name, ""
    return "", ACTOR_WORDS[shown.actor]


def _is_shown(state: ResourceState) -> bool:
    """What the booking system no longer offers and was never connected is not worth a line."""
    return state.resource.is_active or state.status not in (Status.NOT_INVITED, Status.AWAITING)


def _fits(row: Row, wanted: str, text: str) -> bool:
    if wanted == "needs" and not row.shown.needs_someone:
        return False
    if wanted and wanted != "needs" and row.shown.key != wanted:
        return False
    resource = row.state.resource
    return not text or text.casefold() in f"{resource.name} {resource.email}".casefold()


def _trouble(visit: Visit) -> Notice | None:
    """After a redirect: a code of the catalogue, never a text from the address."""
    code = visit.request.argument("trouble")
    if not code:
        return None
    text = wording(code)
    return Notice(" ".join(part for part in (text.title + ".", text.meaning, text.next_step) if part), "bad")


def _iso(at: object) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(at, "strftime") else ""
