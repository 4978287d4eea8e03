"""A person acting in a mailbox on the clinic's own Exchange server: exchangelib by NTLM, as Outlook would.

Knows nothing of calsync. Times are UTC. `ExchangeMailbox` shows entries in the words of tests/e2e/outlook.py, so that a
`Worker` looks at both kinds alike.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from exchangelib import DELEGATE, NTLM, Account, CalendarItem, Configuration, Credentials, FailFast
from exchangelib.protocol import BaseProtocol, close_connections
from exchangelib.version import Build, Version
from requests.adapters import HTTPAdapter

from local import exchange as demo_exchange
from local.browser import Page
from tests.e2e.clinic import Clinic, Worker

Json = dict[str, Any]


@contextmanager
def trusting(ca_file: Path) -> Iterator[None]:
    """Let exchangelib trust one authority; its adapter class is process-wide."""

    class OwnAuthority(HTTPAdapter):
        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            super().cert_verify(conn, url, str(ca_file), cert)

    before = BaseProtocol.HTTP_ADAPTER_CLS
    BaseProtocol.HTTP_ADAPTER_CLS = OwnAuthority
    try:
        yield
    finally:
        close_connections()
        BaseProtocol.HTTP_ADAPTER_CLS = before


class ExchangeMailbox:
    """One person's main calendar on the server."""

    def __init__(self, url: str, email: str, password: str) -> None:
        self.email = email
        config = Configuration(
            service_endpoint=url,
            credentials=Credentials(email, password),
            auth_type=NTLM,
            version=Version(Build(15, 2)),
            retry_policy=FailFast(),
        )
        self._account = Account(primary_smtp_address=email, config=config, autodiscover=False, access_type=DELEGATE)

    def create(self, day: date, start: str, end: str, subject: str) -> str:
        """A new entry; gives its id."""
        item = CalendarItem(
            account=self._account,
            folder=self._account.calendar,
            subject=subject,
            start=_at(day, start),
            end=_at(day, end),
        )
        item.save()
        return str(item.id)

    def move(self, entry: str, day: date, start: str, end: str) -> None:
        item = self._item(entry)
        item.start, item.end = _at(day, start), _at(day, end)
        item.save(update_fields=["start", "end"], send_meeting_invitations="SendToNone")

    def delete(self, entry: str) -> None:
        self._item(entry).move_to_trash(send_meeting_cancellations="SendToNone")

    def events(self, day: date, calendar: str = "") -> list[Json]:
        """What the person sees on that day, in order of time."""
        assert not calendar, "only the main calendar is looked at"
        first = datetime.combine(day, time(), UTC)
        found = self._account.calendar.view(start=_ews(first), end=_ews(first + timedelta(days=1)))
        return sorted((_shown(item) for item in found), key=lambda one: str(one["start"]["dateTime"]))

    def _item(self, entry: str) -> Any:
        return self._account.calendar.get(id=entry)


class ExchangeWorker(Worker):
    """A resource whose mailbox is on the clinic's own server; Microsoft 365 has no calendar of it."""

    def __init__(self, clinic: Clinic, resource: str, email: str) -> None:
        super().__init__(clinic, resource, email)
        self.mailbox: Any = ExchangeMailbox(clinic.cloud.microsoft.ews, email, self.person.password)

    @classmethod
    def newcomer(cls, clinic: Clinic, name: str, **facts: Any) -> "ExchangeWorker":
        demo_exchange.connect_server(clinic.cloud)
        email = clinic.move_in(name, exchange={}, mailbox_state="no_rest", **facts)
        return cls(clinic, clinic.add_resource(name, email), email)

    @classmethod
    def hire_on_premises(cls, clinic: Clinic, name: str, **facts: Any) -> "ExchangeWorker":
        """With a calendar that is connected and quiet."""
        worker = cls.newcomer(clinic, name, **facts)
        worker.choose_calendars(worker.enter(worker.ask_password(worker.invite())))
        worker.wait_state("connected")
        return worker

    def invite(self) -> str:
        """A link that the administrator hands over himself."""
        return str(self.call("POST", "/invitation", {"send": False, "calendar": "exchange"})["link"])

    def ask_password(self, link: str) -> Page:
        """From the landing page to the two fields."""
        page = self.person.browser.open(link)
        return self.person.browser.open(next(one for one in page.links if one.endswith("/exchange")))

    def enter(self, page: Page, password: str = "", **fields: str) -> Page:
        """Send the form: the address stands there already; who agreed before is not asked again."""
        form = page.form(having="password")
        agreed = {"agree": "yes"} if "agree" in form.choices else {}
        return self.person.browser.send(form, password=password or self.person.password, **agreed, **fields)

    def choose_calendars(self, page: Page, **fields: str | list[str]) -> Page:
        return self.person.choose(page, **fields)

    def use_password(self, password: str) -> None:
        """The person changed it."""
        self.person.password = password
        self.mailbox = ExchangeMailbox(self.clinic.cloud.microsoft.ews, self.email, password)

    def account_at_exchange(self) -> Json:
        """What the server's directory knows: `wrong_passwords`, `locked_until`."""
        return dict(self.clinic.control.call("GET", f"/people/{self.email}")["exchange"])


def _shown(item: Any) -> Json:
    return {
        "id": item.id,
        "uid": item.uid,
        "type": item.type,
        "subject": item.subject,
        "body": item.text_body or "",
        "start": {"dateTime": _utc(item.start)},
        "end": {"dateTime": _utc(item.end)},
        "showAs": str(item.legacy_free_busy_status).lower(),
        "attendees": [*(item.required_attendees or ()), *(item.optional_attendees or ())],
    }


def _utc(instant: Any) -> str:
    return datetime.fromtimestamp(instant.timestamp(), UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _at(day: date, clock: str) -> Any:
    return _ews(datetime.combine(day, time.fromisoformat(clock), UTC))


def _ews(instant: datetime) -> Any:
    from exchangelib import EWSDateTime

    return EWSDateTime.from_datetime(instant)
