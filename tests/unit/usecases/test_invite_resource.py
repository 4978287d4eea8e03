"""Inviting: agreement first, a token that only its mail knows, limits, and news that never step back."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.errors import (
    AppointmentRejectedError,
    InputError,
    LinkExpiredError,
    LinkUnknownError,
    LinkWithdrawnError,
    NotFoundError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import InvitationState, Status
from calsync_core.ports.outward import Mail
from calsync_core.ports.stores import Due
from calsync_core.usecases.decline_invitation import decline_invitation
from calsync_core.usecases.note_invitation_state import note_invitation_state
from calsync_core.usecases.note_mail_feedback import MailFeedback, MailNews, note_mail_feedback
from calsync_core.usecases.read_invitation import InvitationLink, read_invitation
from calsync_core.usecases.renew_invitation import renew_invitation
from calsync_core.usecases.send_reminders import send_reminders
from calsync_core.usecases.withdraw_invitation import withdraw_invitation

from tests.journey_world import ACCOUNT, ANNA, ROOM, JourneyWorld


def kinds(world: JourneyWorld) -> list[str]:
    return [mail.kind for mail in world.mailer.sent]


def test_an_invitation_is_mailed_and_only_the_hash_of_its_token_is_stored() -> None:
    world = JourneyWorld()

    invited = world.invite()

    mail = world.last_mail("invitation")
    assert mail.to == "anna@clinic.example"
    assert f"https://calsync.example/i/{invited.token}" in mail.text
    assert len(invited.token) == 43
    stored = world.stores.journeys.invitation(hashlib.sha256(invited.token.encode()).hexdigest())
    assert stored is not None
    assert invited.token not in repr(stored)
    state = world.state()
    assert (state.status, state.invitation) == (Status.AWAITING, InvitationState.SENT)
    assert stored.expires_at == world.clock.now() + timedelta(days=14)


def test_a_room_is_connected_by_its_custodian() -> None:
    world = JourneyWorld()
    world.invite(ROOM)
    mail = world.last_mail("invitation")
    assert mail.to == "anna@clinic.example"
    assert "Room 4, which you look after" in mail.text


def test_nothing_is_sent_before_an_admin_has_agreed_to_this_version_of_the_text() -> None:
    world = JourneyWorld()
    world.ports = replace(world.ports, text_version="2027-01")
    with pytest.raises(InputError, match="agreement_missing"):
        world.invite()
    assert not world.mailer.sent
    assert world.state().status is Status.NOT_INVITED


def test_who_is_not_known_is_not_invited() -> None:
    with pytest.raises(NotFoundError, match="resource_unknown"):
        JourneyWorld().invite(ResourceId("nobody"))


@pytest.mark.parametrize(
    "address", ["", "anna", "anna@", "@clinic.example", "a b@c.example", "a@b.example\nBcc: x@y.z"]
)
def test_an_address_that_cannot_be_right_is_refused(address: str) -> None:
    world = JourneyWorld()
    state = world.state()
    owner = replace(state.resource.owner, email=address)
    world.stores.resources.save(replace(state, resource=replace(state.resource, email=address, owner=owner)))
    with pytest.raises(InputError, match="address_invalid"):
        world.invite()
    assert not world.mailer.sent


def test_send_again_waits_an_hour_and_ends_the_older_link() -> None:
    world = JourneyWorld()
    first = world.invite()
    with pytest.raises(InputError, match="invited_recently"):
        world.invite()
    world.clock.advance(timedelta(hours=1))

    second = world.invite()

    assert read_invitation(world.ports, InvitationLink(second.token)).invitation.id == second.invitation.id
    with pytest.raises(LinkWithdrawnError, match="link_replaced"):
        read_invitation(world.ports, InvitationLink(first.token))


def test_an_address_gets_at_most_three_invitations_a_day() -> None:
    world = JourneyWorld()
    for _ in range(3):
        world.invite()
        world.clock.advance(timedelta(hours=2))
    with pytest.raises(InputError, match="invited_too_often"):
        world.invite()
    with pytest.raises(InputError, match="invited_too_often"):
        world.invite(ROOM)  # the same person
    assert kinds(world) == ["invitation"] * 3

    world.clock.advance(timedelta(days=1))
    world.invite()
    assert kinds(world) == ["invitation"] * 4


def test_copy_link_mails_nobody() -> None:
    world = JourneyWorld()
    invited = world.invite(send=False)
    assert not world.mailer.sent
    assert world.state().invitation is InvitationState.QUEUED
    assert read_invitation(world.ports, InvitationLink(invited.token))


def test_who_complained_is_not_mailed_again() -> None:
    world = JourneyWorld()
    invited = world.invite()
    note_invitation_state(world.stores, ACCOUNT, ANNA, invited.invitation.id, InvitationState.COMPLAINED)
    world.clock.advance(timedelta(days=2))
    with pytest.raises(InputError, match="address_suppressed"):
        world.invite()


def test_a_mail_that_could_not_be_sent_leaves_the_invitation_queued_and_it_can_be_tried_again() -> None:
    world = JourneyWorld()

    class Down:
        def send(self, mail: Mail) -> str:
            raise ProviderUnavailableError

    up, world.ports = world.ports, replace(world.ports, mailer=Down())
    with pytest.raises(ProviderUnavailableError):
        world.invite()
    assert world.state().invitation is InvitationState.QUEUED

    world.ports = up
    world.invite()
    assert world.state().invitation is InvitationState.SENT


def test_a_refused_mail_is_told_to_the_admin() -> None:
    world = JourneyWorld()

    class Refusing:
        def send(self, mail: Mail) -> str:
            raise AppointmentRejectedError("mail_refused")

    world.ports = replace(world.ports, mailer=Refusing())
    with pytest.raises(AppointmentRejectedError, match="mail_refused"):
        world.invite()


def test_a_connected_resource_is_not_invited() -> None:
    world = JourneyWorld()
    world.connect()
    with pytest.raises(InputError, match="already_connected"):
        world.invite()


def test_withdrawing_ends_the_link_and_the_reminders() -> None:
    world = JourneyWorld()
    invited = world.invite()
    withdraw_invitation(world.ports, ACCOUNT, ANNA)
    assert world.state().status is Status.NOT_INVITED
    with pytest.raises(LinkWithdrawnError, match="link_withdrawn"):
        read_invitation(world.ports, InvitationLink(invited.token))
    assert not world.stores.due.due(world.clock.now() + timedelta(days=30))
    with pytest.raises(InputError, match="not_invited"):
        withdraw_invitation(world.ports, ACCOUNT, ANNA)


def test_a_link_expires_after_14_days_and_a_new_one_goes_to_the_invited_address_only() -> None:
    world = JourneyWorld()
    invited = world.invite()
    world.clock.advance(timedelta(days=14))
    link = InvitationLink(invited.token)
    with pytest.raises(LinkExpiredError):
        read_invitation(world.ports, link)

    renew_invitation(world.ports, link)

    assert world.mailer.sent[-1].to == "anna@clinic.example"
    assert invited.token not in world.mailer.sent[-1].text
    with pytest.raises(LinkUnknownError):
        renew_invitation(world.ports, InvitationLink("x" * 43))


def test_a_withdrawn_link_cannot_be_renewed() -> None:
    world = JourneyWorld()
    invited = world.invite()
    withdraw_invitation(world.ports, ACCOUNT, ANNA)
    with pytest.raises(LinkWithdrawnError):
        renew_invitation(world.ports, InvitationLink(invited.token))
    assert len(world.mailer.sent) == 1


def test_declining_ends_the_link_and_shows() -> None:
    world = JourneyWorld()
    invited = world.invite()
    decline_invitation(world.ports, InvitationLink(invited.token), "not_wanted")
    assert world.state().invitation is InvitationState.DECLINED
    with pytest.raises(LinkWithdrawnError):
        read_invitation(world.ports, InvitationLink(invited.token))
    assert not world.stores.due.due(world.clock.now() + timedelta(days=30))


# -- what the mail system tells -----------------------------------------------------------------------------------


def feedback(world: JourneyWorld, news: MailNews, message: str = "message-1") -> bool:
    return note_mail_feedback(world.stores, world.clock, MailFeedback(message, news, world.clock.now()))


def test_delivered_is_noted_once() -> None:
    world = JourneyWorld()
    world.invite()
    assert feedback(world, MailNews.DELIVERED)
    assert world.state().invitation is InvitationState.DELIVERED
    assert not feedback(world, MailNews.DELIVERED)


def test_a_bounce_after_delivery_shows() -> None:
    world = JourneyWorld()
    world.invite()
    feedback(world, MailNews.DELIVERED)
    assert feedback(world, MailNews.BOUNCED)
    assert world.state().invitation is InvitationState.BOUNCED
    assert world.stores.log.of_resource(ACCOUNT, ANNA)[0].is_problem


def test_late_news_never_hide_what_the_person_did() -> None:
    world = JourneyWorld()
    invited = world.invite()
    note_invitation_state(world.stores, ACCOUNT, ANNA, invited.invitation.id, InvitationState.OPENED)
    assert not feedback(world, MailNews.DELIVERED)
    assert world.state().invitation is InvitationState.OPENED


def test_news_of_a_replaced_invitation_do_not_touch_the_new_one() -> None:
    world = JourneyWorld()
    world.invite()
    world.clock.advance(timedelta(hours=2))
    world.invite()
    feedback(world, MailNews.BOUNCED, "message-1")
    assert world.state().invitation is InvitationState.SENT


def test_news_that_overtook_the_note_come_again_and_foreign_ones_do_not() -> None:
    world = JourneyWorld()
    with pytest.raises(ProviderUnavailableError, match="message_unknown"):
        feedback(world, MailNews.DELIVERED, "message-9")
    old = MailFeedback("message-9", MailNews.DELIVERED, world.clock.now() - timedelta(hours=1))
    assert note_mail_feedback(world.stores, world.clock, old) is False


# -- reminders ----------------------------------------------------------------------------------------------------


def sweep(world: JourneyWorld) -> None:
    """As the sweep does: what is due is handed over, then forgotten unless it was moved meanwhile."""
    for due in world.stores.due.due(world.clock.now()):
        if due.kind in {"reminder", "expiry"}:
            send_reminders(world.ports, due)
            world.stores.due.cancel(due.kind, due.account, due.subject, due.due_at)


def test_reminders_on_day_3_and_7_and_the_end_on_day_14() -> None:
    world = JourneyWorld()
    invited = world.invite()
    seen = {}
    for day in range(1, 20):
        world.clock.advance(timedelta(days=1))
        before = len(world.mailer.sent)
        sweep(world)
        if len(world.mailer.sent) > before:
            seen[day] = world.mailer.sent[-1].kind
    assert seen == {3: "reminder", 7: "reminder"}
    assert world.state().invitation is InvitationState.EXPIRED
    assert invited.token not in world.last_mail("reminder").text


def test_the_link_of_a_reminder_opens_the_same_invitation() -> None:
    world = JourneyWorld()
    world.invite()
    world.clock.advance(timedelta(days=3))
    sweep(world)
    link = next(line for line in world.last_mail("reminder").text.splitlines() if line.startswith("https://"))

    browser = world.browser().get(link)
    assert browser.status == 200
    browser.press("Continue to Microsoft")
    browser.come_back(code="anna")
    assert browser.path.endswith("/calendars")


@pytest.mark.prop("P7")
def test_a_repeated_or_late_due_item_mails_once() -> None:
    world = JourneyWorld()
    world.invite()
    world.clock.advance(timedelta(days=5))
    due = Due("reminder", ACCOUNT, ANNA, world.clock.now())
    send_reminders(world.ports, due)
    send_reminders(world.ports, due)
    assert kinds(world) == ["invitation", "reminder"]


def test_who_opened_and_never_came_back_is_taken_to_be_stuck_at_microsoft() -> None:
    world = JourneyWorld()
    invited = world.invite()
    note_invitation_state(world.stores, ACCOUNT, ANNA, invited.invitation.id, InvitationState.OPENED)
    world.clock.advance(timedelta(days=3))
    sweep(world)
    assert world.state().invitation is InvitationState.STUCK_AT_MICROSOFT
    assert "Need admin approval" in world.last_mail("reminder").text


@pytest.mark.parametrize("state", [InvitationState.BOUNCED, InvitationState.COMPLAINED])
def test_an_address_that_refused_is_not_reminded(state: InvitationState) -> None:
    world = JourneyWorld()
    invited = world.invite()
    note_invitation_state(world.stores, ACCOUNT, ANNA, invited.invitation.id, state)
    world.clock.advance(timedelta(days=7))
    sweep(world)
    assert kinds(world) == ["invitation"]


def test_a_connected_resource_is_not_reminded() -> None:
    world = JourneyWorld()
    world.connect()
    world.clock.advance(timedelta(days=8))
    sweep(world)
    assert "reminder" not in kinds(world)
