"""Hypothesis drives the same life as the seeded schedules: it invents steps, and makes a failing life short itself.

The steps are those of life.py. Quiet time costs as much as ten other steps, so it comes at the end of each life and at
most twice in between.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.properties.invariants import check_no_mail, quiet_time
from tests.properties.life import Life
from tests.properties.looking import PLACES, RESOURCES
from tests.properties.second_thoughts import WAYS
from tests.properties.simulation import ANSWERS, BUSY, CLOCK, HOURS, RULES, SETTINGS

WHO, PLACE, PICK = st.sampled_from(RESOURCES), st.sampled_from(PLACES), st.integers(0, 99)
TIME = st.fixed_dictionaries({"day": st.integers(1, 12), "hour": st.sampled_from(HOURS)})
TEAM = st.lists(WHO, min_size=1, max_size=2, unique=True)
SETTING = st.one_of([st.tuples(st.just(key), st.sampled_from(values)) for key, values in SETTINGS])
MAX_QUIET = 2
EXAMPLES = 120
STEPS = 25


class SyncMachine(RuleBasedStateMachine):
    @initialize(page_size=st.sampled_from([1, 3, 50]), moved=st.sampled_from(["apply", "restore", "flag"]),
                deleted=st.sampled_from(["flag", "restore", "cancel_booking"]))  # fmt: skip
    def open_clinic(self, page_size: int, moved: str, deleted: str) -> None:
        self.life, self.quiet = Life(page_size, moved, deleted), 0

    # -- a person in Outlook -------------------------------------------------------------------------------------------

    @rule(place=PLACE, time=TIME, busy=st.sampled_from(BUSY), private=st.booleans(), answer=st.sampled_from(ANSWERS),
          all_day=st.booleans(), beside=st.booleans())  # fmt: skip
    def create_entry(
        self, place: str, time: dict, busy: str, private: bool, answer: str, all_day: bool, beside: bool
    ) -> None:
        self.life.create_entry(place, **time, busy=busy, private=private, answer=answer, all_day=all_day, beside=beside)

    @rule(place=PLACE, pick=PICK, time=TIME)
    def move_entry(self, place: str, pick: int, time: dict) -> None:
        self.life.move_entry(place, pick, **time)

    @rule(place=PLACE, pick=PICK, what=st.sampled_from(["move_far_away", "delete_entry", "cancel_entry", "rename"]))
    def change_entry(self, place: str, pick: int, what: str) -> None:
        getattr(self.life, what)(place, pick)

    @rule(place=PLACE, pick=PICK, busy=st.sampled_from(BUSY))
    def change_busy(self, place: str, pick: int, busy: str) -> None:
        self.life.change_busy(place, pick, busy)

    @rule(place=PLACE, pick=PICK, time=TIME)
    def clone_copy(self, place: str, pick: int, time: dict) -> None:
        self.life.clone_copy(place, pick, **time)

    @rule(place=PLACE, pick=PICK, beside=st.booleans())
    def move_to_other_calendar(self, place: str, pick: int, beside: bool) -> None:
        self.life.move_to_other_calendar(place, pick, beside)

    @rule(place=PLACE, time=TIME, count=st.integers(1, 5))
    def create_series(self, place: str, time: dict, count: int) -> None:
        self.life.create_series(place, **time, count=count)

    @rule(place=PLACE, pick=PICK, what=st.sampled_from(["delete", "move", "free"]), day=st.integers(1, 12))
    def change_occurrence(self, place: str, pick: int, what: str, day: int) -> None:
        self.life.change_occurrence(place, pick, what, day)

    @rule(place=PLACE, pick=PICK)
    def delete_series(self, place: str, pick: int) -> None:
        self.life.delete_series(place, pick)

    # -- the clinic and its admin --------------------------------------------------------------------------------------

    @rule(who=TEAM, time=TIME)
    def book(self, who: list[str], time: dict) -> None:
        self.life.book(who, **time)

    @rule(pick=PICK, time=TIME)
    def move_booking(self, pick: int, time: dict) -> None:
        self.life.move_booking(pick, **time)

    @rule(pick=PICK, what=st.sampled_from(["cancel", "remove", "retitle"]))
    def change_booking(self, pick: int, what: str) -> None:
        self.life.change_booking(pick, what)

    @rule(pick=PICK, who=TEAM)
    def reassign(self, pick: int, who: list[str]) -> None:
        self.life.reassign(pick, who)

    @rule(pick=PICK, day=st.integers(1, 12), remove=st.booleans())
    def touch_block(self, pick: int, day: int, remove: bool) -> None:
        self.life.touch_block(pick, day, remove)

    @rule(who=st.one_of(st.none(), WHO), setting=SETTING, scope=st.sampled_from(["future", "window"]))
    def change_settings(self, who: str | None, setting: tuple, scope: str) -> None:
        self.life.change_settings(who, dict([setting]), scope)

    @rule(pick=PICK, which=st.integers(0, 3))
    def decide(self, pick: int, which: int) -> None:
        self.life.decide(pick, which)

    @rule(who=WHO, pick=PICK)
    def undo(self, who: str, pick: int) -> None:
        self.life.undo(who, pick)

    @rule(who=WHO)
    def try_again(self, who: str) -> None:
        self.life.try_again(who)

    @rule(place=PLACE, how=st.sampled_from(sorted(set(WAYS))))
    def deliver(self, place: str, how: str) -> None:
        self.life.deliver(place, how)

    @rule(who=TEAM, time=TIME, what=st.sampled_from(RULES))
    def book_series(self, who: list[str], time: dict, what: str) -> None:
        self.life.book_series(who, **time, rule=what)

    @rule(pick=PICK, what=st.sampled_from(RULES))
    def change_rule(self, pick: int, what: str) -> None:
        self.life.change_rule(pick, what)

    @rule(place=PLACE, pick=PICK, day=st.integers(1, 12), count=st.integers(1, 5))
    def move_series(self, place: str, pick: int, day: int, count: int) -> None:
        self.life.move_series(place, pick, day, count)

    @rule(who=WHO, what=st.sampled_from(["pause", "resume", "reconnect"]))
    def change_state(self, who: str, what: str) -> None:
        getattr(self.life, what)(who)

    @rule(who=WHO, remove=st.booleans())
    def disconnect(self, who: str, remove: bool) -> None:
        self.life.disconnect(who, remove)

    @rule(who=st.sampled_from(["anna", "bert"]), on=st.booleans())
    def choose_conflict_calendars(self, who: str, on: bool) -> None:
        self.life.choose_conflict_calendars(who, on)

    @rule(beside=st.booleans())
    def choose_primary(self, beside: bool) -> None:
        self.life.choose_primary("bert", beside)

    # -- the services' own moods, and runs -----------------------------------------------------------------------------

    @rule(place=PLACE, what=st.sampled_from(["expire_cursors", "rotate_change_keys", "hold_feed", "release_feed"]))
    def mood(self, place: str, what: str) -> None:
        getattr(self.life, what)(place)

    @rule()
    def expire_host_cursors(self) -> None:
        self.life.expire_host_cursors()

    @rule(hours=st.sampled_from(CLOCK))
    def time_passes(self, hours: float) -> None:
        self.life.time_passes(hours)

    @rule(who=WHO, seed=st.integers(0, 2**32), share=st.sampled_from([0.0, 0.02, 0.1]),
          cause=st.sampled_from(["notification", "sweep", "full"]))  # fmt: skip
    def run(self, who: str, seed: int, share: float, cause: str) -> None:
        self.life.run(who, seed, share, cause)

    @precondition(lambda self: hasattr(self, "life") and self.quiet < MAX_QUIET)
    @rule()
    def quiet_time(self) -> None:
        self.quiet += 1
        quiet_time(self.life)

    def teardown(self) -> None:
        if hasattr(self, "life"):
            check_no_mail(self.life)
            quiet_time(self.life)


SyncMachine.TestCase.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, database=None,
    suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
)  # fmt: skip


@pytest.mark.prop("P1")
@pytest.mark.prop("P2")
@pytest.mark.prop("P4")
@pytest.mark.prop("P8")
@pytest.mark.prop("P10")
@pytest.mark.prop("P11")
class TestSync(SyncMachine.TestCase):
    """Hypothesis drives it."""
