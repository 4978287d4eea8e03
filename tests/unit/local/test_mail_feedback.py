"""The sandbox's word about each mail becomes the event that SES documents, once and in order."""

import json
from typing import Any

import pytest

from local.mail_feedback import MailFeedback

AT = "2026-11-23T08:00:00.250000Z"


class SandboxMail:
    """What the control address answers; `accepted`, `refused` and `junk` are (id, address)."""

    def __init__(
        self, accepted: list[tuple[int, str]], refused: list[tuple[int, str]], junk: list[tuple[int, str]] | None = None
    ) -> None:
        self.accepted = accepted
        self.refused = refused
        self.junk = junk or []

    def call(self, method: str, path: str, body: Any = None, since: int = 0) -> Any:
        if path == "/mail":
            heads = [{"id": n, "inbox": to, "received_at": AT} for n, to in self.accepted if n > since]
            return {"mails": heads}
        if path == "/mail/refused":
            rows = [
                {"id": n, "recipient": to, "headers": headers(n), "at": AT, "reply": "550 5.1.1 unknown"}
                for n, to in self.refused
                if n > since
            ]
            return {"refused": rows}
        if path == "/mail/complaints":
            found = [{"id": n, "recipient": to, "headers": headers(n), "at": AT} for n, to in self.junk if n > since]
            return {"complaints": found}
        return {"headers": headers(int(path.rpartition("/")[2]))}


def headers(number: int) -> dict[str, str]:
    return {"Message-ID": f"<m{number}@email.amazonses.com>", "From": "calendar@calsync.example", "Subject": "Connect"}


@pytest.fixture
def published() -> list[dict[str, Any]]:
    return []


def feedback(sandbox: SandboxMail, published: list[dict[str, Any]], seen: int = 0) -> MailFeedback:
    return MailFeedback(sandbox, lambda text: published.append(json.loads(text)), seen)  # type: ignore[arg-type]


def test_each_mail_is_published_once_in_its_order(published: list[dict[str, Any]]) -> None:
    reader = feedback(
        SandboxMail([(1, "anna@clinic.example"), (3, "ben@clinic.example")], [(2, "nobody@clinic.example")]), published
    )

    assert reader.publish_new() == 3
    assert reader.publish_new() == 0

    assert [event["eventType"] for event in published] == ["Delivery", "Bounce", "Delivery"]
    assert [event["mail"]["messageId"] for event in published] == [f"m{n}@email.amazonses.com" for n in (1, 2, 3)]
    assert reader.seen == 3


def test_a_bounce_names_who_refused_and_is_permanent(published: list[dict[str, Any]]) -> None:
    feedback(SandboxMail([], [(1, "nobody@clinic.example")]), published).publish_new()

    (event,) = published
    assert event["bounce"]["bounceType"] == "Permanent"
    assert [who["emailAddress"] for who in event["bounce"]["bouncedRecipients"]] == ["nobody@clinic.example"]
    assert event["mail"]["timestamp"] == "2026-11-23T08:00:00.250Z"


def test_a_mail_called_junk_is_a_complaint_of_who_did_so(published: list[dict[str, Any]]) -> None:
    reader = feedback(SandboxMail([(1, "anna@clinic.example")], [], [(2, "anna@clinic.example")]), published)

    assert reader.publish_new() == 2
    assert reader.publish_new() == 0

    delivered, event = published
    assert (delivered["eventType"], event["eventType"]) == ("Delivery", "Complaint")
    assert [who["emailAddress"] for who in event["complaint"]["complainedRecipients"]] == ["anna@clinic.example"]


def test_after_a_restart_it_goes_on_where_it_stood(published: list[dict[str, Any]]) -> None:
    feedback(SandboxMail([(1, "anna@clinic.example"), (2, "ben@clinic.example")], []), published, seen=1).publish_new()

    assert [event["mail"]["destination"] for event in published] == [["ben@clinic.example"]]


def test_what_could_not_be_published_is_tried_again(published: list[dict[str, Any]]) -> None:
    sandbox = SandboxMail([(1, "anna@clinic.example")], [])

    def refuse(_: str) -> None:
        raise ConnectionError

    broken = MailFeedback(sandbox, refuse, 0)  # type: ignore[arg-type]
    with pytest.raises(ConnectionError):
        broken.publish_new()

    assert broken.seen == 0
    assert feedback(sandbox, published, broken.seen).publish_new() == 1
