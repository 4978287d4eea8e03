"""The Outlook-like page: a person reads mail and changes the calendar by plain forms; Graph sees the same."""

import re
from typing import Any

import httpx
import pytest

from sandbox.inboxes import Inboxes
from tests.sandbox.small_microsoft import Microsoft, in_process
from tests.sandbox.walks import CLIENT_ID, code_of, refresh

ANNA = "/outlook/anna@clinic.example"
WEEK = "startDateTime=2026-11-30T00:00:00Z&endDateTime=2026-12-07T00:00:00Z"


class Outlook:
    """A person at the page, and Graph beside it to compare."""

    def __init__(self, microsoft: Microsoft, email: str = "anna@clinic.example") -> None:
        self.microsoft = microsoft
        self.root = f"/outlook/{email}"
        self.graph = microsoft.graph(microsoft.tokens_of(email)["access_token"])

    def see(self, path: str) -> str:
        answer = self.microsoft.people.get(f"{self.root}{path}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, **fields: str) -> httpx.Response:
        return self.microsoft.people.post(f"{self.root}{path}", data=fields)

    def create(self, **changes: str) -> str:
        """Create an appointment; answers the key of its form."""
        fields = {
            "subject": "from the page",
            "start_day": "2026-12-01",
            "start_time": "10:00",
            "end_time": "11:00",
            "show_as": "busy",
        }
        answer = self.post("/calendar/new", **(fields | changes))
        assert answer.status_code == 303, answer.text
        found = re.search(r"entry=([0-9a-f.\-]+)", answer.headers["location"])
        return found[1] if found else ""

    def form_of(self, key: str) -> dict[str, str]:
        """The fields of an entry's form as a browser would send them."""
        aside = self.see(f"/calendar?entry={key}").split("<aside", 1)[1]
        fields = dict(re.findall(r'<input id="\w+" name="(\w+)"(?: type="\w+")? value="([^"]*)"', aside))
        fields |= dict.fromkeys(re.findall(r'name="(\w+)" value="1" checked', aside), "1")
        for name, options in re.findall(
            r'<select id="\w+" name="(\w+)"(?: disabled)?>(.*?)</select>', aside, re.DOTALL
        ):
            chosen = re.search(r'value="(\w+)" selected', options)
            fields[name] = chosen[1] if chosen else ""
        notes = re.search(r'name="notes"[^>]*>(.*?)</textarea>', aside, re.DOTALL)
        fields["notes"] = notes[1] if notes else ""
        return fields

    def change(self, key: str, action: str = "save", **changes: str) -> httpx.Response:
        return self.post(f"/calendar/{key}", action=action, **(self.form_of(key) | changes))

    def view(self) -> list[dict[str, Any]]:
        return list(self.graph.get(f"/v1.0/me/calendarView?{WEEK}&$top=50").json()["value"])


@pytest.fixture
def anna(small: Microsoft) -> Outlook:
    return Outlook(small)


def test_everybody_is_on_the_first_page(small: Microsoft) -> None:
    text = small.people.get("/outlook").text

    assert "Dr Anna Abel" in text
    assert "Personal account" in text
    assert 'href="/outlook/room1@clinic.example/calendar"' in text
    assert small.people.get("/").headers["location"].endswith("/outlook")
    assert small.people.get("/outlook/nobody@clinic.example/mail").status_code == 404


def test_an_appointment_made_on_the_page_stands_in_graph(anna: Outlook) -> None:
    anna.create(location="Room 1", notes="bring the file", private="1", show_as="oof")

    event = anna.view()[0]

    assert event["subject"] == "from the page"
    assert event["start"]["dateTime"] == "2026-12-01T09:00:00.0000000"  # 10:00 in Berlin
    assert event["originalStartTimeZone"] == "W. Europe Standard Time"
    assert (event["showAs"], event["sensitivity"]) == ("oof", "private")
    assert event["location"]["displayName"] == "Room 1"
    assert event["bodyPreview"] == "bring the file"


def test_an_appointment_made_in_graph_stands_on_the_page(anna: Outlook) -> None:
    body = {
        "subject": "from <b>Graph</b>",
        "start": {"dateTime": "2026-12-02T14:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-02T15:00:00", "timeZone": "UTC"},
    }
    anna.graph.post("/v1.0/me/events", json=body)

    text = anna.see("/calendar?day=2026-12-02")

    assert "from &lt;b&gt;Graph&lt;/b&gt;" in text
    assert "15:00–16:00" in text


def test_moving_changing_and_deleting(anna: Outlook) -> None:
    key = anna.create()
    before = anna.view()[0]

    moved = anna.change(key, start_day="2026-12-03", end_day="2026-12-03", start_time="13:00", end_time="14:30")
    after = anna.view()[0]
    freed = anna.change(key, show_as="free", private="1")
    free = anna.view()[0]
    deleted = anna.change(key, "delete")

    assert moved.status_code == freed.status_code == deleted.status_code == 303
    assert after["id"] == before["id"]
    assert after["start"]["dateTime"] == "2026-12-03T12:00:00.0000000"
    assert after["changeKey"] != before["changeKey"]
    assert (free["showAs"], free["sensitivity"]) == ("free", "private")
    assert anna.view() == []


def test_saving_without_a_change_changes_nothing(anna: Outlook) -> None:
    body = {
        "subject": "html",
        "body": {"contentType": "html", "content": "<p>Dear <b>all</b></p>"},
        "start": {"dateTime": "2026-12-02T14:00:00", "timeZone": "Tokyo Standard Time"},
        "end": {"dateTime": "2026-12-02T15:00:00", "timeZone": "Tokyo Standard Time"},
    }
    event = anna.graph.post("/v1.0/me/events", json=body).json()
    key = re.search(r"calendar\?entry=([0-9a-f]{32})", anna.see("/calendar?day=2026-12-02"))
    assert key is not None

    anna.change(key[1])

    assert anna.view()[0]["changeKey"] == event["changeKey"]
    assert anna.view()[0]["originalStartTimeZone"] == "Tokyo Standard Time"


def test_whole_days_and_several_of_them(anna: Outlook) -> None:
    key = anna.create(all_day="1", start_day="2026-12-02", end_day="2026-12-03", start_time="", end_time="")

    event = anna.view()[0]
    form = anna.form_of(key)

    assert event["isAllDay"] is True
    assert (event["start"]["dateTime"][:10], event["end"]["dateTime"][:10]) == ("2026-12-02", "2026-12-04")
    assert (form["start_day"], form["end_day"], form["all_day"]) == ("2026-12-02", "2026-12-03", "1")


def test_another_calendar_can_be_chosen_and_moved_to(anna: Outlook) -> None:
    options = dict(re.findall(r'<option value="([0-9a-f]{32})"[^>]*>([^<]+)<', anna.see("/calendar")))
    family = next(value for value, name in options.items() if name == "Family")
    default = next(value for value, name in options.items() if name == "Calendar")

    key = anna.create(calendar=family)
    in_default = anna.view()
    anna.change(key, calendar=default)

    assert in_default == []
    assert len(anna.view()) == 1


def test_a_series_and_one_of_its_days(anna: Outlook) -> None:
    anna.create(repeat="daily", repeat_until="2026-12-04")
    days = [e["start"]["dateTime"][:10] for e in anna.view()]
    keys = re.findall(r"calendar\?entry=([0-9a-f]{32}\.2026-12-\d\d)", anna.see("/calendar?day=2026-12-01"))

    anna.change(keys[1], subject="only this one", start_time="12:00", end_time="12:30")
    changed = [(e["subject"], e["type"]) for e in anna.view()]
    crossing = anna.change(keys[1], start_day="2026-12-03", end_day="2026-12-03")
    anna.change(keys[2], "delete")
    fewer = [e["start"]["dateTime"][:10] for e in anna.view()]
    anna.change(keys[0], "delete_series")

    assert days == ["2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04"]
    assert changed[1] == ("only this one", "exception")
    assert crossing.status_code == 400
    assert "neighbours" in crossing.text
    assert fewer == ["2026-12-01", "2026-12-02", "2026-12-04"]
    assert anna.view() == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"end_time": "09:00"}, "The end is before the start."),
        ({"start_day": "soon"}, "The start needs a day"),
        ({"end_time": "noon"}, "The end needs a time"),
        ({"show_as": "sleeping"}, "kinds of availability"),
        ({"repeat": "yearly"}, "ways to repeat"),
        ({"repeat": "weekly", "repeat_until": "2026-11-01"}, "would end before it begins"),
    ],
)
def test_a_wrong_form_is_shown_again_with_the_reason_and_what_was_typed(
    anna: Outlook, changes: dict[str, str], text: str
) -> None:
    fields = {"subject": "typed", "start_day": "2026-12-01", "start_time": "10:00", "end_time": "11:00"}

    answer = anna.post("/calendar/new", **(fields | changes))

    assert answer.status_code == 400
    assert text in answer.text
    assert 'value="typed"' in answer.text
    assert anna.view() == []


def test_a_read_only_calendar_stays_as_it_is(small: Microsoft) -> None:
    small.control("POST", "/people/anna@clinic.example/calendars", {"name": "Holidays", "is_read_only": True})
    anna = Outlook(small)
    holidays = next(
        c["store_id"]
        for c in small.control("GET", "/people/anna@clinic.example")["calendars"]
        if c["name"] == "Holidays"
    )

    refused = anna.post(
        "/calendar/new", subject="x", start_day="2026-12-01", start_time="10:00", end_time="11:00", calendar=holidays
    )

    assert refused.status_code == 400
    assert "can only be read" in refused.text


def test_an_invitation_is_answered_and_the_organizer_cancels(small: Microsoft) -> None:
    anna, bert = Outlook(small), "/outlook/bert@clinic.example"
    body = {
        "subject": "meeting",
        "start": {"dateTime": "2026-12-02T14:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-02T15:00:00", "timeZone": "UTC"},
        "attendees": [{"emailAddress": {"address": "bert@clinic.example"}, "type": "required"}],
    }
    anna.graph.post("/v1.0/me/events", json=body)
    page = small.people.get(f"{bert}/calendar?day=2026-12-02").text
    key = re.search(r"calendar\?entry=([0-9a-f]{32})", page)
    assert key is not None

    invitation = small.people.get(f"{bert}/calendar?entry={key[1]}").text
    accepted = small.people.post(f"{bert}/calendar/{key[1]}", data={"action": "accept", "start_day": "2026-12-02"})
    own = re.search(r"calendar\?entry=([0-9a-f]{32})", anna.see("/calendar?day=2026-12-02"))
    assert own is not None
    answered = anna.view()[0]["attendees"][0]["status"]["response"]
    anna.post(f"/calendar/{own[1]}", action="cancel", start_day="2026-12-02")

    assert "Accept</button>" in invitation
    assert accepted.status_code == 303
    assert answered == "accepted"
    assert anna.view() == []
    assert [m["kind"] for m in small.control("GET", "/outbox")["mails"]] == ["invitation", "reply", "cancellation"]


def test_the_form_of_a_gone_entry_says_so(anna: Outlook) -> None:
    assert anna.post("/calendar/00000000000000000000000000000000", action="save").status_code == 404
    assert "New appointment" in anna.see("/calendar?entry=00000000000000000000000000000000")


# Mail ---------------------------------------------------------------------------------------------------------------

HTML_MAIL = """From: Clinic <no-reply@clinic.example>
To: anna@clinic.example
Subject: =?utf-8?q?Verbinden_=E2=80=93_jetzt?=
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8

open https://calsync.example/i/abc?x=1&y=2.
--b
Content-Type: text/html; charset=utf-8

<p>Hello</p><script>alert(1)</script><a href="https://calsync.example/i/abc">Connect</a>
--b--
"""
TEXT_MAIL = """From: no-reply@clinic.example
Subject: plain

see https://calsync.example/i/abc?x=1&y=2. <bye>
"""


@pytest.fixture
def with_mail(tmp_path: Any) -> tuple[Microsoft, Inboxes]:
    sandbox, microsoft = in_process(tmp_path)
    for source in (HTML_MAIL, TEXT_MAIL):
        sandbox.inboxes.accept("anna@clinic.example", "no-reply@clinic.example", source, sandbox.now())
    return microsoft, sandbox.inboxes


def test_the_inbox_lists_newest_first_and_counts_the_unread(with_mail: tuple[Microsoft, Inboxes]) -> None:
    microsoft, inboxes = with_mail
    first = inboxes.mails[0]

    before = microsoft.people.get(f"{ANNA}/mail").text
    one = microsoft.people.get(f"{ANNA}/mail/{first.id}").text
    after = microsoft.people.get(f"{ANNA}/mail").text

    assert before.index("plain") < before.index("Verbinden – jetzt")
    assert '<span class="count">2</span>' in before
    assert '<span class="count">1</span>' in after
    assert "Clinic &lt;no-reply@clinic.example&gt;" in one
    assert f'src="{ANNA}/mail/{first.id}/body"' in one
    assert "Verbinden – jetzt" in microsoft.people.get("/outlook/mail").text


def test_a_mails_html_is_caged_but_its_links_open_in_the_window(with_mail: tuple[Microsoft, Inboxes]) -> None:
    microsoft, inboxes = with_mail

    answer = microsoft.people.get(f"{ANNA}/mail/{inboxes.mails[0].id}/body")

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert "allow-top-navigation-by-user-activation" in policy
    assert '<base target="_top">' in answer.text
    assert 'href="https://calsync.example/i/abc"' in answer.text


def test_a_plain_mail_gets_links_without_the_full_stop(with_mail: tuple[Microsoft, Inboxes]) -> None:
    microsoft, inboxes = with_mail

    text = microsoft.people.get(f"{ANNA}/mail/{inboxes.mails[1].id}/body").text

    assert '<a href="https://calsync.example/i/abc?x=1&amp;y=2">' in text
    assert "&lt;bye&gt;" in text


def test_mail_of_somebody_else_is_not_shown_and_deleted_mail_is_gone(with_mail: tuple[Microsoft, Inboxes]) -> None:
    microsoft, inboxes = with_mail
    mail = inboxes.mails[0]

    foreign = microsoft.people.get(f"/outlook/bert@clinic.example/mail/{mail.id}")
    deleted = microsoft.people.post(f"{ANNA}/mail/{mail.id}/delete")

    assert foreign.status_code == 404
    assert deleted.status_code == 303
    assert microsoft.people.get(f"{ANNA}/mail/{mail.id}").status_code == 404


def test_a_mail_reported_as_junk_is_a_complaint_once(with_mail: tuple[Microsoft, Inboxes]) -> None:
    microsoft, inboxes = with_mail
    mail = inboxes.mails[0]

    for _ in range(2):
        microsoft.people.post(f"{ANNA}/mail/{mail.id}/junk")

    found = microsoft.control("GET", "/mail/complaints?since=0")
    assert [(c["mail"], c["recipient"]) for c in found["complaints"]] == [(mail.id, "anna@clinic.example")]
    assert found["complaints"][0]["headers"]["From"] == "Clinic <no-reply@clinic.example>"
    assert microsoft.control("GET", f"/mail/complaints?since={found['last_id']}")["complaints"] == []
    assert "Reported as junk" in microsoft.people.get(f"{ANNA}/mail/{mail.id}").text


def test_a_person_takes_the_consent_back(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example")
    listed = small.people.get(f"{ANNA}/apps").text

    small.people.post(f"{ANNA}/apps/{CLIENT_ID}/remove")

    assert "Have full access to your calendars" in listed
    assert "No app has access." in small.people.get(f"{ANNA}/apps").text
    assert code_of(refresh(small.machine, tokens["refresh_token"])) == 50173
    browser = small.browser()
    browser.authorize()
    assert browser.sign_in("anna@clinic.example").heading == "Permissions requested"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example:8080"},
        {"Host": "localhost:8080", "Origin": "https://evil.example"},
        {"Host": "localhost:8080", "Origin": "null"},
    ],
)
def test_foreign_pages_reach_neither_page_nor_control(small: Microsoft, headers: dict[str, str]) -> None:
    refused = small.people.post("/control/reset", content=b"{}", headers=headers)

    assert refused.status_code == 403
    assert len(small.control("GET", "/people")) == 8


def test_today_is_the_sandboxes_today(small: Microsoft) -> None:
    small.control("POST", "/clock", {"set": "2027-03-10T12:00:00Z"})

    text = small.people.get(f"{ANNA}/calendar").text

    assert "08 Mar" in text
    assert 'class="head today"><b>10</b>' in text
