"""The clinic of the end-to-end tests: a deployed stack, and people who come and go by HTTP alone.

`Clinic` hires people (account at Microsoft, resource of the booking system, connected calendar); a `Worker` is looked
at from both sides. Each test takes days of its own, so that all share one stack.
"""

import itertools
import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import requests
from calsync_core.keys import host_key

from local.browser import Browser, Page
from local.cloud import LocalCloud
from local.host import Host
from local.journey import Admin, PatienceError, Person, wait_for
from local.people import TIME_ZONE
from tests.e2e import inside
from tests.e2e.outlook import Mailbox, Outlook, at, clock_of

Json = dict[str, Any]
T = TypeVar("T")
PATIENCE = float(os.environ.get("CALSYNC_E2E_PATIENCE", "120"))
"""Seconds; long, because it is only used up where something is wrong or the machine is very busy."""
WEEK = [{"day": day, "start": "08:00", "end": "18:00"} for day in ("mon", "tue", "wed", "thu", "fri")]
TOWN = "clinic.example"


def until(what: str, look: Callable[[], T], wanted: T, seconds: float = PATIENCE) -> T:
    """Look until it is exactly as wanted. Raises PatienceError with what was seen last."""
    seen: list[T] = []

    def is_so() -> bool:
        seen[:] = [look()]
        return seen[0] == wanted

    try:
        wait_for(what, is_so, seconds)
    except PatienceError:
        raise PatienceError(f"{what}: wanted {wanted!r}, after {seconds:.0f} s there was {seen[0]!r}") from None
    return wanted


class Api:
    """/v1 with a key, also where it refuses."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self._key = key
        self._session = requests.Session()
        self._session.trust_env = False

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None, **query: str) -> requests.Response:
        """One call; whatever comes back."""
        headers = {"Authorization": f"Bearer {self._key if key is None else key}"}
        return self._session.request(method, f"{self.url}{path}", json=body, params=query, headers=headers, timeout=60)

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """One call that must go well."""
        answer = self.ask(method, path, body, **query)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:800]}"
        return answer.json()

    def refused(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, str]:
        """One call that must not: status and stable code of its problem+json."""
        answer = self.ask(method, path, body, **query)
        assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.text[:500]
        return answer.status_code, str(answer.json()["code"])


class Clinic:
    """One deployed stack with an administrator, a key for scripts, and a supply of days and people."""

    stories: object = None
    """See patience.py."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.control = cloud.control
        self.outlook = Outlook(cloud)
        self.host = Host(f"{cloud.machine_url}/host", host_key(cloud.secret()["root_key"], "main"))
        self._days = itertools.count(5)
        # Nobody comes twice, not even when the tests run again on the same cloud.
        self.numbers = itertools.count(int(datetime.now(UTC).timestamp()) % 10_000_000)

    @cached_property
    def admin(self) -> Admin:
        return Admin(self.cloud)

    @cached_property
    def api(self) -> Api:
        return Api(f"{self.cloud.machine_url}/v1", self.admin.new_api_key("End-to-end tests"))

    def day(self, weekday: int | None = None) -> date:
        """A working day that no other test uses (0 = Monday), inside the window."""
        while True:
            day = datetime.now(UTC).date() + timedelta(days=next(self._days))
            if day.weekday() == weekday or (weekday is None and day.weekday() < 5):
                return day

    def weekly(self, weekday: int, count: int) -> list[date]:
        """The same working day in so many weeks, without a change of clocks between them: series keep their wall time,
        and the times of these tests are UTC."""
        while True:
            first = self.day(weekday)
            days = [first + timedelta(weeks=number) for number in range(count)]
            noons = [datetime.combine(day, time(12), ZoneInfo(TIME_ZONE)) for day in days]
            if len({noon.utcoffset() for noon in noons}) == 1:
                return days

    def stranger(self) -> Browser:
        """A browser that was never here."""
        return Browser(self.cloud.microsoft.ca_file)

    def move_in(self, name: str, domain: str = TOWN, address: str = "", **facts: Any) -> str:
        """A new account at Microsoft; gives its address."""
        email = f"{address or name.lower().replace(' ', '.')}.{next(self.numbers)}@{domain}"
        wanted = {"time_zone": TIME_ZONE, "password": self.cloud.state.password, **facts}
        self.control.call("POST", "/people", {"email": email, "display_name": name, **wanted})
        return email

    def add_resource(self, name: str, email: str, *, kind: str = "staff", owner: Json | None = None) -> str:
        """A new resource of the booking system, known to calsync; gives its id."""
        resource = f"{email.split('@', maxsplit=1)[0].replace('.', '-')}-{next(self.numbers)}"
        self.host.call(
            "POST",
            "/resources",
            {
                "id": resource,
                "name": name,
                "email": email,
                "kind": kind,
                "time_zone": TIME_ZONE,
                "locale": "en",
                "owner": owner or {"id": f"owner-{resource}", "name": name, "email": email},
                "working_hours": {"weekly": WEEK, "exceptions": []},
            },
        )
        wait_for(f"{resource} at calsync", lambda: self._is_known(resource), PATIENCE)
        return resource

    def _is_known(self, resource: str) -> bool:
        """The booking system tells calsync at once; what came too late it posts when asked, as the sweep does."""
        if self.api.ask("GET", f"/resources/{resource}").ok:
            return True
        self.host.call("POST", "/events/deliver")
        return False

    def link(self, resource: str) -> str:
        """An invitation that the administrator hands over himself."""
        answer = self.api.call("POST", f"/resources/{resource}/invitation", {"send": False})
        return str(answer["link"])

    def mail_ids(self) -> list[int]:
        """Every mail that arrived in any inbox."""
        return [one["id"] for one in self.control.call("GET", "/mail")["mails"]]

    def person(self, email: str) -> Person:
        return Person(self.cloud, email)

    def newcomer(self, name: str, **facts: Any) -> "Worker":
        """A person and resource that is not connected yet."""
        email = self.move_in(name, **facts)
        return Worker(self, self.add_resource(name, email), email)

    def hire(self, name: str, conflict_calendars: tuple[str, ...] = (), **facts: Any) -> "Worker":
        """A person and resource whose calendar is connected and quiet."""
        worker = self.newcomer(name, calendars=[{"name": one} for one in conflict_calendars], **facts)
        worker.connect(conflict_calendars)
        return worker


class Worker:
    """One resource, seen from its mailbox, from the booking system and from calsync's API."""

    def __init__(self, clinic: Clinic, resource: str, email: str, calendar: str = "") -> None:
        self.clinic = clinic
        self.id = resource
        self.email = email
        self.mailbox: Mailbox = clinic.outlook.mailbox(email)
        self.person = clinic.person(email)

    # calsync -----------------------------------------------------------------------------------------------------

    def connect(self, conflict_calendars: tuple[str, ...] = ()) -> Page:
        """The whole journey with a link that was handed over; waits until the import is done."""
        page = self.person.sign_in(self.person.go_to_microsoft(self.clinic.link(self.id)))
        chosen = [self.mailbox.calendar_id(name) for name in conflict_calendars]
        page = self.person.choose(page, conflicts=chosen)
        self.wait_state("connected")
        return page

    def read(self) -> Json:
        return dict(self.clinic.api.call("GET", f"/resources/{self.id}"))

    def wait_state(self, state: str, seconds: float = PATIENCE) -> None:
        until(f"state of {self.id}", lambda: self.read()["status"]["state"], state, seconds)

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """/v1/resources/{this one}{path}"""
        return self.clinic.api.call(method, f"/resources/{self.id}{path}", body, **query)

    def log(self) -> list[Json]:
        """Newest first."""
        return list(self.call("GET", "/log", limit="200")["items"])

    def log_codes(self) -> list[str]:
        return [line["code"] for line in self.log()]

    def wait_log(self, code: str) -> None:
        """A line with that code: a round writes its log after what the line tells of."""
        until(f"{code} in the log of {self.id}", lambda: code in self.log_codes(), wanted=True)

    def conflicts(self) -> list[Json]:
        return list(self.clinic.api.call("GET", "/conflicts", resource_id=self.id)["items"])

    def wait_conflict(self, kind: str, seconds: float = PATIENCE) -> Json:
        """The one open conflict of that kind."""
        return wait_for(
            f"a conflict {kind}",
            lambda: next((one for one in self.conflicts() if one["kind"] == kind), None),
            seconds,
        )

    def wait_ended(self, conflict: Json, seconds: float = PATIENCE) -> None:
        """The conflict is no longer open."""
        until(
            f"end of {conflict['kind']}",
            lambda: conflict["id"] in [one["id"] for one in self.conflicts()],
            False,
            seconds,
        )

    def link_in_mail(self, part: str, subject: str = "") -> str | None:
        """The address with that part in the newest mail that has one."""
        found = [re.search(rf"https?://\S+{part}\S+", mail["text"]) for mail in self.person.mails(subject)]
        links = [match.group(0) for match in found if match]
        return links[-1] if links else None

    def wait_run(self) -> None:
        """The run that was under way is over: whatever reads what comes now knows what was said so far."""
        until(f"the run of {self.id} under way", lambda: inside.is_worked_on(self.clinic.cloud, self.id), wanted=False)

    def wait_quiet(self) -> None:
        """No run of it is under way, waits or was wished for: only something new makes it read again."""
        until(f"runs of {self.id}", lambda: inside.is_quiet(self.clinic.cloud, self.id), wanted=True)

    def pause(self) -> Json:
        """By the API; when it returns nobody reads or writes any more."""
        paused = self.call("POST", "/pause", {})
        self.wait_run()
        return dict(paused)

    def set(self, **values: Any) -> None:
        """Settings by dotted key, written with two underscores; when it returns they count for whatever follows."""
        settings = {name.replace("__", "."): value for name, value in values.items()}
        self.call("PUT", "/settings", {"settings": settings})
        self.wait_run()

    def availability(self, day: date, start: str = "00:00", end: str = "23:59") -> Json:
        return dict(self.call("GET", "/availability", **{"from": at(day, start), "to": at(day, end)}))

    # the booking system ------------------------------------------------------------------------------------------

    def book(self, day: date, start: str, end: str, *also: str, **fields: Any) -> Json:
        """A new booking of this resource (and others)."""
        body = {
            "resource_ids": [self.id, *also],
            **_working_time(day, start, end),
            "title": "First visit",
            "service_name": "Consultation",
            "customer": {"name": "Petra Sommer", "phone": "+49 30 5550199", "email": "petra@example.org"},
            **fields,
        }
        return dict(self.clinic.host.call("POST", "/bookings", body))

    def booking(self, booking: str) -> tuple[str, str, str]:
        """Start, end and status as they stand."""
        found = self.clinic.host.call("GET", f"/bookings/{booking}")
        return clock_of(found["start"]), clock_of(found["end"]), found["status"]

    def rebook(self, booking: str, day: date, start: str, end: str, **fields: Any) -> None:
        body = {**_working_time(day, start, end), **fields}
        self.clinic.host.call("PATCH", f"/bookings/{booking}", body)

    def cancel_booking(self, booking: str) -> None:
        self.clinic.host.call("POST", f"/bookings/{booking}/cancel")

    def blocks(self, day: date) -> list[Json]:
        """The busy times at the booking system, in order of time."""
        query = {"resource_id": self.id, "from": at(day, "00:00"), "to": at(day, "23:59")}
        return sorted(self.clinic.host.list("/blocks", **query), key=lambda one: str(one["start"]))

    # both sides, awaited -----------------------------------------------------------------------------------------

    def wait_blocks(self, day: date, *wanted: str, seconds: float = PATIENCE) -> None:
        """Exactly these blocks stand on that day: "09:00-10:00 busy"."""

        def look() -> list[str]:
            return [f"{clock_of(one['start'])}-{clock_of(one['end'])} {one['kind']}" for one in self.blocks(day)]

        until(f"blocks of {self.id} on {day}", look, sorted(wanted), seconds)

    def wait_events(self, day: date, *wanted: str, seconds: float = PATIENCE) -> list[Json]:
        """Exactly these events stand in the main calendar on that day: "09:00-10:00"; gives them whole."""
        until(f"events of {self.id} on {day}", lambda: spans(self.mailbox.events(day)), sorted(wanted), seconds)
        return self.mailbox.events(day)

    def wait_copy(self, day: date, start: str, end: str) -> Json:
        """The only event of that day; gives it whole."""
        return self.wait_events(day, f"{start}-{end}")[0]


def _working_time(day: date, start: str, end: str) -> Json:
    """A time, in UTC, at which the clinic works in summer and in winter: the tests run on any day of the year."""
    assert "07:00" <= start < end <= "16:00", (start, end)
    return {"start": at(day, start), "end": at(day, end)}


def spans(events: list[Json]) -> list[str]:
    """Events as "09:00-10:00"."""
    return sorted(f"{clock_of(one['start']['dateTime'])}-{clock_of(one['end']['dateTime'])}" for one in events)
