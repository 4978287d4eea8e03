"""A restart keeps everything: certificate authority, people, entries, tokens, subscriptions, mails, clock."""

import smtplib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import persistence
from tests.sandbox.small_microsoft import Microsoft, Running, clients, connect, start
from tests.sandbox.walks import refresh
from tests.sandbox.webhook_endpoint import endpoint

EVENT = {
    "subject": "kept",
    "start": {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2026-12-01T11:00:00", "timeZone": "UTC"},
}


def ports_of(running: Running) -> list[str]:
    """The same ports again, as the launcher does."""
    https = running.addresses["login"].rpartition(":")[2]
    http = running.addresses["outlook_url"].split(":")[2].split("/")[0]
    return ["--https-port", https, "--http-port", http, "--smtp-port", str(running.addresses["smtp"]["port"])]


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    first = start(tmp_path)
    authority = Path(first.addresses["ca_file"]).read_bytes()
    with endpoint() as hook:
        for microsoft in connect(first):
            microsoft.control("PATCH", "/settings", {"key_rotation_seconds": None})
            tokens = microsoft.tokens_of("anna@clinic.example")
            graph = microsoft.graph(tokens["access_token"])
            expires = (datetime.now(UTC) + timedelta(days=5)).isoformat().replace("+00:00", "Z")
            wish = {"changeType": "created", "notificationUrl": hook.url(), "resource": "me/events"}
            made = graph.post("/v1.0/subscriptions", json=wish | {"expirationDateTime": expires})
            window = "startDateTime=2026-11-30T00:00:00Z&endDateTime=2026-12-07T00:00:00Z"
            event = graph.post("/v1.0/me/events", json=EVENT).json()
            page = graph.get(f"/v1.0/me/calendarView/delta?{window}").json()
            while "@odata.nextLink" in page:
                page = graph.get(page["@odata.nextLink"]).json()
            with smtplib.SMTP("127.0.0.1", first.addresses["smtp"]["port"]) as server:
                server.sendmail("a@clinic.example", "anna@clinic.example", "Subject: kept mail\n\nhi")
            microsoft.advance(hours=1)
        assert first.stop() == 0

        second = start(tmp_path, *ports_of(first))
        try:
            assert Path(second.addresses["ca_file"]).read_bytes() == authority
            assert second.addresses == first.addresses
            with clients(second) as microsoft:
                renewed = refresh(microsoft.machine, tokens["refresh_token"])
                graph = microsoft.graph(renewed.json()["access_token"])
                read = graph.get(f"/v1.0/me/events/{event['id']}")
                subscription = graph.get(f"/v1.0/subscriptions/{made.json()['id']}")
                quiet = graph.get(page["@odata.deltaLink"])
                graph.post("/v1.0/me/events", json=EVENT | {"subject": "after the restart"})
                mails = microsoft.control("GET", "/mail")["mails"]
                now = datetime.fromisoformat(microsoft.control("GET", "/clock")["now"])
                hook.wait_for(2)
        finally:
            second.stop()

    assert renewed.status_code == read.status_code == subscription.status_code == 200
    assert read.json()["subject"] == "kept"
    assert quiet.json()["value"] == []
    assert [m["subject"] for m in mails] == ["kept mail"]
    assert now > datetime.now(UTC) + timedelta(minutes=59)


def test_the_state_is_saved_while_running(tmp_path: Path) -> None:
    """A killed process loses seconds, not the day."""
    running = start(tmp_path)
    try:
        for microsoft in connect(running):
            microsoft.control("POST", "/save")
            before = (tmp_path / persistence.FILE).stat().st_mtime_ns
            microsoft.control("POST", "/people", {"email": "new@clinic.example", "display_name": "New"})
            wait_until_saved(tmp_path, before)
    finally:
        running.process.kill()
        running.process.wait()
    again = start(tmp_path)
    try:
        with clients(again) as microsoft:
            assert microsoft.control("GET", "/people/new@clinic.example")["display_name"] == "New"
    finally:
        again.stop()


def wait_until_saved(folder: Path, before: int) -> None:
    import time

    for _ in range(150):
        if (folder / persistence.FILE).stat().st_mtime_ns > before:
            return
        time.sleep(0.1)
    raise AssertionError("nothing was saved for 15 seconds")


def test_a_state_of_another_layout_is_refused_and_not_overwritten(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import pickle

    old = pickle.dumps({"layout": 0})
    (tmp_path / persistence.FILE).write_bytes(old)

    with pytest.raises(AssertionError, match="exit code 2"):
        start(tmp_path)

    assert "layout 0" in capfd.readouterr().err
    assert (tmp_path / persistence.FILE).read_bytes() == old


def test_half_a_file_never_takes_the_place_of_a_whole_one(tmp_path: Path) -> None:
    persistence.save(tmp_path, {"a": 1})

    with pytest.raises(TypeError):
        persistence.save(tmp_path, {"a": (n for n in range(3))})

    assert persistence.load(tmp_path) == {"layout": persistence.LAYOUT, "a": 1}
    assert [p.name for p in tmp_path.iterdir()] == [persistence.FILE]


def test_only_the_owner_can_read_what_is_kept(tmp_path: Path, small: Microsoft) -> None:
    small.control("POST", "/save")

    modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir()}

    assert modes[persistence.FILE] == 0o600
    assert modes["server.pem"] == 0o600
