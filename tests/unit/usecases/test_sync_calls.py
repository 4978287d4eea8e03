"""What a run costs, counted at the provider (design.md section 8), and who may run at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from calsync_core.domain.appointments import Busy
from calsync_core.domain.ids import ResourceId
from calsync_core.usecases.sync.sync_resource import Result

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

WRITES = ("create", "update", "delete")


def _quiet_clinic() -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    clinic.mailbox().create_entry(at(2, 9))
    clinic.system.book(["anna"], at(3, 9))
    clinic.settle()
    clinic.settle()
    return clinic


def _calls(clinic: Clinic, cause: str = "notification") -> Counter[str]:
    """Of one *work* call, at the mailbox."""
    provider = clinic.providers[clinic.stores.resources.get(ACCOUNT, ResourceId("anna")).mailbox]  # type: ignore[union-attr, index]
    provider.calls.clear()
    clinic.work(cause=cause, round_=9)
    return Counter(provider.calls)


def test_a_run_without_changes_costs_one_call_per_calendar() -> None:
    assert _calls(_quiet_clinic()) == Counter(changes=1)


def test_an_import_reads_the_bookings_as_seldom_as_it_can() -> None:
    """The next days and the dates of the series written there; then the whole window, and once more for strays."""
    clinic = a_clinic()
    clinic.connect()
    clinic.system.book_series(["anna"], at(2, 9), "FREQ=WEEKLY;COUNT=4")

    clinic.run()

    assert len(clinic.mailbox().shown()) == 4
    assert clinic.host.calls["bookings"] == 4


def test_a_new_entry_costs_one_read_and_one_look_up_and_one_write() -> None:
    clinic = _quiet_clinic()
    clinic.mailbox().create_entry(at(4, 9))
    clinic.host.calls.clear()

    assert _calls(clinic) == Counter(changes=1, entries=1)
    assert clinic.host.calls["put_block"] == 1


def test_a_known_entry_that_changed_needs_no_look_up() -> None:
    clinic = _quiet_clinic()
    entry = next(entry for entry in clinic.mailbox().shown() if entry.mark is None)
    clinic.mailbox().set_busy(entry.id, Busy.TENTATIVE)
    clinic.host.calls.clear()

    assert _calls(clinic) == Counter(changes=1)
    assert clinic.host.calls["put_block"] == 1


def test_a_deleted_entry_costs_one_look_up() -> None:
    clinic = _quiet_clinic()
    entry = next(entry for entry in clinic.mailbox().shown() if entry.mark is None)
    clinic.mailbox().delete_entry(entry.id)

    assert _calls(clinic) == Counter(changes=1, entries=1)
    assert clinic.blocks() == []


def test_a_changed_series_is_read_once_whatever_its_length() -> None:
    clinic = _quiet_clinic()
    series = clinic.mailbox().create_series(at(5, 9), 20)

    assert _calls(clinic) == Counter(changes=1, entries=1, occurrences=1), "new: its mark is asked for once"
    assert len(clinic.blocks()) == 21
    clinic.mailbox().set_busy(series, Busy.TENTATIVE)
    assert _calls(clinic) == Counter(changes=1, occurrences=1)


def test_a_new_series_of_bookings_costs_one_write_and_three_reads() -> None:
    clinic = _quiet_clinic()
    clinic.system.book_series(["anna"], at(4, 9), "FREQ=WEEKLY;COUNT=20")

    assert _calls(clinic) == Counter(changes=1, create=1, occurrences=1)
    assert _calls(clinic) == Counter(changes=1, occurrences=1), "the echo: 2 reads, 0 writes"


@pytest.mark.prop("P2")
def test_a_new_booking_costs_one_write_and_its_echo_one_read() -> None:
    clinic = _quiet_clinic()
    clinic.system.book(["anna"], at(4, 9))

    assert _calls(clinic, "host") == Counter(changes=1, create=1)
    assert _calls(clinic) == Counter(changes=1), "the echo: 1 read, 0 writes"


@pytest.mark.prop("P2")
def test_a_moved_booking_costs_one_update_and_its_echo_nothing_more() -> None:
    clinic = _quiet_clinic()
    booking = next(iter(clinic.system.bookings))
    clinic.system.move_booking_by_clinic(booking, at(6, 9))

    assert _calls(clinic, "host") == Counter(changes=1, update=1)
    assert _calls(clinic) == Counter(changes=1)


@pytest.mark.bad_input(26)
@pytest.mark.prop("P2")
@pytest.mark.complaint(20)
def test_a_change_key_that_the_server_rotates_writes_nothing() -> None:
    clinic = _quiet_clinic()
    clinic.mailbox().rotate_created()

    assert not set(_calls(clinic)) & set(WRITES)


@pytest.mark.bad_input(5)
@pytest.mark.prop("P7")
def test_fifty_notifications_at_once_are_at_most_two_runs_with_work() -> None:
    """Ten threads. Every wish is counted, the lease lets one in, and nobody's change is left behind."""
    clinic = _quiet_clinic()
    for hour in range(10, 15):
        clinic.mailbox().create_entry(at(7, hour))
    provider = next(iter(clinic.providers.values()))
    provider.calls.clear()
    clinic.host.calls.clear()

    def notified(_number: int) -> str:
        clinic.stores.leases.wish(ACCOUNT, ResourceId("anna"))
        outcome = clinic.work(round_=9)
        while outcome.result is Result.AGAIN:
            outcome = clinic.work(round_=9)
        return outcome.code or "worked"

    with ThreadPoolExecutor(10) as pool:
        codes = Counter(pool.map(notified, range(50)))

    assert codes["worked"] >= 1
    assert set(codes) <= {"worked", "held"}
    assert provider.calls["entries"] <= 2, "the changes are read into at most two runs"
    assert clinic.host.calls["put_block"] == 5
    assert len(clinic.blocks()) == 6


@pytest.mark.prop("P7")
def test_a_held_lease_ends_the_run_and_its_holder_works_again() -> None:
    clinic = _quiet_clinic()
    clinic.stores.leases.wish(ACCOUNT, ResourceId("anna"))
    seen: list[str | None] = []

    def meanwhile(operation: str, phase: str) -> None:
        if operation == "changes" and phase == "before" and not seen:
            seen.append("")
            for _ in range(50):
                clinic.stores.leases.wish(ACCOUNT, ResourceId("anna"))
            seen[:] = [clinic.work().code]

    clinic.fault = meanwhile
    outcome = clinic.work(round_=9)

    assert seen == ["held"]
    assert outcome.result is Result.AGAIN, "fifty wishes came while it worked: once more, not fifty times"
    assert clinic.work(round_=9).result is Result.DONE
