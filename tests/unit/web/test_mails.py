"""Mails: text part, size, links to our own host alone, names that cannot become markup or headers."""

import re
from datetime import timedelta
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import Owner, Resource, ResourceKind
from calsync_core.ports.mails import Draft, Facts, MailKind
from calsync_core.ports.outward import Mail
from calsync_core.web.mails import MAX_HTML, TemplateMailWriter
from calsync_core.web.wording import CATALOGUE

from tests.journey_world import NOW, PUBLIC_URL

EVIL = 'Dr <b onclick="x">Anna</b>\r\nBcc: all@example.org & "Weber"'
FACTS: dict[MailKind, list[Facts]] = {
    MailKind.INVITATION: [
        {
            "token": "t" * 43,
            "expires_at": NOW + timedelta(days=14),
            "invited_by": EVIL,
            "message": "Hi <i>you</i>\nnew",
        },
        {"token": "t" * 43, "expires_at": NOW + timedelta(days=14), "invited_by": "A", "message": ""},
    ],
    MailKind.REMINDER: [
        {"invitation": "inv-1", "expires_at": NOW + timedelta(days=7), "invited_by": EVIL, "is_stuck": stuck}
        for stuck in (0, 1)
    ],
    MailKind.CONNECTED: [{"entries": 420}],
    MailKind.NOT_CONNECTED: [{"code": code} for code in CATALOGUE],
    MailKind.SIGN_IN_EXPIRED: [{"code": "auth_expired", "since_at": NOW}],
    MailKind.CONFLICT: [
        {"conflict": "c-1", "revision": 3, "at": NOW, "code": "slot_taken"},
        {
            "conflict": "c-2",
            "revision": 1,
            "at": NOW,
            "code": "same_time",
            "booking": "2026-11-24T09:00:00Z/2026-11-24T09:30:00Z",
            "calendar": "2026-11-24/2026-11-25",
        },
    ],
    MailKind.NOTICE: [
        {"what": "paused", "by": EVIL, "until_at": NOW},
        {"what": "paused", "by": "Anna", "until_at": None},
        {"what": "resumed", "by": "Anna"},
        {"what": "resumed", "by": ""},
        {"what": "disconnected", "by": "Anna", "copies": "removed"},
        {"what": "disconnected", "by": "Anna", "copies": "kept"},
    ],
    MailKind.NEW_LINK: [{}],
    MailKind.STOP_LINE: [{"code": "stop_line", "since_at": NOW}],
    MailKind.KEY_EXPIRES: [
        {"code": code, "expires_at": NOW, "days": 7, "role_account": "r-1"}
        for code in ("role_key_expires", "role_key_expired")
    ],
}
CASES = [(kind, facts) for kind, cases in FACTS.items() for facts in cases]


class Page(HTMLParser):
    """Everything that could lead out or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.lang = ""
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        values = dict(attrs)
        if tag == "html":
            self.lang = values.get("lang") or ""
        self.links += [value for name, value in attrs if name in {"href", "src", "background"} and value]

    def handle_data(self, data: str) -> None:
        self.text += data


def write(kind: MailKind, facts: Facts, owner_is_other: bool = False) -> Mail:
    owner = (
        Owner("p-2", "Cust O'Dian", "c@clinic.example") if owner_is_other else Owner("p-1", EVIL, "a@clinic.example")
    )
    resource = Resource(ResourceId("anna"), EVIL, "a@clinic.example", ResourceKind.STAFF, "Europe/Berlin", "fr", owner)
    writer = TemplateMailWriter(PUBLIC_URL, 'City & "Clinic"', b"k" * 32, "https://clinic.example/privacy")
    return writer.write(Draft(kind, AccountId("main"), resource, "a@clinic.example", NOW, facts))


def test_every_kind_of_mail_is_tried_here() -> None:
    assert set(FACTS) == set(MailKind)


@pytest.mark.parametrize(("kind", "facts"), CASES)
@pytest.mark.parametrize("owner_is_other", [False, True])
def test_a_mail_is_whole(kind: MailKind, facts: Facts, owner_is_other: bool) -> None:
    mail = write(kind, facts, owner_is_other)
    page = Page(mail.html)

    assert mail.subject
    assert mail.subject.isprintable()
    assert len(mail.text) > 80
    assert len(mail.html.encode()) <= MAX_HTML
    assert page.lang == mail.locale == "en"
    assert "{{" not in mail.html + mail.text
    assert "None" not in mail.text


@pytest.mark.parametrize(("kind", "facts"), CASES)
def test_links_lead_to_our_host_alone_and_nothing_loads_or_runs(kind: MailKind, facts: Facts) -> None:
    mail = write(kind, facts)
    page = Page(mail.html)

    assert page.links
    assert all(link.startswith(f"{PUBLIC_URL}/") for link in page.links)
    assert all(link.startswith(f"{PUBLIC_URL}/") for link in re.findall(r"https?://\S+", mail.text))
    assert not {"img", "script", "link", "iframe", "form", "b"} & set(page.tags)
    assert not any(name.startswith("on") for name in page.attributes)


@pytest.mark.parametrize(("kind", "facts"), CASES)
def test_the_button_says_the_same_in_both_parts(kind: MailKind, facts: Facts) -> None:
    mail = write(kind, facts)
    button = Page(mail.html).links[0]
    assert button in mail.text
    assert button in Page(mail.html).text  # for those who cannot press it


@pytest.mark.parametrize(("kind", "facts"), CASES)
def test_a_mail_makes_a_message_with_one_header_each(kind: MailKind, facts: Facts) -> None:
    mail = write(kind, facts)
    message = EmailMessage()
    message["Subject"] = mail.subject
    message["To"] = mail.to
    assert message.keys() == ["Subject", "To"]


def test_only_reminders_and_conflicts_may_be_unsubscribed() -> None:
    may = {kind for kind, facts in CASES if write(kind, facts).may_unsubscribe}
    assert may == {MailKind.REMINDER, MailKind.CONFLICT}


def test_the_plain_text_keeps_names_as_they_are_written() -> None:
    mail = write(MailKind.CONNECTED, {"entries": 1}, owner_is_other=True)
    assert "Hello Cust O'Dian," in mail.text
    assert "&amp;" not in mail.text
    assert 'City & "Clinic"' in mail.text


def test_html_that_mail_programs_would_cut_is_refused() -> None:
    facts: Facts = {"token": "t", "expires_at": NOW, "invited_by": "A", "message": "x" * MAX_HTML}
    with pytest.raises(ValueError, match="larger"):
        write(MailKind.INVITATION, facts)


def test_a_conflict_says_both_times_in_the_persons_zone_and_what_was_deleted() -> None:
    times = {
        "booking": "2026-11-24T09:00:00Z/2026-11-24T09:30:00Z",
        "calendar": "2026-11-24T09:15:00Z/2026-11-24T10:00:00Z",
    }
    facts = {"conflict": "c", "revision": 1, "at": NOW}

    moved = write(MailKind.CONFLICT, {**facts, **times, "code": "same_time"})
    deleted = write(MailKind.CONFLICT, {**facts, "booking": times["booking"], "calendar": None, "code": "copy_deleted"})

    for text in (moved.text, " ".join(moved.html.split())):
        assert "Booking: Tue 24 Nov 2026, 10:00-10:30" in text
        assert "Calendar: Tue 24 Nov 2026, 10:15-11:00" in text
    assert deleted.subject.startswith("A booking was deleted in the calendar: ")
    assert "Calendar: not there any more" in deleted.text
