"""POST /v1/free-busy: when anybody of the organisation is free, connected or not."""

from dataclasses import dataclass

from calsync_core.domain.ids import ResourceId
from calsync_core.usecases.look_up_free_busy import FreeBusyAnswer, FreeBusyQuestion, look_up_free_busy
from calsync_core.web.answers import Answer
from calsync_core.web.api.frame import ApiFrame, Call, answer, read_body
from calsync_core.web.api.free_busy_schemas import FreeBusyIn, FreeBusyItem, FreeBusyOut
from calsync_core.web.api.schemas import IntervalOut


@dataclass(frozen=True, slots=True)
class FreeBusyRoutes:
    frame: ApiFrame

    def ask(self, call: Call) -> Answer:
        asked = read_body(call, FreeBusyIn)
        question = FreeBusyQuestion(
            call.account,
            asked.from_,
            asked.to,
            tuple(asked.addresses),
            tuple(ResourceId(one) for one in asked.resource_ids),
        )
        found = look_up_free_busy(self.frame.ports, question)
        return answer(FreeBusyOut(start=asked.from_, end=asked.to, answers=[_item(one) for one in found]))


def _item(found: FreeBusyAnswer) -> FreeBusyItem:
    return FreeBusyItem(
        asked=found.asked,
        resource_id=found.resource,
        address=found.address or None,
        known=found.times.reason is None,
        reason=found.times.reason,
        as_of=found.as_of,
        source=found.source.value if found.source else None,
        role_account=found.role_account or None,
        intervals=[
            IntervalOut(start=one.start_at, end=one.end_at, status=one.occupied.value) for one in found.times.intervals
        ],
    )
