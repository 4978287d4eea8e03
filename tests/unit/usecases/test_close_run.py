"""The end of a run: who is told, once; what broke is due again; and the mail about a conflict."""

from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.appointments import Timed
from calsync_core.domain.conflicts import Conflict, ConflictKind
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import AccountId, ConflictId, LinkRef, ResourceId, RunId
from calsync_core.domain.resources import Degraded, Status
from calsync_core.domain.synclog import Reason
from calsync_core.ports.outward import Mail
from calsync_core.ports.stores import Member, StoredSettings
from calsync_core.usecases.close_run import Close, close_run
from calsync_core.usecases.tell_conflict import tell_conflict
from calsync_core.usecases.tell_stop_line import tell_stop_line

from tests.journey_world import ACCOUNT, ANNA, NOW, JourneyWorld


def _world(status: Status, reason: str | None = None) -> JourneyWorld:
    world = JourneyWorld()
    state = world.state().moved_to(Status.IMPORTING, world.clock.now())
    if status is not Status.IMPORTING:
        state = state.moved_to(status, world.clock.now(), reason=reason)
    world.stores.resources.save(replace(state, primary="calendar-1", mailbox="mbx"))  # type: ignore[arg-type]
    return world


def _close(world: JourneyWorld, code: str | None, cause: str = "notification") -> list[str]:
    """Twice, as a retried step would; gives the kinds of mail."""
    for _ in range(2):
        close_run(Close(ACCOUNT, ANNA, cause, RunId("run-1"), code), world.ports)
    return [mail.kind for mail in world.mailer.sent]


@pytest.mark.prop("P7")
@pytest.mark.parametrize("code", ["run_broke", "run_endless", "outcome_unknown"])
def test_what_broke_is_due_again_and_stands_in_the_log(code: str) -> None:
    world = _world(Status.CONNECTED)

    assert _close(world, code) == []

    assert world.state().degraded.reason == code  # type: ignore[union-attr]
    world.clock.advance(timedelta(minutes=6))
    assert [one.kind for one in world.stores.due.due(world.clock.now())] == ["wait"]
    line = world.stores.log.of_resource(ACCOUNT, ANNA)[0]
    assert (line.reason, line.code, line.is_problem) == (Reason.RUN_FAILED, code, True)


@pytest.mark.prop("P7")
@pytest.mark.parametrize(("cause", "kind"), [("notification", "sign_in_expired"), ("import", "not_connected")])
def test_lost_access_is_told_once_to_the_person(cause: str, kind: str) -> None:
    assert _close(_world(Status.REAUTH_REQUIRED, "auth_expired"), "auth_expired", cause) == [kind]


def test_another_reason_than_the_one_that_stands_is_not_told() -> None:
    assert _close(_world(Status.REAUTH_REQUIRED, "auth_expired"), "throttled") == []


@pytest.mark.prop("P7")
def test_a_finished_import_is_told_once_and_an_ordinary_run_never() -> None:
    assert _close(_world(Status.CONNECTED), None, "import") == ["connected"]
    assert _close(_world(Status.CONNECTED), None, "host") == []
    assert _close(_world(Status.IMPORTING), None, "import") == []


def test_a_resource_that_is_gone_needs_no_end() -> None:
    world = JourneyWorld()

    close_run(Close(ACCOUNT, ResourceId("nobody"), "host", RunId("run-1"), "run_broke"), world.ports)

    assert world.mailer.sent == []


def test_a_pause_at_the_same_moment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Story: the admin pressed Pause while the end of a broken run was noted; closing broke as well, and told
    nobody."""
    world = _world(Status.CONNECTED)
    real = world.stores.due.schedule

    def pause(due: object) -> None:
        real(due)  # type: ignore[arg-type]
        world.stores.resources.save(replace(world.state(), paused_by="admin"))

    monkeypatch.setattr(world.stores.due, "schedule", pause)
    close_run(Close(ACCOUNT, ANNA, "host", RunId("run-1"), "run_broke"), world.ports)

    assert (world.state().paused_by, world.state().degraded is not None) == ("admin", True)


# --- conflicts ---


def _conflict(world: JourneyWorld) -> Conflict:
    now = world.clock.now()
    when = Timed(now + timedelta(days=1), now + timedelta(days=1, hours=1))
    return Conflict(
        ConflictId("c"),
        ACCOUNT,
        ANNA,
        ConflictKind.SAME_TIME,
        LinkRef("b-1"),
        None,
        LinkRef("e-1"),
        None,
        when,
        when,
        now,
    )


@pytest.mark.parametrize(
    ("whom", "expected"),
    [
        ("resource", ["anna@clinic.example"]),
        ("admin", ["desk@clinic.example"]),
        ("both", ["anna@clinic.example", "desk@clinic.example"]),
        ("nobody", []),
    ],
)
def test_a_conflict_is_told_to_whom_the_settings_say_once_a_day(whom: str, expected: list[str]) -> None:
    world = _world(Status.CONNECTED)
    world.stores.settings.save_account(ACCOUNT, StoredSettings({"conflicts.notify": whom}))
    conflict = _conflict(world)

    for revision in (1, 2):
        tell_conflict(world.ports, replace(conflict, revision=revision), "desk@clinic.example")
    assert [mail.to for mail in world.mailer.sent] == expected

    world.clock.advance(timedelta(days=1))
    tell_conflict(world.ports, conflict, "desk@clinic.example")
    assert len(world.mailer.sent) == 2 * len(expected)


@pytest.mark.rule("R112")
def test_admins_are_told_at_their_own_addresses_and_of_their_own_account_only() -> None:
    world = _world(Status.CONNECTED)
    world.stores.settings.save_account(ACCOUNT, StoredSettings({"conflicts.notify": "admin"}))
    admin = Member("https://issuer", "sub-1", ACCOUNT, "admin", "Braun@Clinic.example", "A. Braun")
    world.stores.access.add_first_admin(admin)
    world.stores.access.add_first_admin(
        replace(admin, subject="sub-2", account=AccountId("other"), email="x@x.example")
    )

    tell_conflict(world.ports, _conflict(world), "desk@clinic.example")

    assert [mail.to for mail in world.mailer.sent] == ["braun@clinic.example"]


@pytest.mark.rule("R50")
@pytest.mark.rule("R112")
def test_a_stop_line_is_told_to_the_admins_once_for_each_time_that_it_stops() -> None:
    world = _world(Status.CONNECTED)
    assert world.state().degraded is None
    tell_stop_line(world.ports, world.state(), "desk@clinic.example")
    assert world.mailer.sent == []

    for hours in (0, 0, 5, 5):
        stopped = replace(world.state(), degraded=Degraded("stop_line", NOW + timedelta(hours=hours)))
        tell_stop_line(world.ports, stopped, "desk@clinic.example")

    assert [(mail.kind, mail.to) for mail in world.mailer.sent] == [("stop_line", "desk@clinic.example")] * 2


@pytest.mark.parametrize("tell", ["conflict", "stop_line"])
def test_a_mail_that_cannot_be_sent_stands_in_the_log_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, tell: str
) -> None:
    world = _world(Status.CONNECTED)

    def refuse(mail: Mail) -> str:
        raise ProviderUnavailableError("mail_down")

    monkeypatch.setattr(world.mailer, "send", refuse)
    if tell == "conflict":
        tell_conflict(world.ports, _conflict(world))
    else:
        stopped = replace(world.state(), degraded=Degraded("stop_line", NOW))
        tell_stop_line(world.ports, stopped, "desk@clinic.example")

    line = world.stores.log.of_resource(ACCOUNT, ANNA)[0]
    assert (line.reason, line.code) == (Reason.MAIL_STATE, "mail_down")
