"""The ports of people's journeys over a small clinic, for use cases that look at both sides live."""

from calsync_core.adapters.memory.outward import MemoryMailer, PlainSealer, SeededIds
from calsync_core.domain.ids import AccountId, MailboxId
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.ports.journeys import JourneyPorts

from tests.console_world import FakeSignIn, PlainWriter
from tests.small_clinic import ACCOUNT, Clinic


class ClinicCalendars:
    """CalendarAccess over the clinic's own providers."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic

    def of_grant(self, account: AccountId, cache: bytes) -> CalendarProvider:
        raise AssertionError("not in these tests")

    def of_mailbox(self, account: AccountId, mailbox: MailboxId) -> CalendarProvider:
        return self.clinic.providers[mailbox]


def look_ports(clinic: Clinic) -> JourneyPorts:
    sign_in = FakeSignIn()
    return JourneyPorts(
        stores=clinic.stores,
        mailer=MemoryMailer(),
        writer=PlainWriter(),
        clock=clinic.clock,
        queue=clinic.queue,
        ids=SeededIds(3),
        sealer=PlainSealer(),
        sign_in=sign_in,
        exchange=sign_in,  # type: ignore[arg-type]
        calendars=ClinicCalendars(clinic),  # type: ignore[arg-type]
        host=clinic.ports.host(ACCOUNT),
        redirect_uri="https://calsync.example/oauth/callback",
        text_version="1",
        installation=clinic.ports.installation,
    )
