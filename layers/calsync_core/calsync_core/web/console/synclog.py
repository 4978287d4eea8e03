"""Sync log: what was done, when, for whom and by which rule. Ids and codes only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from calsync_core.domain.ids import LONGEST_ID, ResourceId
from calsync_core.domain.synclog import LogEntry, Way
from calsync_core.web.answers import Answer
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.listing import list_page, with_query
from calsync_core.web.console.overview import csv_cell
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.wording import CATALOGUE, wording
from calsync_core.web.wording.words import Wording

PAGE_SIZE = 100
READ_AT_MOST = 500


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


WAYS: Mapping[Way, str] = {
    Way.TO_CALENDAR: _("to the calendar"),
    Way.FROM_CALENDAR: _("to the booking system"),
    Way.NONE: "",
}
FOLDED = {"full_check"}


@dataclass(frozen=True, slots=True)
class ShownLine:
    """`what` is the catalogue's title, `cause` the title of the code where the catalogue has one. `words` are all four
    parts of whichever of the two says more: what happened, what it means, what to do, who acts."""

    line: LogEntry
    name: str
    what: str
    cause: str
    way: str
    words: Wording


def shown_line(line: LogEntry, names: Mapping[ResourceId, str]) -> ShownLine:
    name = names.get(line.resource_id, line.resource_id) if line.resource_id else ""
    code = line.code or ""
    cause = wording(code).title if code in CATALOGUE else code.replace("_", " ")
    words = wording(code if code in CATALOGUE else line.reason.value)
    return ShownLine(line, name, wording(line.reason.value).title, cause, WAYS[line.way], words)


@dataclass(frozen=True, slots=True)
class LogPages:
    parts: ConsoleParts

    def show(self, visit: Visit) -> Answer:
        request = visit.request
        day, resource = self._day(visit), request.argument("resource")
        only_problems = request.argument("problems") == "1"
        names = self._names(visit)
        lines = self._lines(visit, day, resource, only_problems=only_problems)
        folded = sum(line.reason.value in FOLDED for line in lines)
        kept = [shown_line(line, names) for line in lines if line.reason.value not in FOLDED]
        filters = {"resource": resource, "day": day, "problems": "1" if only_problems else ""}
        return self.parts.frame.show(
            visit,
            "log",
            section="log",
            listed=list_page(request, "/console/log", kept, filters, PAGE_SIZE),
            folded=folded,
            names=sorted(names.items(), key=lambda item: item[1].casefold()),
            wanted_resource=resource,
            day=day,
            only_problems=only_problems,
            previous_day=with_query("/console/log", {**filters, "day": _shifted(day, -1)}),
            next_day=with_query("/console/log", {**filters, "day": _shifted(day, 1)}),
            is_today=day >= self._today(),
            export_url=with_query("/console/log.csv", filters),
            is_cut=len(lines) >= READ_AT_MOST,
        )

    def export(self, visit: Visit) -> Answer:
        request = visit.request
        names = self._names(visit)
        lines = ["at;resource;way;what;rule;code;reference"]
        found = self._lines(
            visit,
            self._day(visit),
            request.argument("resource"),
            only_problems=request.argument("problems") == "1",
        )
        for line in found:
            shown = shown_line(line, names)
            cells = [shown.name, shown.way, shown.what, line.rule or "", line.code or "", line.ref or ""]
            lines.append(";".join([f"{line.at:%Y-%m-%dT%H:%M:%SZ}", *(csv_cell(cell) for cell in cells)]))
        headers = {"content-disposition": 'attachment; filename="calsync-log.csv"'}
        return Answer(200, "\n".join(lines) + "\n", "text/csv; charset=utf-8", headers)

    def _lines(self, visit: Visit, day: str, resource: str, *, only_problems: bool) -> list[LogEntry]:
        log = self.parts.ports.stores.log
        if len(resource) > LONGEST_ID:
            return []
        if resource:
            found = log.of_resource(visit.account, ResourceId(resource), READ_AT_MOST)
            if visit.request.argument("day"):
                found = [line for line in found if f"{line.at:%Y-%m-%d}" == day]
        else:
            found = log.of_day(visit.account, day, READ_AT_MOST)
        return [line for line in found if line.is_problem] if only_problems else found

    def _names(self, visit: Visit) -> dict[ResourceId, str]:
        states = self.parts.ports.stores.resources.of_account(visit.account)
        return {state.resource.id: state.resource.name for state in states}

    def _day(self, visit: Visit) -> str:
        """Days of the log are UTC days; what is no day means today."""
        try:
            return date.fromisoformat(visit.request.argument("day")).isoformat()
        except ValueError:
            return self._today()

    def _today(self) -> str:
        now: datetime = self.parts.frame.clock.now()
        return f"{now:%Y-%m-%d}"


def _shifted(day: str, by: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=by)).isoformat()
