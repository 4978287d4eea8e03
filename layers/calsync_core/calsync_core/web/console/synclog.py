"""Sync log: what was done, when, for whom and by which rule. Ids and codes only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, When
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.ids import LONGEST_ID, ResourceId
from calsync_core.domain.journal import span, when_of_span
from calsync_core.domain.synclog import LogEntry, Reason, Way
from calsync_core.web.answers import Answer
from calsync_core.web.conflict_words import KINDS, conflict_wording
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.listing import list_page, with_query
from calsync_core.web.console.overview import csv_cell
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.console.settings_form import LABELS
from calsync_core.web.when import shown_when
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


_DETAILS: Mapping[str, str] = {
    "by": _("By"),
    "count": _("How many"),
    "did": _("What was done"),
    "keys": _("Settings"),
    "resolution": _("Choice"),
    "run": _("Check"),
    "scope": _("Applies to"),
    "undone_run": _("Check that is undone"),
    "until": _("Until"),
    "was": _("Was at"),
}
_OF_CONFLICTS = {Reason.CONFLICT_OPENED, Reason.CONFLICT_SETTLED, Reason.CONFLICT_RESOLVED}


@dataclass(frozen=True, slots=True)
class ShownLine:
    """`what` is the catalogue's title, `when` the time of the appointment, `cause` why or which. `words` are all four
    parts of whichever says more: what happened, what it means, what to do, who acts."""

    line: LogEntry
    name: str
    what: str
    when: str
    causes: tuple[str, ...]
    way: str
    words: Wording
    details: tuple[tuple[str, str], ...]
    day: str
    """Of the appointment, to ask for the reason on that day."""


def shown_line(line: LogEntry, names: Mapping[ResourceId, str], zone: str) -> ShownLine:
    name = names.get(line.resource_id, line.resource_id) if line.resource_id else ""
    what, code = wording(line.reason.value), line.code or ""
    of_code = conflict_wording(code) if line.reason in _OF_CONFLICTS else wording(code)
    return ShownLine(
        line, name, what.title, shown_when(line.when, zone),
        tuple(cause for cause in _causes(line) if cause and cause != what.title),
        WAYS[line.way], of_code if code in CATALOGUE else what, _details(line, zone), _day(line.when, zone),
    )  # fmt: skip


def _causes(line: LogEntry) -> list[str]:
    """Why, in words: of conflicts their kind, of settings which; a code that no catalogue has as it is."""
    detail, code = dict(line.detail), line.code or ""
    if line.reason in _OF_CONFLICTS and code in set(ConflictKind):
        return [KINDS[ConflictKind(code)], detail.get("by", "")]
    if line.reason is Reason.SETTINGS_CHANGED:
        return [*(LABELS.get(key, key) for key in detail.get("keys", "").split()), detail.get("by", "")]
    return [wording(code).title if code in CATALOGUE else code.replace("_", " "), detail.get("by", "")]


def _details(line: LogEntry, zone: str) -> tuple[tuple[str, str], ...]:
    found = dict(line.detail)
    found.pop("when", None)
    if "was" in found:
        found["was"] = shown_when(when_of_span(found["was"]), zone)
    return tuple((_DETAILS.get(name, name), value) for name, value in found.items())


def _day(when: When | None, zone: str) -> str:
    if when is None:
        return ""
    return (when.start if isinstance(when, AllDay) else when.start_at.astimezone(ZoneInfo(zone)).date()).isoformat()


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
        kept = [shown_line(line, names, self.parts.frame.zone) for line in lines if line.reason.value not in FOLDED]
        shown_day = "" if resource and not request.argument("day") else day  # of one resource all days are listed
        filters = {"resource": resource, "day": shown_day, "problems": "1" if only_problems else ""}
        return self.parts.frame.show(
            visit,
            "log",
            section="log",
            listed=list_page(request, "/console/log", kept, filters, PAGE_SIZE),
            folded=folded,
            names=sorted(names.items(), key=lambda item: item[1].casefold()),
            wanted_resource=resource,
            day=shown_day,
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
        lines = ["at;resource;way;what;appointment;rule;code;reference"]
        found = self._lines(
            visit,
            self._day(visit),
            request.argument("resource"),
            only_problems=request.argument("problems") == "1",
        )
        for line in found:
            shown = shown_line(line, names, self.parts.frame.zone)
            when = span(line.when) if line.when else ""
            cells = [shown.name, shown.way, shown.what, when, line.rule or "", line.code or "", line.ref or ""]
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
