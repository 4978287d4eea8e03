""" "Why isn't it here?": a day and time, a title or a booking's number; the answer names the rule that decided."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from calsync_core.domain.errors import CalsyncError, InputError
from calsync_core.domain.ids import BookingId
from calsync_core.usecases.explain_entry import Answer as Explanation
from calsync_core.usecases.explain_entry import Explained, explain_entry
from calsync_core.usecases.find_appointments import Question
from calsync_core.web.answers import Answer
from calsync_core.web.conflict_words import KINDS
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.console.synclog import ShownLine, shown_line
from calsync_core.web.problems import status_of
from calsync_core.web.request import Request
from calsync_core.web.when import shown_when
from calsync_core.web.wording import wording
from calsync_core.web.wording.words import Wording

LONGEST_TITLE = 255
_ASKED = ("day", "time", "title", "booking")


@dataclass(frozen=True, slots=True)
class ShownReason:
    """One appointment: what it is, why it is or is not there, what was done last, what comes next."""

    found: Explained
    when: str
    words: Wording
    next_try: Wording
    conflict: str
    to_calendar: ShownLine | None
    to_bookings: ShownLine | None


@dataclass(frozen=True, slots=True)
class WhyPages:
    parts: ConsoleParts

    def show(self, visit: Visit, resource_id: str) -> Answer:
        """A GET with its question in the address; it reads both sides live and writes nothing."""
        state, request = self.parts.frame.resource(visit, resource_id), visit.request
        zone = state.resource.time_zone
        answer: Explanation | None = None
        error: CalsyncError | None = None
        try:
            question = _question(request, zone)
            if question is not None:
                answer = explain_entry(self.parts.ports, visit.account, state.resource.id, question)
        except CalsyncError as found:
            error = found
        return self.parts.frame.show(
            visit,
            "why",
            section="overview",
            status=status_of(error) if error else 200,
            trouble=wording(error.code) if error else None,
            resource=state.resource,
            resource_zone=zone,
            asked={name: request.argument(name)[:LONGEST_TITLE] for name in _ASKED},
            answer=answer,
            unread=[wording(side.code) for side in answer.sides if side.code] if answer else [],
            reasons=[_shown(one, zone) for one in answer.found] if answer else [],
            nothing=wording("nothing_found"),
        )


def _question(request: Request, zone: str) -> Question | None:
    """None before anything was asked. Raises InputError: question_time_unreadable, question_missing."""
    asked = {name: request.argument(name).strip() for name in _ASKED}
    if not any(asked.values()):
        if request.argument("asked"):
            raise InputError("question_missing")
        return None
    if len(asked["title"]) > LONGEST_TITLE:
        raise InputError("input_invalid", field="title")
    start = end = None
    if asked["day"] or asked["time"]:
        start, end = _span(asked["day"], asked["time"], zone)
    return Question(asked["title"], start, end, BookingId(asked["booking"]) if asked["booking"] else None)


def _span(day: str, time: str, zone: str) -> tuple[datetime, datetime]:
    """That minute, or the whole day without a time, in the resource's zone."""
    try:
        local = datetime.strptime(f"{day} {time or '00:00'}"[:16], "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))
        start = local.astimezone(UTC)
        end = start + timedelta(minutes=1) if time else (local + timedelta(days=1)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError("question_time_unreadable", field="day") from None
    return start, end


def _shown(one: Explained, zone: str) -> ShownReason:
    return ShownReason(
        one, shown_when(one.when, zone), wording(one.code), wording(one.next_code),
        KINDS[one.conflict.kind] if one.conflict else "",
        shown_line(one.last_to_calendar, {}, zone) if one.last_to_calendar else None,
        shown_line(one.last_from_calendar, {}, zone) if one.last_from_calendar else None,
    )  # fmt: skip
