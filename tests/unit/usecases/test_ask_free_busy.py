"""Long questions are cut into what a provider takes, and their answers put together again."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from calsync_core.adapters.memory.role_access import MemoryFreeBusy, exchange_service, office365_service
from calsync_core.domain.availability import Interval, Occupied
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.free_busy import BusyTimes, joined, unknown, whole_half_hours
from calsync_core.domain.windows import Window
from calsync_core.usecases.ask_free_busy import ask_free_busy, slices

START = datetime(2026, 11, 23, tzinfo=UTC)
SPAN = Window(START, START + timedelta(days=100))
DAY = timedelta(days=1)


def people(count: int) -> list[str]:
    return [f"p{number}@clinic.example" for number in range(count)]


def filled(service: MemoryFreeBusy, addresses: list[str]) -> dict[str, BusyTimes]:
    """Each has a meeting of his own a day, one that lasts over the edge of every slice, and one before the span."""
    for number, address in enumerate(addresses):
        daily = [
            Interval(
                START + DAY * day + timedelta(minutes=number), START + DAY * day + timedelta(hours=5), Occupied.BUSY
            )
            for day in range(0, 100, 7)
        ]
        long = [Interval(START + DAY * 40, START + DAY * 63, Occupied.OOF)]
        before = [Interval(START - DAY, START - DAY / 2, Occupied.BUSY)]
        service.schedules[address] = BusyTimes((*before, *daily, *long))
    return {address: joined([service.schedules[address]], SPAN) for address in addresses}


@pytest.mark.parametrize(
    ("service", "questions", "most"),
    [(exchange_service(), 3 * 3, (100, timedelta(days=42))), (office365_service(), 13 * 2, (20, timedelta(days=61)))],
    ids=["exchange", "office365"],
)
def test_250_mailboxes_over_100_days_are_cut_right_and_put_together_right(
    service: MemoryFreeBusy, questions: int, most: tuple[int, timedelta]
) -> None:
    addresses = people(250)
    wanted = filled(service, addresses)

    found = ask_free_busy(service, addresses, SPAN)

    assert found == wanted
    assert len(service.questions) == questions
    assert max(len(one) for one, _ in service.questions) == most[0]
    assert max(span.end_at - span.start_at for _, span in service.questions) == most[1]
    asked: Counter[str] = Counter()
    for one, span in service.questions:
        asked.update(dict.fromkeys(one, (span.end_at - span.start_at) // DAY))
    assert set(asked.values()) == {100}  # every mailbox for every day, and no day twice


def test_mixed_refusals_hurt_only_their_own() -> None:
    service, addresses = office365_service(), people(45)
    wanted = filled(service, addresses)
    service.refusals = {addresses[3]: "permission_missing", addresses[30]: "mailbox_not_seen"}
    del service.schedules[addresses[44]]

    found = ask_free_busy(service, addresses, SPAN)

    for number, reason in ((3, "permission_missing"), (30, "mailbox_not_seen"), (44, "mailbox_missing")):
        assert found[addresses[number]] == unknown(SPAN, reason)
        del wanted[addresses[number]]
    assert {address: found[address] for address in wanted} == wanted


def test_the_same_address_in_another_case_is_asked_for_once() -> None:
    service = office365_service()
    filled(service, ["anna@clinic.example"])

    found = ask_free_busy(service, ["anna@clinic.example", "Anna@Clinic.Example"], Window(START, START + DAY))

    assert [one for one, _ in service.questions] == [("Anna@Clinic.Example",)]
    assert set(found) == {"Anna@Clinic.Example"}


def test_a_server_that_allows_less_is_asked_for_halves() -> None:
    service, addresses = exchange_service(), people(3)
    wanted = filled(service, addresses)
    service.longest = timedelta(days=11)

    assert ask_free_busy(service, addresses, SPAN) == wanted


def test_a_server_that_allows_nothing_is_not_asked_for_ever() -> None:
    service = exchange_service()
    service.longest = timedelta(0)

    found = ask_free_busy(service, people(2), Window(START, START + 4 * DAY))

    assert {one.reason for one in found.values()} == {"span_too_long"}
    assert len(service.questions) < 16


def test_a_mailbox_that_is_too_full_is_asked_again_alone_for_less() -> None:
    class Full(MemoryFreeBusy):
        def _times(self, address: str, span: Window) -> BusyTimes:
            if address == people(2)[1] and span.end_at - span.start_at > timedelta(days=21):
                return unknown(span, "free_busy_failed")
            return super()._times(address, span)

    service = Full(exchange_service().limits)
    wanted = filled(service, people(2))

    found = ask_free_busy(service, people(2), SPAN)

    assert found == wanted
    assert all(len(one) == 1 for one, span in service.questions if span.end_at - span.start_at < 16 * DAY)


def test_what_fails_as_a_whole_is_unknown_with_its_reason() -> None:
    service = office365_service()
    service.refusal = ProviderUnavailableError("timed_out")

    found = ask_free_busy(service, people(30), SPAN)

    assert set(found.values()) == {unknown(SPAN, "timed_out")}


def test_a_part_that_failed_is_unknown_and_the_rest_is_known() -> None:
    class Half(MemoryFreeBusy):
        def ask(self, addresses: object, span: Window) -> dict[str, BusyTimes]:
            if span.start_at > START:
                raise ProviderUnavailableError("timed_out")
            return super().ask(addresses, span)  # type: ignore[arg-type]

    service = Half(office365_service().limits)
    wanted = filled(service, people(1))[people(1)[0]]

    found = ask_free_busy(service, people(1), SPAN)[people(1)[0]]

    edge = START + timedelta(days=61)
    assert found.reason == "timed_out"
    assert found.intervals[-1] == Interval(edge, SPAN.end_at, Occupied.UNKNOWN)
    assert found.intervals[:-1] == joined([wanted], Window(START, edge)).intervals


def test_once_it_is_late_the_rest_is_unknown() -> None:
    service = exchange_service()
    filled(service, people(250))

    found = ask_free_busy(service, people(250), SPAN, lambda: len(service.questions) >= 3)

    assert {one.reason for one in found.values()} == {"too_slow"}
    assert len(service.questions) == 3


def test_slices_lie_end_to_end() -> None:
    parts = slices(SPAN, timedelta(days=42))

    assert [(one.start_at - START).days for one in parts] == [0, 42, 84]
    assert parts[-1].end_at == SPAN.end_at
    assert slices(Window(START, START), DAY) == []


def test_questions_are_about_whole_half_hours() -> None:
    asked = whole_half_hours(Window(START + timedelta(minutes=40), START + timedelta(minutes=50)))

    assert (asked.start_at, asked.end_at) == (START + timedelta(minutes=30), START + timedelta(hours=1))
    assert whole_half_hours(asked) == asked
