"""Random lives of a small clinic, with faults inside: whatever happens, both sides agree once it is quiet.

Two resources share one mailbox (one person, two locations), a third has its own. Persons and the clinic edit at random,
runs meet outages, throttling, replies lost after the write, crashes at any call or store operation, expired cursors and
feeds that lag. Every run of the machine ends with faults switched off, and all invariants are checked.
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from calsync_core.domain.appointments import Busy, Kind, Timed
from calsync_core.domain.errors import ConcurrentChangeError, ProviderUnavailableError
from calsync_core.usecases.sync_resource import Result
from tests.properties.faults import CrashError, Faults, watched
from tests.properties.invariants import check_all, check_quiet
from tests.small_clinic import Clinic, a_clinic, at

RESOURCES = ("anna", "anna-north", "bert")
DAYS = st.integers(1, 12)
HOURS = st.sampled_from([8, 8.5, 9, 10, 11, 13, 14.5, 16])
WHO = st.sampled_from(RESOURCES)
SHARE = st.sampled_from([0.0, 0.02, 0.1])


def a_small_clinic(faults: Faults, page_size: int) -> Clinic:
    clinic = a_clinic(page_size)
    clinic.connect("anna")
    clinic.connect("anna-north", "mbx-anna")
    clinic.connect("bert")
    for server in clinic.servers.values():
        server.page_size = page_size
    clinic.fault = faults
    object.__setattr__(clinic.ports, "stores", watched(clinic.stores, faults))
    return clinic


class SyncMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.faults = Faults()
        self.clones: set[str] = set()
        self.runs = 0

    @initialize(page_size=st.sampled_from([1, 3, 50]), moved=st.sampled_from(["apply", "restore", "flag"]),
                deleted=st.sampled_from(["flag", "restore", "cancel_booking"]))  # fmt: skip
    def open_clinic(self, page_size: int, moved: str, deleted: str) -> None:
        self.clinic = a_small_clinic(self.faults, page_size)
        self.clinic.settings(edits__moved_in_calendar=moved, edits__deleted_in_calendar=deleted)

    # -- a person in Outlook ---------------------------------------------------------------------------------------

    @rule(who=WHO, day=DAYS, hour=HOURS, busy=st.sampled_from(list(Busy)), is_private=st.booleans())
    def create_entry(self, who: str, day: int, hour: float, busy: Busy, is_private: bool) -> None:
        self.clinic.mailbox(who).create_entry(at(day, hour), "SECRET lunch", busy=busy, is_private=is_private)

    def _some_entry(self, who: str, pick: int):
        entries = [entry for entry in self.clinic.mailbox(who).shown() if entry.kind is Kind.SINGLE]
        return entries[pick % len(entries)] if entries else None

    @rule(who=WHO, pick=st.integers(0, 99), day=DAYS, hour=HOURS)
    def move_entry_or_copy(self, who: str, pick: int, day: int, hour: float) -> None:
        if entry := self._some_entry(who, pick):
            self.clinic.mailbox(who).move_entry(entry.id, at(day, hour))

    @rule(who=WHO, pick=st.integers(0, 99))
    def move_far_away(self, who: str, pick: int) -> None:
        if entry := self._some_entry(who, pick):
            if entry.mark is None:
                self.clinic.mailbox(who).move_entry(entry.id, at(900, 9))

    @rule(who=WHO, pick=st.integers(0, 99))
    def delete_entry_or_copy(self, who: str, pick: int) -> None:
        if entry := self._some_entry(who, pick):
            self.clinic.mailbox(who).delete_entry(entry.id)

    @rule(who=WHO, pick=st.integers(0, 99), busy=st.sampled_from(list(Busy)))
    def change_busy(self, who: str, pick: int, busy: Busy) -> None:
        if (entry := self._some_entry(who, pick)) and entry.mark is None:
            self.clinic.mailbox(who).set_busy(entry.id, busy)

    @rule(who=WHO, pick=st.integers(0, 99))
    def rename_entry_or_copy(self, who: str, pick: int) -> None:
        if entry := self._some_entry(who, pick):
            self.clinic.mailbox(who).retitle(entry.id, "SECRET renamed")

    @rule(who=WHO, pick=st.integers(0, 99), day=DAYS, hour=HOURS)
    def clone_copy(self, who: str, pick: int, day: int, hour: float) -> None:
        entry = self._some_entry(who, pick)
        if entry is not None and entry.mark is not None and entry.id not in self.clones and self._is_settled(who, entry):
            self.clones.add(self.clinic.mailbox(who).copy_entry(entry.id, at(day, hour)))

    def _is_settled(self, who: str, entry) -> bool:
        """A person can only copy what a completed write shows; before that nobody could tell the two apart."""
        from tests.properties.invariants import _is_own

        return any(_is_own(entry, self.clinic, name) for name in RESOURCES)

    @rule(who=WHO, day=DAYS, hour=HOURS, count=st.integers(1, 5))
    def create_series(self, who: str, day: int, hour: float, count: int) -> None:
        self.clinic.mailbox(who).create_series(at(day, hour), count)

    @rule(who=WHO, pick=st.integers(0, 99), what=st.sampled_from(["delete", "move", "free"]), day=DAYS)
    def change_occurrence(self, who: str, pick: int, what: str, day: int) -> None:
        mailbox = self.clinic.mailbox(who)
        found = [entry for entry in mailbox.shown() if entry.series_id]
        if not found:
            return
        one = found[pick % len(found)]
        if what == "delete":
            mailbox.delete_occurrence(one.series_id, one.original_start_at)
        elif what == "move":
            mailbox.move_occurrence(one.series_id, one.original_start_at, at(day, 7))
        else:
            mailbox.change_occurrence(one.series_id, one.original_start_at, busy=Busy.FREE)

    @rule(who=WHO, pick=st.integers(0, 99))
    def delete_series(self, who: str, pick: int) -> None:
        mailbox = self.clinic.mailbox(who)
        found = sorted({entry.series_id for entry in mailbox.shown() if entry.series_id})
        if found:
            mailbox.delete_entry(found[pick % len(found)])

    # -- the clinic ------------------------------------------------------------------------------------------------

    @rule(who=st.lists(WHO, min_size=1, max_size=2, unique=True), day=DAYS, hour=HOURS)
    def book(self, who: list[str], day: int, hour: float) -> None:
        self.clinic.system.book(who, at(day, hour))

    def _some_booking(self, pick: int):
        found = [one for one in self.clinic.system.bookings.values() if one.status.value != "cancelled"]
        return found[pick % len(found)] if found else None

    @rule(pick=st.integers(0, 99), day=DAYS, hour=HOURS)
    def move_booking(self, pick: int, day: int, hour: float) -> None:
        if booking := self._some_booking(pick):
            self.clinic.system.move_booking_by_clinic(booking.id, at(day, hour))

    @rule(pick=st.integers(0, 99), what=st.sampled_from(["cancel", "remove", "retitle"]))
    def change_booking(self, pick: int, what: str) -> None:
        if booking := self._some_booking(pick):
            system = self.clinic.system
            {"cancel": system.cancel, "remove": system.remove_booking}.get(
                what, lambda one: system.retitle(one, "Other visit")
            )(booking.id)

    @rule(pick=st.integers(0, 99), who=st.lists(WHO, min_size=1, max_size=2, unique=True))
    def reassign(self, pick: int, who: list[str]) -> None:
        if booking := self._some_booking(pick):
            self.clinic.system.reassign(booking.id, who)

    # -- the services' own moods -----------------------------------------------------------------------------------

    @rule(who=WHO)
    def expire_cursors(self, who: str) -> None:
        self.clinic.mailbox(who).expire_cursors()

    @rule()
    def expire_host_cursors(self) -> None:
        self.clinic.system.expire_cursors()

    @rule(who=WHO)
    def rotate_change_keys(self, who: str) -> None:
        self.clinic.mailbox(who).rotate_created()

    @rule(hours=st.sampled_from([0.1, 2, 30, 200]))
    def time_passes(self, hours: float) -> None:
        self.clinic.clock.advance(timedelta(hours=hours))

    # -- runs, with faults -----------------------------------------------------------------------------------------

    @rule(who=WHO, seed=st.integers(0, 2**32), share=SHARE)
    def run(self, who: str, seed: int, share: float) -> None:
        """One message of the queue and its machine, cut short by whatever happens."""
        self.faults.start(seed, share)
        try:
            self.clinic.stores.leases.wish("main", who)
            for round_ in range(6):
                if self.clinic.work(who, "notification", round_).result in (Result.DONE, Result.FAILED):
                    break
        except CrashError:
            self.clinic.clock.advance(self.clinic.ports.lease_for + timedelta(seconds=1))
        except (ProviderUnavailableError, ConcurrentChangeError):
            self.clinic.clock.advance(self.clinic.ports.lease_for + timedelta(seconds=1))
        finally:
            self.faults.stop()

    @invariant()
    def nobody_is_mailed(self) -> None:
        for server in getattr(self, "clinic", None) and self.clinic.servers.values() or ():
            assert server.outbox == [], "a third party was mailed"

    @precondition(lambda self: hasattr(self, "clinic"))
    @rule()
    def quiet_time(self) -> None:
        self.clinic.clock.advance(timedelta(minutes=5))
        for _ in range(2):
            self.clinic.settle(*RESOURCES)
        for who in RESOURCES:
            check_all(self.clinic, who, self.clones)
        for who in RESOURCES:
            check_quiet(self.clinic, who)

    def teardown(self) -> None:
        if hasattr(self, "clinic"):
            self.quiet_time()


SyncMachine.TestCase.settings = settings(
    max_examples=int(__import__("os").environ.get("EX","150")), stateful_step_count=40, deadline=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.prop("P1")
@pytest.mark.prop("P2")
@pytest.mark.prop("P4")
@pytest.mark.prop("P6")
@pytest.mark.prop("P8")
@pytest.mark.prop("P10")
@pytest.mark.prop("P11")
class TestSync(SyncMachine.TestCase):
    """Hypothesis drives it."""


assert Timed
