"""/v1/connections: the connected mailboxes, and their connection test."""

from dataclasses import dataclass

from calsync_core.domain.connection_report import ConnectionReport, Outcome, Part, ReportStep
from calsync_core.domain.connections import Connection
from calsync_core.domain.ids import MailboxId
from calsync_core.usecases.check_connection import CheckConnection, check_connection
from calsync_core.web.answers import Answer
from calsync_core.web.api import schemas
from calsync_core.web.api.connection_schemas import ConnectionOut, ConnectionTestOut, TestPartOut, TestStepOut
from calsync_core.web.api.frame import ApiFrame, Call, answer, list_page
from calsync_core.web.report_words import PARTS, STEPS
from calsync_core.web.wording import wording


@dataclass(frozen=True, slots=True)
class ConnectionRoutes:
    """`public_url` is where providers reach us."""

    frame: ApiFrame
    public_url: str

    def list(self, call: Call) -> Answer:
        rows = sorted(self.frame.ports.stores.connections.of_account(call.account), key=lambda one: one.id)
        page, cursor = list_page(call, rows, lambda one: one.id)
        return answer(schemas.Page[ConnectionOut](items=[_out(one) for one in page], next_cursor=cursor))

    def test(self, call: Call, connection_id: str) -> Answer:
        """Another account's connection is as unknown as one that never was."""
        command = CheckConnection(call.account, MailboxId(connection_id[:64]), self.public_url)
        report = check_connection(self.frame.ports, command)
        return answer(_report(connection_id, report))


def _out(connection: Connection) -> ConnectionOut:
    return ConnectionOut(
        id=connection.id,
        provider=connection.identity.provider.value,
        address=connection.address,
        resources=list(connection.resources),
        works=not connection.is_broken,
        code=connection.broken_code,
    )


def _report(connection_id: str, report: ConnectionReport) -> ConnectionTestOut:
    parts = [_part(report, part, name) for part, name in PARTS]
    worst = Outcome.FAILED if report.failure else Outcome.OK
    return ConnectionTestOut(
        connection_id=connection_id,
        provider=report.provider.value,
        address=report.about,
        place=report.place,
        at=report.at,
        seconds=report.seconds,
        result=worst.value,
        parts=parts,
    )


def _part(report: ConnectionReport, part: Part, name: str) -> TestPartOut:
    steps = [_step(step) for step in report.steps if step.part is part]
    return TestPartOut(part=part.value, name=name, result=report.outcome(part).value, steps=steps)


def _step(step: ReportStep) -> TestStepOut:
    text = wording(step.code or "internal") if step.outcome is Outcome.FAILED else None
    return TestStepOut(
        step=step.name,
        name=STEPS[step.name],
        result=step.outcome.value,
        found=step.found or None,
        code=step.code or None,
        provider_code=step.provider_code or None,
        meaning=f"{text.title}. {text.meaning}".strip() if text else None,
        next_step=text.next_step if text else None,
        who_acts=text.actor.value if text else None,
        seconds=step.seconds,
    )
