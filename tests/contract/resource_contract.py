"""What the stores around one resource promise: state, lease, cursors, settings, what is due."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.errors import ConcurrentChangeError, LeaseLostError, NotFoundError
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import Status
from calsync_core.ports.stores import Due, StoredSettings, Stores

from tests.contract.examples import CAL, HOUR, NOW, A, B, R, a_cursor, a_state

MINUTE = timedelta(minutes=1)


class ResourceContract:
    def test_a_state_is_read_back_with_its_version(self, stores: Stores) -> None:
        saved = stores.resources.save(a_state())

        assert saved == replace(a_state(), version=1)
        assert stores.resources.get(A, R) == saved
        assert stores.resources.get(B, R) is None

    def test_of_two_writers_one_wins(self, stores: Stores) -> None:
        first = stores.resources.save(a_state())
        second = stores.resources.save(first.moved_to(Status.AWAITING, NOW))

        with pytest.raises(ConcurrentChangeError):
            stores.resources.save(first.moved_to(Status.IMPORTING, NOW))
        with pytest.raises(ConcurrentChangeError):
            stores.resources.save(first.moved_to(Status.AWAITING, NOW))
        with pytest.raises(ConcurrentChangeError):
            stores.resources.save(a_state())
        with pytest.raises(ConcurrentChangeError):
            stores.resources.save(replace(a_state(ResourceId("unknown")), version=3))

        assert stores.resources.get(A, R) == second

    def test_all_of_an_account_are_listed(self, stores: Stores) -> None:
        ours = [stores.resources.save(a_state(ResourceId(name))) for name in ("anna", "ben")]
        stores.resources.save(a_state(account=B))

        assert stores.resources.of_account(A) == ours

    def test_a_save_leaves_wishes_and_lease_alone(self, stores: Stores) -> None:
        state = stores.resources.save(a_state())
        stores.leases.wish(A, R)
        lease = stores.leases.take(A, R, NOW, NOW + MINUTE)

        stores.resources.save(replace(state, attempt=1))

        assert stores.leases.take(A, R, NOW, NOW + MINUTE) is None
        assert stores.leases.wish(A, R) == 2
        assert stores.leases.give_back(lease) is False


class LeaseContract:
    def test_only_one_holds_it(self, stores: Stores) -> None:
        stores.resources.save(a_state())
        stores.resources.save(a_state(account=B))

        lease = stores.leases.take(A, R, NOW, NOW + MINUTE)

        assert (lease.number, lease.noted) == (1, 0)
        assert stores.leases.take(A, R, NOW + MINUTE / 2, NOW + HOUR) is None
        assert stores.leases.take(B, R, NOW, NOW + MINUTE) is not None

    def test_a_wish_during_the_work_is_not_lost(self, stores: Stores) -> None:
        stores.resources.save(a_state())
        stores.leases.wish(A, R)
        lease = stores.leases.take(A, R, NOW, NOW + MINUTE)
        stores.leases.wish(A, R)

        assert stores.leases.give_back(lease) is False
        lease = stores.leases.renote(lease, NOW + 2 * MINUTE)
        assert lease.noted == 2
        assert stores.leases.take(A, R, NOW + MINUTE, NOW + HOUR) is None
        assert stores.leases.give_back(lease) is True
        assert stores.leases.give_back(lease) is True
        assert stores.leases.take(A, R, NOW, NOW + MINUTE).number == 2

    def test_a_lease_that_ran_out_is_taken_over_and_the_old_holder_stops(self, stores: Stores) -> None:
        stores.resources.save(a_state())
        lost = stores.leases.take(A, R, NOW, NOW + MINUTE)
        stores.cursors.store(lost, a_cursor(cursor="before"))

        lease = stores.leases.take(A, R, NOW + MINUTE, NOW + HOUR)

        assert lease.number == lost.number + 1
        with pytest.raises(LeaseLostError):
            stores.leases.give_back(lost)
        with pytest.raises(LeaseLostError):
            stores.leases.renote(lost, NOW + HOUR)
        with pytest.raises(LeaseLostError):
            stores.cursors.store(lost, a_cursor(cursor="after"))
        assert stores.cursors.load(A, R) == {"host": a_cursor(cursor="before")}

    def test_who_gave_it_back_holds_nothing(self, stores: Stores) -> None:
        stores.resources.save(a_state())
        lease = stores.leases.take(A, R, NOW, NOW + MINUTE)
        stores.leases.give_back(lease)

        with pytest.raises(LeaseLostError):
            stores.leases.renote(lease, NOW + HOUR)
        with pytest.raises(LeaseLostError):
            stores.cursors.store(lease, a_cursor())

    def test_an_unknown_resource_has_no_lease(self, stores: Stores) -> None:
        with pytest.raises(NotFoundError):
            stores.leases.wish(A, R)
        with pytest.raises(NotFoundError):
            stores.leases.take(A, R, NOW, NOW + MINUTE)
        assert stores.resources.of_account(A) == []

    def test_a_held_lease_is_due_at_its_end_and_a_returned_one_never(self, stores: Stores) -> None:
        stores.resources.save(a_state())
        lease = stores.leases.take(A, R, NOW, NOW + MINUTE)

        assert stores.due.due(NOW + MINUTE / 2) == []
        assert stores.due.due(NOW + MINUTE) == [Due("lease", A, R, NOW + MINUTE)]
        stores.leases.give_back(lease)
        assert stores.due.due(NOW + HOUR) == []

    def test_ten_runs_at_once_never_work_together_and_answer_every_wish(self, stores: Stores) -> None:
        """Each thread is a message: it raises `wanted` and starts a run; a run that finds the lease taken ends."""
        stores.resources.save(a_state())
        working: list[int] = []
        answered: list[int] = []

        def run(_: int) -> None:
            stores.leases.wish(A, R)
            lease = stores.leases.take(A, R, NOW, NOW + HOUR)
            while lease is not None:
                working.append(1)
                assert len(working) == 1
                answered.append(lease.noted)
                working.pop()
                lease = None if stores.leases.give_back(lease) else stores.leases.renote(lease, NOW + HOUR)

        with ThreadPoolExecutor(10) as threads:
            list(threads.map(run, range(10)))

        assert answered[-1] == 10
        last = stores.leases.take(A, R, NOW, NOW + HOUR)
        assert last.noted == 10


class CursorContract:
    def test_all_feeds_of_a_resource_are_loaded_together(self, stores: Stores) -> None:
        stores.resources.save(a_state())
        lease = stores.leases.take(A, R, NOW, NOW + MINUTE)
        rows = {feed: a_cursor(feed, f"cursor of {feed}") for feed in ("host", CAL)}
        for row in rows.values():
            stores.cursors.store(lease, row)
        stores.cursors.store(lease, replace(rows[CAL], cursor=None, page=4, is_round_open=False))

        assert stores.cursors.load(A, R) == rows | {CAL: replace(rows[CAL], cursor=None, page=4, is_round_open=False)}
        assert stores.cursors.load(B, R) == {}
        stores.cursors.forget(A, R, CAL)
        assert set(stores.cursors.load(A, R)) == {"host"}
        stores.cursors.forget(A, R)
        stores.cursors.forget(A, R)
        assert stores.cursors.load(A, R) == {}

    def test_a_check_moves_the_cursor_only_if_nobody_else_did(self, stores: Stores) -> None:
        stores.resources.save(a_state())
        lease = stores.leases.take(A, R, NOW, NOW + MINUTE)
        stores.cursors.store(lease, a_cursor(cursor="1"))
        noted = stores.cursors.load(A, R)["host"]

        assert stores.cursors.store_after_check(A, R, a_cursor(cursor="2"), noted) is True
        assert stores.cursors.store_after_check(A, R, a_cursor(cursor="3"), noted) is False
        assert stores.cursors.store_after_check(A, R, a_cursor(CAL), a_cursor(CAL)) is False
        assert stores.cursors.load(A, R) == {"host": a_cursor(cursor="2")}


class SettingsContract:
    def test_defaults_and_overrides_are_apart(self, stores: Stores) -> None:
        values = {"window.weeks_back": 4, "to_calendar.fields": ["service"], "active": False}
        saved = stores.settings.save_account(A, StoredSettings(values, 0, NOW, "admin"))
        own = stores.settings.save_resource(A, R, StoredSettings({"active": True}))

        assert saved == StoredSettings(values, 1, NOW, "admin")
        assert stores.settings.account(A) == saved
        assert stores.settings.resource(A, R) == own
        assert stores.settings.account(B) == StoredSettings({})
        assert stores.settings.resource(B, R) == StoredSettings({})
        assert stores.settings.both(A, R) == (saved, own)
        assert stores.settings.both(B, R) == (StoredSettings({}), StoredSettings({}))

    def test_of_two_who_change_them_at_once_one_is_told(self, stores: Stores) -> None:
        first = stores.settings.save_account(A, StoredSettings({"active": True}))
        stores.settings.save_account(A, replace(first, values={"active": False}))

        with pytest.raises(ConcurrentChangeError):
            stores.settings.save_account(A, replace(first, values={}))
        with pytest.raises(ConcurrentChangeError):
            stores.settings.save_resource(A, R, StoredSettings({}, version=3))

        assert stores.settings.account(A).values == {"active": False}


class DueContract:
    def test_what_is_due_comes_in_order_and_only_that(self, stores: Stores) -> None:
        soon = [Due("renewal", A, f"m{n}", NOW + n * MINUTE) for n in range(12)]
        for due in reversed(soon):
            stores.due.schedule(due)
        stores.due.schedule(Due("renewal", B, "m0", NOW + HOUR))

        assert stores.due.due(NOW - MINUTE) == []
        assert stores.due.due(NOW + 5 * MINUTE) == soon[:6]
        assert stores.due.due(NOW + 11 * MINUTE, limit=3) == soon[:3]

    def test_scheduling_again_moves_it(self, stores: Stores) -> None:
        stores.due.schedule(Due("reminder", A, "x", NOW))
        stores.due.schedule(Due("reminder", A, "x", NOW + HOUR))
        stores.due.schedule(Due("wait", A, "x", NOW + HOUR))

        assert stores.due.due(NOW) == []
        stores.due.cancel("reminder", A, "x", due_at=NOW)
        assert len(stores.due.due(NOW + HOUR)) == 2
        stores.due.cancel("reminder", A, "x", due_at=NOW + HOUR)
        stores.due.cancel("reminder", A, "x", due_at=NOW + HOUR)
        assert stores.due.due(NOW + HOUR) == [Due("wait", A, "x", NOW + HOUR)]
        stores.due.cancel("wait", A, "x")
        assert stores.due.due(NOW + HOUR) == []

    def test_every_resource_is_checked_once_in_each_turn_of_its_wheel(self, stores: Stores) -> None:
        names = [ResourceId(f"r{n}") for n in range(9)]
        for n, name in enumerate(names):
            stores.due.set_check(A, name, (5, 15, 60)[n % 3])
        stores.due.set_check(A, R, 5)
        stores.due.set_check(A, R, None)
        first = 29_000_000

        turns = [pair for minute in range(first, first + 60) for pair in stores.due.checks(minute)]

        counts = {name: turns.count((A, name)) for name in names}
        assert list(counts.values()) == [12, 4, 1] * 3
        assert len(turns) == sum(counts.values())

    @pytest.mark.parametrize(("asked", "turns"), [(1, 12), (5, 12), (14, 12), (30, 4), (60, 1), (90, 1)])
    def test_a_check_never_comes_later_than_asked_for(self, stores: Stores, asked: int, turns: int) -> None:
        stores.due.set_check(A, R, 60)
        stores.due.set_check(A, R, asked)

        assert sum(len(stores.due.checks(minute)) for minute in range(60)) == turns

    def test_no_minute_is_lost_when_the_sweep_was_late_and_none_is_given_twice(self, stores: Stores) -> None:
        assert stores.due.claim_minutes(1000) == range(1000, 1001)
        assert list(stores.due.claim_minutes(1000)) == []
        assert stores.due.claim_minutes(1003) == range(1001, 1004)
        assert list(stores.due.claim_minutes(1002)) == []
        assert stores.due.claim_minutes(5000) == range(4941, 5001)
