"""A person acting in Outlook, as a script does it: Microsoft Graph with a token of an app that has rights of its own.

Knows nothing of calsync. Times are UTC, given as a day and a wall time: `at(day, "09:00")`.
"""

from datetime import date, datetime
from typing import Any

import requests

from local.cloud import LocalCloud

Json = dict[str, Any]


class GraphRefusedError(RuntimeError):
    """Graph answered an error; the message has it."""


class Outlook:
    """The tenant's mailboxes. One session, one token; a token that has run out is fetched anew."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._session = requests.Session()
        self._session.trust_env = False
        self._token = ""

    def mailbox(self, email: str) -> "Mailbox":
        return Mailbox(self, email)

    def call(self, method: str, path: str, body: Json | None = None, **query: str) -> Any:
        """One call below /v1.0. Raises GraphRefusedError."""
        answer = self._send(method, path, body, query)
        if answer.status_code == 401:
            self._token = self._fetch_token()
            answer = self._send(method, path, body, query)
        if not answer.ok:
            raise GraphRefusedError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def _send(self, method: str, path: str, body: Json | None, query: dict[str, str]) -> requests.Response:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Prefer": 'IdType="ImmutableId", outlook.timezone="UTC"',
        }
        url, authority = f"{self._cloud.microsoft.graph}{path}", str(self._cloud.microsoft.ca_file)
        return self._session.request(
            method, url, json=body, params=query, headers=headers, timeout=30, verify=authority
        )

    def _fetch_token(self) -> str:
        form = {
            "client_id": self._cloud.state.scripts_client_id,
            "client_secret": self._cloud.state.scripts_client_secret,
            "grant_type": "client_credentials",
            "scope": "https://graph.microsoft.com/.default",
        }
        url = f"{self._cloud.microsoft.login}/{self._cloud.tenant_id}/oauth2/v2.0/token"
        answer = self._session.post(url, data=form, timeout=30, verify=str(self._cloud.microsoft.ca_file))
        answer.raise_for_status()
        return str(answer.json()["access_token"])


class Mailbox:
    """One person's calendars. `calendar` is the id of another one than the main one."""

    def __init__(self, outlook: Outlook, email: str) -> None:
        self._outlook = outlook
        self._path = f"/users/{email}"
        self.email = email

    def calendar_id(self, name: str) -> str:
        """Raises StopIteration when there is none of that name."""
        calendars = self._outlook.call("GET", f"{self._path}/calendars")["value"]
        return str(next(one["id"] for one in calendars if one["name"] == name))

    def create(self, day: date, start: str, end: str, subject: str, calendar: str = "", **fields: Any) -> Json:
        """A new event; `fields` are Graph's own names."""
        folder = f"/calendars/{calendar}" if calendar else "/calendar"
        body = {"subject": subject, **span(day, start, end), **fields}
        return dict(self._outlook.call("POST", f"{self._path}{folder}/events", body))

    def create_series(self, day: date, start: str, end: str, subject: str, occurrences: int) -> Json:
        """Every day from `day` on."""
        pattern = {"type": "daily", "interval": 1}
        bounds = {"type": "numbered", "startDate": day.isoformat(), "numberOfOccurrences": occurrences}
        return self.create(day, start, end, subject, recurrence={"pattern": pattern, "range": bounds})

    def change(self, event: str, **fields: Any) -> Json:
        return dict(self._outlook.call("PATCH", f"{self._path}/events/{event}", fields))

    def repeats(self, series: str) -> Json:
        """How a series repeats: `pattern` and `range`."""
        return dict(self._outlook.call("GET", f"{self._path}/events/{series}")["recurrence"])

    def move(self, event: str, day: date, start: str, end: str) -> Json:
        return self.change(event, **span(day, start, end))

    def delete(self, event: str) -> None:
        self._outlook.call("DELETE", f"{self._path}/events/{event}")

    def cancel(self, event: str) -> None:
        """What an organiser does to a meeting."""
        self._outlook.call("POST", f"{self._path}/events/{event}/cancel", {"comment": "not today"})

    def occurrences(self, series: str, first: date, last: date) -> list[Json]:
        """Of one series, in order of time."""
        found = self._outlook.call(
            "GET",
            f"{self._path}/events/{series}/instances",
            startDateTime=at(first, "00:00"),
            endDateTime=at(last, "23:59"),
        )["value"]
        return sorted(found, key=lambda one: str(one["start"]["dateTime"]))

    def events(self, day: date, calendar: str = "") -> list[Json]:
        """What the person sees on that day, in order of time."""
        folder = f"/calendars/{calendar}" if calendar else ""
        found = self._outlook.call(
            "GET",
            f"{self._path}{folder}/calendarView",
            startDateTime=at(day, "00:00"),
            endDateTime=at(day, "23:59"),
        )["value"]
        return sorted(found, key=lambda one: (str(one["start"]["dateTime"]), str(one["subject"])))


def at(day: date, time: str) -> str:
    """An instant of that day, UTC."""
    return f"{day.isoformat()}T{time}:00Z"


def span(day: date, start: str, end: str) -> Json:
    """Start and end as Graph writes them."""
    return {
        "start": {"dateTime": f"{day.isoformat()}T{start}:00", "timeZone": "UTC"},
        "end": {"dateTime": f"{day.isoformat()}T{end}:00", "timeZone": "UTC"},
    }


def clock_of(instant: str) -> str:
    """The wall time of an instant as Graph or the booking system writes it."""
    return datetime.fromisoformat(instant[:19]).strftime("%H:%M")
