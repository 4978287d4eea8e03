"""/v1/resources/{id}: what its runs did, undoing one, why something is here or is not, and what was set aside."""

from dataclasses import dataclass
from datetime import timedelta

from calsync_core.domain.errors import InputError
from calsync_core.domain.ids import BookingId, EntryId
from calsync_core.domain.journal import JournalledRun
from calsync_core.domain.resources import ResourceState
from calsync_core.usecases.confirm_stop_line import StopLinePorts, confirm_stop_line, restore_copies
from calsync_core.usecases.explain_entry import Explained, explain_entry
from calsync_core.usecases.find_appointments import Question
from calsync_core.usecases.preview_undo import preview_undo
from calsync_core.usecases.sync.judge_undo import Judged
from calsync_core.usecases.sync.undo_run import ask_undo, counts_of, journalled_runs
from calsync_core.usecases.try_again import TryPorts, set_aside, try_again
from calsync_core.web.answers import Answer
from calsync_core.web.api import history_schemas as out
from calsync_core.web.api import schemas
from calsync_core.web.api.conflicts import conflict_out
from calsync_core.web.api.frame import ApiFrame, Call, answer, instant_argument, list_page, read_body
from calsync_core.web.api.resources import log_out
from calsync_core.web.wording import wording


@dataclass(frozen=True, slots=True)
class HistoryRoutes:
    frame: ApiFrame

    def runs(self, call: Call, resource_id: str) -> Answer:
        state = self.frame.resource(call, resource_id)
        found = journalled_runs(self.frame.ports.stores.log, call.account, state.resource.id)
        page, cursor = list_page(call, found, lambda one: one.run)
        items = [run_out(one, state) for one in page]
        return answer(schemas.Page[out.RunOut](items=items, next_cursor=cursor))

    def run(self, call: Call, resource_id: str, run: str) -> Answer:
        state = self.frame.resource(call, resource_id)
        preview = preview_undo(self.frame.ports, call.account, state.resource.id, run)
        return answer(
            out.UndoPreviewOut(
                run=run_out(preview.run, state),
                outcomes=[
                    out.UndoOutcomeOut(
                        did=one.did.value,
                        code=one.code,
                        text=wording(one.code).title,
                        will_do=one.will_do,
                        count=len(one.judged),
                    )
                    for one in preview.outcomes
                ],
                steps=[_step_out(one) for one in preview.judged],
                not_looked_at=preview.count_unlooked,
                not_looked_at_by_kind={did.value: count for did, count in preview.unlooked},
            )
        )

    def undo(self, call: Call, resource_id: str, run: str) -> Answer:
        state = self.frame.resource(call, resource_id)
        ask_undo(self.frame.ports, call.account, state.resource.id, run, call.who)
        return answer(schemas.AcceptedOut(), 202)

    def why(self, call: Call, resource_id: str) -> Answer:
        state = self.frame.resource(call, resource_id)
        found = explain_entry(self.frame.ports, call.account, state.resource.id, _question(call))
        return answer(
            out.WhyOut(
                items=[_explained_out(one) for one in found.found],
                sides=[out.SideOut(name=one.name, known=one.code is None, reason=one.code) for one in found.sides],
                more=found.is_cut,
            )
        )

    def set_aside(self, call: Call, resource_id: str) -> Answer:
        state = self.frame.resource(call, resource_id)
        found = set_aside(TryPorts.of(self.frame.ports, self.frame.ports.queue), call.account, state.resource.id)
        page, cursor = list_page(call, found, lambda one: one.link.ref)
        items = [
            out.SetAsideOut(
                reference=one.link.ref,
                kind="booking" if one.link.origin.value == "host" else "entry",
                time=schemas.when_out(one.link.when),
                code=one.code or None,
                text=wording(one.code or "entry_quarantined").title,
            )
            for one in page
        ]
        return answer(schemas.Page[out.SetAsideOut](items=items, next_cursor=cursor))

    def try_again(self, call: Call, resource_id: str) -> Answer:
        state, asked = self.frame.resource(call, resource_id), read_body(call, out.TryAgainIn)
        ports = TryPorts.of(self.frame.ports, self.frame.ports.queue)
        tried = try_again(ports, call.account, state.resource.id, asked.reference, call.who)
        return answer(out.TriedOut(tried=tried))

    def stop_line(self, call: Call, resource_id: str) -> Answer:
        state, asked = self.frame.resource(call, resource_id), read_body(call, out.StopLineIn)
        stop = StopLinePorts.of(self.frame.ports)
        if asked.what == "confirm":
            confirm_stop_line(stop, call.account, state.resource.id, by=call.who)
        else:
            restore_copies(stop, call.account, state.resource.id, by=call.who)
        return answer(schemas.AcceptedOut(), 202)


def _question(call: Call) -> Question:
    """`at` is one moment; `from` and `to` are a span. Raises InputError."""
    argument = call.request.argument
    start = end = None
    if argument("at"):
        start = instant_argument(call, "at")
        end = start + timedelta(minutes=1)
    elif argument("from") or argument("to"):
        start, end = instant_argument(call, "from"), instant_argument(call, "to")
    if len(argument("title")) > 255:
        raise InputError("input_invalid", field="title")
    booking, entry = argument("booking_id"), argument("entry_id")
    return Question(
        argument("title"), start, end, BookingId(booking) if booking else None, EntryId(entry) if entry else None
    )


def run_out(run: JournalledRun, state: ResourceState) -> out.RunOut:
    return out.RunOut(
        id=run.run,
        at=run.at,
        counts={did.value: count for did, count in counts_of(run)},
        undone=run.undone.at if run.undone else None,
        undone_by=run.undone.by if run.undone else None,
        may_be_undone=run.may_be_undone,
        undo_asked=any(one.run == run.run for one in state.undoing),
    )


def _step_out(one: Judged) -> out.UndoStepOut:
    return out.UndoStepOut(
        did=one.deed.did.value,
        reference=one.deed.ref,
        booking_id=one.deed.booking,
        was=schemas.when_out(one.deed.was),
        to=schemas.when_out(one.deed.to),
        rule=one.deed.rule or None,
        will_do=one.will_do,
        code=one.code,
        text=wording(one.code).title,
    )


def _explained_out(one: Explained) -> out.ExplainedOut:
    words, link = wording(one.code), one.link
    return out.ExplainedOut(
        reference=one.ref,
        kind="booking" if one.is_booking else "entry",
        time=schemas.when_out(one.when),
        title=one.title or None,
        rule=one.rule,
        code=one.code,
        text=words.title,
        meaning=words.meaning,
        next_step=words.next_step,
        next_try=one.next_code,  # type: ignore[arg-type]  # pydantic checks it against the four words
        next_try_text=wording(one.next_code).title,
        link=out.LinkStateOut(
            written=bool(link.entry_id if one.is_booking else link.host.version),
            set_aside=link.is_quarantined,
            refused=link.refused.code if link.refused else None,
            waits_for_decision_of_next_run=link.decision is not None,
        )
        if link
        else None,
        conflict=conflict_out(one.conflict) if one.conflict else None,
        last_to_calendar=log_out(one.last_to_calendar) if one.last_to_calendar else None,
        last_to_booking_system=log_out(one.last_from_calendar) if one.last_from_calendar else None,
    )
