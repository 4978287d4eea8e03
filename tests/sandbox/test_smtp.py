"""Mail by real SMTP: who gets it, who is refused and how that can be read afterwards."""

import smtplib
from email.message import EmailMessage

import pytest

from tests.sandbox.small_microsoft import Microsoft


def send(microsoft: Microsoft, *to: str, subject: str = "Hello – Anna", **headers: str) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "Clinic <no-reply@clinic.example>", ", ".join(to)
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("open https://calsync.example/i/abc now\n")
    mail.add_alternative('<p><a href="https://calsync.example/i/abc">Connect</a></p>', subtype="html")
    smtp = microsoft.addresses["smtp"]
    with smtplib.SMTP(smtp["host"], smtp["port"]) as server:
        server.send_message(mail)


def test_a_mail_to_a_person_lies_in_that_inbox(microsoft: Microsoft) -> None:
    send(microsoft, "Anna@Clinic.example")

    listed = microsoft.control("GET", "/mail?inbox=anna@clinic.example")["mails"]
    mail = microsoft.control("GET", f"/mail/{listed[0]['id']}")

    assert [m["subject"] for m in listed] == ["Hello – Anna"]
    assert mail["from"] == "Clinic <no-reply@clinic.example>"
    assert "https://calsync.example/i/abc" in mail["text"]
    assert 'href="https://calsync.example/i/abc"' in mail["html"]


def test_rooms_and_aliases_have_inboxes(microsoft: Microsoft) -> None:
    person = {"email": "max@clinic.example", "display_name": "Max", "aliases": ["m.braun@clinic.example"]}
    microsoft.control("POST", "/people", person)

    send(microsoft, "room1@clinic.example", "m.braun@clinic.example")

    inboxes = {m["inbox"] for m in microsoft.control("GET", "/mail")["mails"]}
    assert inboxes == {"room1@clinic.example", "m.braun@clinic.example"}


def test_a_stranger_is_refused_with_550_and_written_down_with_the_mails_headers(microsoft: Microsoft) -> None:
    since = microsoft.control("GET", "/mail/refused")["last_id"]

    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(microsoft, "nobody@elsewhere.example", X_SES_Message_Id="abc-1")

    found = microsoft.control("GET", f"/mail/refused?since={since}")
    assert refused.value.smtp_code == 550
    assert [r["recipient"] for r in found["refused"]] == ["nobody@elsewhere.example"]
    assert found["refused"][0]["headers"]["X-SES-Message-Id"] == "abc-1"
    assert microsoft.control("GET", f"/mail/refused?since={found['last_id']}")["refused"] == []


def test_an_address_refuses_by_policy_and_the_others_of_the_mail_get_it(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", "/mail/policy", {"refused_addresses": ["Bert@clinic.example"]})

    send(microsoft, "anna@clinic.example", "bert@clinic.example")

    assert [m["inbox"] for m in microsoft.control("GET", "/mail")["mails"]] == ["anna@clinic.example"]
    assert [r["recipient"] for r in microsoft.control("GET", "/mail/refused")["refused"]] == ["bert@clinic.example"]


def test_strangers_can_be_given_inboxes(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", "/mail/policy", {"accepts_unknown": True})

    send(microsoft, "boss@elsewhere.example")

    assert microsoft.control("GET", "/mail")["mails"][0]["inbox"] == "boss@elsewhere.example"


def test_the_list_goes_on_where_a_reader_stood(microsoft: Microsoft) -> None:
    send(microsoft, "anna@clinic.example", subject="one")
    last = microsoft.control("GET", "/mail")["last_id"]
    send(microsoft, "anna@clinic.example", subject="two")

    assert [m["subject"] for m in microsoft.control("GET", f"/mail?since={last}")["mails"]] == ["two"]
