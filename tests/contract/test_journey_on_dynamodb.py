"""The same journeys on the template's table: its conditions and keys may refuse what memory lets pass."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.adapters.dynamodb.stores import dynamodb_stores
from calsync_core.adapters.memory.outward import PlainSealer
from calsync_core.domain.resources import InvitationState, Status
from calsync_core.usecases.agree_to_privacy import agree_to_privacy
from calsync_core.usecases.note_mail_feedback import MailFeedback, MailNews, note_mail_feedback

from tests.contract.cloud import Cloud
from tests.handlers.test_journey_pages import manage
from tests.journey_world import ACCOUNT, ANNA, BEN, ROOM, JourneyWorld


class World(JourneyWorld):
    def __init__(self, cloud: Cloud, table: str) -> None:
        self._cloud, self._table = cloud, table
        super().__init__()

    def rewire(self) -> None:
        self.stores = dynamodb_stores(
            self._cloud,  # type: ignore[arg-type]
            self._table,
            PlainSealer(),
            pause=lambda _: None,
            now=lambda: self.clock.now().timestamp(),
        )
        self.ports = replace(self.ports, stores=self.stores)
        super().rewire()


@pytest.fixture
def world(cloud: Any, table: str) -> World:
    return World(cloud, table)


def test_invite_connect_pause_resume_disconnect(world: World) -> None:
    browser = world.connect()
    assert browser.path.endswith("/progress")
    assert world.state().status is Status.IMPORTING
    world.connect(ROOM)
    [connection] = world.stores.connections.of_account(ACCOUNT)
    assert set(connection.resources) == {ANNA, ROOM}

    browser.get(manage(world)).press("Pause", until="2026-11-30")
    assert world.state().status is Status.PAUSED
    browser.press("Go on now")
    assert world.state().status is Status.IMPORTING

    for resource in (ANNA, ROOM):
        path = manage(world) if resource == ANNA else world.site.manage_path(ACCOUNT, ROOM)
        browser.get(f"{path}/disconnect").press("Disconnect", copies="remove", sure="yes")
        assert world.state(resource).status is Status.DISCONNECTED
        assert world.state(resource).mailbox is None
    assert not world.stores.connections.of_account(ACCOUNT)


def test_mail_news_reminders_and_the_end(world: World) -> None:
    world.invite()
    news = MailFeedback("message-1", MailNews.DELIVERED, world.clock.now())
    assert note_mail_feedback(world.stores, world.clock, news)
    assert world.state().invitation is InvitationState.DELIVERED
    from tests.unit.usecases.test_invite_resource import sweep

    for _ in range(15):
        world.clock.advance(timedelta(days=1))
        sweep(world)
    assert [mail.kind for mail in world.mailer.sent] == ["invitation", "reminder", "reminder"]
    assert world.state().invitation is InvitationState.EXPIRED


def test_a_taken_mailbox_and_a_replayed_state(world: World) -> None:
    world.connect()
    browser = world.browser().get(f"/i/{world.invite(BEN).token}").press("Continue to Microsoft")
    browser.come_back(code="anna")
    assert browser.status == 409
    browser.come_back(code="anna")
    assert browser.status == 403


def test_agreements_stay(world: World) -> None:
    world.connect()
    agree_to_privacy(world.stores.journeys, world.clock, ACCOUNT, "issuer#admin", "2026-11")
    rows = world.stores.journeys.agreements(ACCOUNT)
    assert sorted(row.role for row in rows) == ["admin", "resource"]
