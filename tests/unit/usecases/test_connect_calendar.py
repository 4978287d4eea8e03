"""From the sign-in to `importing`: whose browser, whose mailbox, which calendars; nothing stored before the choice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.connections import Calendar, Connection
from calsync_core.domain.errors import (
    AdminApprovalError,
    ConcurrentChangeError,
    InputError,
    LinkUsedError,
    LinkWithdrawnError,
    MailboxTakenError,
    MailboxUnusableError,
    SignInRefusedError,
)
from calsync_core.domain.ids import CalendarId, ResourceId
from calsync_core.domain.resources import InvitationState, Status
from calsync_core.ports.outward import Wish
from calsync_core.usecases.begin_connection import secret_hash
from calsync_core.usecases.choose_calendars import ChooseCalendars, choose_calendars
from calsync_core.usecases.connect_own_calendar import ConnectOwnCalendar, connect_own_calendar
from calsync_core.usecases.grant_access import CameBack, SignInResult, grant_access
from calsync_core.usecases.list_calendars import confirm_account, list_calendars
from calsync_core.usecases.open_invitation import OpenInvitation, open_invitation
from calsync_core.usecases.read_invitation import InvitationLink, read_invitation
from calsync_core.usecases.tell_result import tell_connected, tell_failed, tell_reauth_required
from calsync_core.usecases.withdraw_invitation import withdraw_invitation

from tests.journey_world import ACCOUNT, ANNA, BEN, ROOM, JourneyWorld

PRIMARY = CalendarId("calendar-1")
KEY = "browser-of-anna-" + "a" * 27


def begin(world: JourneyWorld, resource: ResourceId = ANNA, key: str = KEY) -> str:
    """Invite and press Continue; gives the state that Microsoft will send back."""
    token = world.invite(resource).token
    open_invitation(world.ports, OpenInvitation(InvitationLink(token), key, f"/i/{token}"))
    return world.sign_in.begun[-1]["state"]


def come_back(world: JourneyWorld, state: str, key: str = KEY, **answer: str) -> SignInResult:
    return grant_access(world.ports, CameBack({"state": state, **answer}, key))


def sign_in(world: JourneyWorld, resource: ResourceId = ANNA, person: str = "anna", key: str = KEY) -> SignInResult:
    return come_back(world, begin(world, resource, key), key, code=person)


def nothing_is_stored(world: JourneyWorld, key: str = KEY) -> bool:
    return (
        not world.stores.connections.of_account(ACCOUNT)
        and world.stores.journeys.grant(secret_hash(key), world.clock.now()) is None
        and not world.queue.wishes
    )


def test_continue_records_the_agreement_and_opens_the_invitation() -> None:
    world = JourneyWorld()
    begin(world)
    assert world.state().invitation is InvitationState.OPENED
    row = world.stores.journeys.agreements(ACCOUNT)[-1]
    assert (row.who, row.role, row.text_version, row.resource) == (
        "anna@clinic.example",
        "resource",
        "2026-11",
        ANNA,
    )
    assert world.sign_in.begun[-1]["login_hint"] == "anna@clinic.example"


def test_the_choice_connects_and_wishes_an_import() -> None:
    world = JourneyWorld()
    assert sign_in(world).grant is not None

    state = choose_calendars(world.ports, ChooseCalendars(KEY, PRIMARY))

    assert (state.status, state.primary, state.attempt) == (Status.IMPORTING, PRIMARY, 1)
    [connection] = world.stores.connections.of_account(ACCOUNT)
    assert (connection.owner_id, connection.resources) == ("p-anna", (ANNA,))
    stored = world.stores.credentials.load(ACCOUNT, connection.id)
    assert stored is not None
    assert b"anna" in stored[0]
    assert world.queue.take_all() == [Wish(ACCOUNT, ANNA, "import")]
    [due] = world.stores.due.due(world.clock.now() + timedelta(minutes=5))
    assert (due.kind, due.subject) == ("wait", ANNA)
    assert world.stores.journeys.grant(secret_hash(KEY), world.clock.now()) is None


def test_the_invitation_is_used_up_by_the_choice_and_by_nothing_before() -> None:
    world = JourneyWorld()
    token = world.invite().token
    link = InvitationLink(token)
    for _ in range(3):
        open_invitation(world.ports, OpenInvitation(link, KEY, "/"))
    come_back(world, world.sign_in.begun[-1]["state"], code="anna")
    read_invitation(world.ports, link)

    choose_calendars(world.ports, ChooseCalendars(KEY, PRIMARY))

    with pytest.raises(LinkUsedError):
        read_invitation(world.ports, link)


# -- whose browser ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["", "forged", "x" * 43])
def test_a_forged_state_is_refused(state: str) -> None:
    world = JourneyWorld()
    begin(world)
    with pytest.raises(SignInRefusedError, match="state_unknown"):
        come_back(world, state, code="anna")
    assert nothing_is_stored(world)


@pytest.mark.prop("P7")
def test_a_state_works_once() -> None:
    world = JourneyWorld()
    state = begin(world)
    come_back(world, state, code="anna")
    with pytest.raises(SignInRefusedError, match="state_unknown"):
        come_back(world, state, code="anna")


def test_a_state_lives_ten_minutes() -> None:
    world = JourneyWorld()
    state = begin(world)
    world.clock.advance(timedelta(minutes=10))
    with pytest.raises(SignInRefusedError, match="state_unknown"):
        come_back(world, state, code="anna")
    assert nothing_is_stored(world)


@pytest.mark.bad_input(36)
@pytest.mark.parametrize("key", ["", "browser-of-mallory"])
def test_a_state_of_another_browser_is_refused_and_gone(key: str) -> None:
    world = JourneyWorld()
    state = begin(world)
    with pytest.raises(SignInRefusedError, match="state_foreign"):
        come_back(world, state, key, code="anna")
    with pytest.raises(SignInRefusedError, match="state_unknown"):
        come_back(world, state, code="anna")
    assert nothing_is_stored(world)


def test_a_grant_belongs_to_its_browser_and_lives_an_hour() -> None:
    world = JourneyWorld()
    sign_in(world)
    with pytest.raises(SignInRefusedError, match="grant_missing"):
        choose_calendars(world.ports, ChooseCalendars("browser-of-mallory", PRIMARY))
    world.clock.advance(timedelta(hours=1))
    with pytest.raises(SignInRefusedError, match="grant_missing"):
        choose_calendars(world.ports, ChooseCalendars(KEY, PRIMARY))


# -- what Microsoft may answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error", "invitation"),
    [
        ({"error": "access_denied"}, SignInRefusedError, InvitationState.OPENED),
        ({"error": "admin_consent_required"}, AdminApprovalError, InvitationState.STUCK_AT_MICROSOFT),
    ],
)
def test_a_refusal_keeps_nothing_and_the_link_alive(
    answer: dict[str, str], error: type[Exception], invitation: InvitationState
) -> None:
    world = JourneyWorld()
    state = begin(world)

    result = come_back(world, state, **answer)

    assert isinstance(result.error, error)
    assert result.back.startswith("/i/")
    assert nothing_is_stored(world)
    assert world.state().invitation is invitation


def test_who_was_stuck_and_comes_back_after_approval_connects() -> None:
    world = JourneyWorld()
    token = world.invite().token
    command = OpenInvitation(InvitationLink(token), KEY, "/")
    open_invitation(world.ports, command)
    come_back(world, world.sign_in.begun[-1]["state"], error="admin_consent_required")
    open_invitation(world.ports, command)
    assert world.state().invitation is InvitationState.OPENED
    assert come_back(world, world.sign_in.begun[-1]["state"], code="anna").grant is not None


@pytest.mark.parametrize(
    "code", ["mailbox_guest", "mailbox_missing", "mailbox_on_premises_or_unlicensed", "mailbox_new"]
)
def test_a_mailbox_that_cannot_be_served_is_told_once_by_mail_and_nothing_is_stored(code: str) -> None:
    world = JourneyWorld()
    world.sign_in.people["anna"].unusable = MailboxUnusableError(code)
    token = world.invite().token
    for _ in range(2):
        open_invitation(world.ports, OpenInvitation(InvitationLink(token), KEY, "/"))
        result = come_back(world, world.sign_in.begun[-1]["state"], code="anna")
        assert result.error is not None
        assert result.error.code == code
    assert nothing_is_stored(world)
    assert [mail.kind for mail in world.mailer.sent] == ["invitation", "not_connected"]


@pytest.mark.complaint(32)
def test_another_account_must_be_confirmed_first() -> None:
    world = JourneyWorld()
    world.add_person("private", "anna.weber@outlook.example")
    result = sign_in(world, person="private")
    assert result.grant is not None
    assert not result.grant.is_confirmed
    assert result.invited_address == "anna@clinic.example"
    for refused in (lambda: list_calendars(world.ports, KEY), lambda: _choose(world)):
        with pytest.raises(SignInRefusedError, match="wrong_account"):
            refused()

    confirm_account(world.ports, KEY)

    assert _choose(world).status is Status.IMPORTING


def _choose(world: JourneyWorld, *conflicts: str, primary: str = PRIMARY) -> object:
    ids = tuple(CalendarId(one) for one in conflicts)
    return choose_calendars(world.ports, ChooseCalendars(KEY, CalendarId(primary), ids))


def test_an_invitation_withdrawn_during_the_sign_in_gives_no_grant() -> None:
    world = JourneyWorld()
    state = begin(world)
    withdraw_invitation(world.ports, ACCOUNT, ANNA)
    result = come_back(world, state, code="anna")
    assert isinstance(result.error, LinkWithdrawnError)
    assert nothing_is_stored(world)


def test_an_invitation_withdrawn_during_the_choice_connects_nothing() -> None:
    world = JourneyWorld()
    sign_in(world)
    withdraw_invitation(world.ports, ACCOUNT, ANNA)
    with pytest.raises(LinkWithdrawnError):
        _choose(world)
    assert not world.stores.connections.of_account(ACCOUNT)


# -- whose mailbox ------------------------------------------------------------------------------------------------


def test_a_mailbox_of_another_owner_is_never_taken_over() -> None:
    world = JourneyWorld()
    world.connect()
    before = world.stores.connections.of_account(ACCOUNT)

    result = sign_in(world, BEN, "anna")

    assert isinstance(result.error, MailboxTakenError)
    assert world.stores.connections.of_account(ACCOUNT) == before
    assert world.stores.journeys.grant(secret_hash(KEY), world.clock.now()) is None


def test_two_owners_who_choose_the_same_mailbox_at_once_get_one_connection() -> None:
    world = JourneyWorld()
    other = "browser-of-ben"
    sign_in(world)
    result = sign_in(world, BEN, "anna", other)
    assert result.grant is not None  # nobody had connected it yet
    confirm_account(world.ports, other)
    _choose(world)
    with pytest.raises(MailboxTakenError):
        choose_calendars(world.ports, ChooseCalendars(other, PRIMARY))
    [connection] = world.stores.connections.of_account(ACCOUNT)
    assert connection.resources == (ANNA,)


def test_the_same_owners_resources_share_a_mailbox() -> None:
    world = JourneyWorld()
    world.connect()
    world.connect(ROOM)
    [connection] = world.stores.connections.of_account(ACCOUNT)
    assert connection.resources == (ANNA, ROOM)
    assert world.state(ANNA).mailbox == world.state(ROOM).mailbox


# -- which calendars ----------------------------------------------------------------------------------------------


def with_calendars(world: JourneyWorld, number: int = 12) -> None:
    server = world.sign_in.people["anna"].server
    for index in range(number):
        one = CalendarId(f"c{index}")
        server.calendars[one] = Calendar(one, f"Calendar {index}", is_default=False, may_write=index % 2 == 0)


@pytest.mark.parametrize(
    ("primary", "conflicts", "code"),
    [
        ("", (), "calendar_not_chosen"),
        ("somebody-elses", (), "calendar_unknown"),
        ("c1", (), "calendar_read_only"),
        (PRIMARY, ("somebody-elses",), "calendar_unknown"),
        (PRIMARY, tuple(f"c{index}" for index in range(11)), "calendars_too_many"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_and_can_be_repeated(
    primary: str, conflicts: tuple[str, ...], code: str
) -> None:
    world = JourneyWorld()
    with_calendars(world)
    sign_in(world)
    with pytest.raises(InputError, match=code):
        _choose(world, *conflicts, primary=primary)
    assert not world.stores.connections.of_account(ACCOUNT)
    _choose(world)


def test_ten_conflict_calendars_are_kept_and_the_primary_among_them_is_ignored() -> None:
    world = JourneyWorld()
    with_calendars(world)
    sign_in(world)
    _choose(world, PRIMARY, "c0", "c0", *(f"c{index}" for index in range(1, 10)))
    assert [calendar for _, calendar in world.state().conflict_calendars] == [f"c{index}" for index in range(10)]


def test_choosing_again_changes_the_calendars_of_a_connected_resource() -> None:
    world = JourneyWorld()
    with_calendars(world)
    world.connect()
    begin_own(world)
    result = come_back(world, world.sign_in.begun[-1]["state"], code="anna")
    assert result.grant is not None
    _choose(world, "c1", primary="c0")
    state = world.state()
    assert (state.primary, state.attempt) == ("c0", 2)
    assert len(world.stores.connections.of_account(ACCOUNT)) == 1


def begin_own(world: JourneyWorld, resource: ResourceId = ANNA) -> None:
    command = ConnectOwnCalendar(ACCOUNT, resource, "issuer#admin", KEY, "/console/resources/anna")
    connect_own_calendar(world.ports, command)


def test_a_connected_resource_does_not_change_its_mailbox_by_signing_in_elsewhere() -> None:
    world = JourneyWorld()
    world.connect()
    begin_own(world)
    result = come_back(world, world.sign_in.begun[-1]["state"], code="ben")
    assert result.error is not None
    assert result.error.code == "other_mailbox"


def test_an_admin_connects_without_a_mail_and_an_open_invitation_ends() -> None:
    world = JourneyWorld()
    token = world.invite(send=False).token
    begin_own(world)
    result = come_back(world, world.sign_in.begun[-1]["state"], code="anna")
    assert result.back == "/console/resources/anna"
    _choose(world)
    assert not world.mailer.sent
    assert world.state().status is Status.IMPORTING
    with pytest.raises(LinkUsedError):
        read_invitation(world.ports, InvitationLink(token))


def test_a_lost_race_for_the_state_is_run_again() -> None:
    """A run may write progress between our reading and our saving."""
    world = JourneyWorld()
    sign_in(world)
    saved: Callable[..., object] = world.stores.resources.save
    lost = []

    def save(state: object) -> object:
        if len(lost) < 2:
            lost.append(state)
            raise ConcurrentChangeError
        return saved(state)

    world.stores.resources.save = save  # type: ignore[method-assign,assignment]
    _choose(world)
    assert world.state().status is Status.IMPORTING


# -- signing in again ---------------------------------------------------------------------------------------------


def lost_access(world: JourneyWorld) -> Connection:
    world.connect()
    world.connect(ROOM)
    now = world.clock.now()
    for resource in (ANNA, ROOM):
        state = world.state(resource)
        lost = replace(state.moved_to(Status.REAUTH_REQUIRED, now, reason="auth_expired"), last_sync_at=now)
        world.stores.resources.save(lost)
    [connection] = world.stores.connections.of_account(ACCOUNT)
    broken = replace(connection, is_broken=True, broken_code="auth_expired", broken_since_at=now)
    world.queue.take_all()
    return world.stores.connections.save(broken)


def test_signing_in_again_lets_all_resources_of_the_mailbox_go_on() -> None:
    world = JourneyWorld()
    lost_access(world)
    begin_own(world)

    result = come_back(world, world.sign_in.begun[-1]["state"], code="anna")

    assert result.is_renewed
    assert world.state(ANNA).status is world.state(ROOM).status is Status.CONNECTED
    [connection] = world.stores.connections.of_account(ACCOUNT)
    assert not connection.is_broken
    assert {wish.resource for wish in world.queue.take_all()} == {ANNA, ROOM}


def test_signing_in_again_as_somebody_else_changes_nothing() -> None:
    world = JourneyWorld()
    connection = lost_access(world)
    begin_own(world)
    result = come_back(world, world.sign_in.begun[-1]["state"], code="ben")
    assert result.error is not None
    assert world.state().status is Status.REAUTH_REQUIRED
    assert world.stores.connections.of_account(ACCOUNT) == [connection]


def test_results_are_told_once_for_each_attempt() -> None:
    world = JourneyWorld()
    world.connect()
    assert tell_connected(world.ports, ACCOUNT, ANNA)
    assert not tell_connected(world.ports, ACCOUNT, ANNA)
    assert tell_failed(world.ports, ACCOUNT, ANNA, "calendar_gone")
    assert not tell_failed(world.ports, ACCOUNT, ANNA, "calendar_gone")
    assert [mail.kind for mail in world.mailer.sent] == ["invitation", "connected", "not_connected"]
    assert "The chosen calendar no longer exists" in world.mailer.sent[-1].subject


def test_lost_access_is_told_at_once_and_again_on_day_3_7_and_14() -> None:
    from tests.unit.usecases.test_invite_resource import sweep

    world = JourneyWorld()
    lost_access(world)
    assert tell_reauth_required(world.ports, ACCOUNT, ANNA, "auth_expired")
    seen = []
    for day in range(1, 25):
        world.clock.advance(timedelta(days=1))
        before = len(world.mailer.sent)
        sweep(world)
        seen += [day] * (len(world.mailer.sent) - before)
    assert seen == [3, 7, 14]
    assert {mail.kind for mail in world.mailer.sent[2:]} == {"sign_in_expired"}
