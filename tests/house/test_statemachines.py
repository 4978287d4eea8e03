"""The state machines: each outcome has its branch, each Task ends by itself, nothing but ids and counters travels."""

import re
from typing import Any

import pytest
from calsync_core.usecases.sync.sync_resource import Result

from tests.house.template import load_machine

MACHINES = ("sync_resource", "sweep")
OUTCOMES = {"again", "wait", "done", "failed"}
LAMBDA_ERRORS = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
}
# Everything a state may hold. A name outside this list is a decision, not a typing error.
IDS_AND_COUNTERS = {
    *("account", "resource", "cause", "run", "round", "code", "outcome", "seconds"),
    *("page", "batch", "batches", "more", "found"),
}


def machines_in(machine: dict[str, Any]) -> list[dict[str, Any]]:
    """The machine and the ones inside its Maps."""
    inner = [state["ItemProcessor"] for state in machine["States"].values() if state["Type"] == "Map"]
    return [machine] + [found for part in inner for found in machines_in(part)]


def states_of(name: str) -> list[tuple[str, dict[str, Any]]]:
    return [item for machine in machines_in(load_machine(name)) for item in machine["States"].items()]


ALL_STATES = [(name, label, state) for name in MACHINES for label, state in states_of(name)]
TASKS = [(name, label, state) for name, label, state in ALL_STATES if state["Type"] == "Task"]


@pytest.mark.parametrize(("name", "label", "state"), ALL_STATES)
def test_each_state_is_a_short_sentence_with_a_comment(name: str, label: str, state: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Z][a-z0-9 ]{3,40}", label)
    assert len(state["Comment"]) > 10


@pytest.mark.parametrize(("name", "label", "state"), TASKS)
def test_each_task_ends_by_itself_and_its_failure_goes_somewhere(name: str, label: str, state: dict[str, Any]) -> None:
    assert state["TimeoutSeconds"] <= 120
    (retry,) = state["Retry"]
    assert set(retry["ErrorEquals"]) == LAMBDA_ERRORS
    assert (retry["MaxAttempts"] <= 5, retry["JitterStrategy"]) == (True, "FULL")
    (catch,) = state["Catch"]
    assert catch["ErrorEquals"] == ["States.ALL"]


@pytest.mark.parametrize(("name", "label", "state"), TASKS)
def test_the_text_of_an_error_never_stays_in_the_state(name: str, label: str, state: dict[str, Any]) -> None:
    assert "ResultPath" in state["Catch"][0]
    assert state["Catch"][0]["ResultPath"] is None


@pytest.mark.parametrize("name", MACHINES)
def test_each_next_exists_and_each_state_is_reached(name: str) -> None:
    for machine in machines_in(load_machine(name)):
        reached = {machine["StartAt"]}
        for state in machine["States"].values():
            reached |= next_states(state)
        assert reached == set(machine["States"])


def next_states(state: dict[str, Any]) -> set[str]:
    found = {state[key] for key in ("Next", "Default") if key in state}
    return found | {part["Next"] for key in ("Catch", "Choices") for part in state.get(key, [])}


def test_each_outcome_of_work_has_its_branch() -> None:
    choice = load_machine("sync_resource")["States"]["Route by outcome"]
    branches = {rule["StringEquals"]: rule["Next"] for rule in choice["Choices"] if "StringEquals" in rule}

    assert set(branches) == OUTCOMES
    assert branches["wait"] == "Wait as told"
    assert branches["failed"] == "Close the run"
    assert choice["Default"] == "Name the unknown outcome"


def test_a_run_that_went_well_is_closed_only_where_there_is_something_to_tell() -> None:
    """close does nothing after a change that was done; a call of it for each would be half of all calls."""
    rules = load_machine("sync_resource")["States"]["Route by outcome"]["Choices"]
    done = {"Variable": "$.outcome", "StringEquals": "done"}
    of_import = [rule for rule in rules if done in rule.get("And", [])]
    plain = [rule for rule in rules if rule.get("StringEquals") == "done"]

    assert [rule["Next"] for rule in of_import] == ["Close the run"]
    assert {"Variable": "$.cause", "StringEquals": "import"} in of_import[0]["And"]
    assert [rule["Next"] for rule in plain] == ["Ended"]
    assert rules.index(of_import[0]) < rules.index(plain[0])


def test_the_core_answers_exactly_these_outcomes() -> None:
    """Whoever adds an outcome must add its branch."""
    assert {outcome.value for outcome in Result} == OUTCOMES


def test_everything_that_breaks_ends_in_close() -> None:
    states = load_machine("sync_resource")["States"]

    assert states["Work on pages each way"]["Catch"][0]["Next"] == "Name the break"
    for label in ("Name the break", "Name the endless run", "Name the unknown outcome"):
        assert states[label]["Next"] == "Close the run"
        assert states[label]["ResultPath"] == "$.code"


def test_a_run_cannot_go_round_for_ever() -> None:
    """Rounds that find nothing are counted; a history ends wordless at 25,000 events, 9 for a round with a wait."""
    first = load_machine("sync_resource")["States"]["Route by outcome"]["Choices"][0]

    assert first["Variable"] == "$.round"
    assert first["NumericGreaterThanEquals"] * 9 < 25_000


@pytest.mark.parametrize("name", MACHINES)
def test_only_ids_and_counters_are_in_the_state(name: str) -> None:
    for _, state in states_of(name):
        for part in (state.get("Parameters", {}), state.get("ItemSelector", {}), state.get("ResultSelector", {})):
            shown = part.get("Payload", part)
            keys = {key.removesuffix(".$") for key in shown}
            assert keys <= IDS_AND_COUNTERS | {"step"}


def test_one_bad_batch_never_stops_the_others() -> None:
    handle = load_machine("sweep")["States"]["Handle the batches"]

    assert handle["ToleratedFailurePercentage"] == 100
    assert handle["MaxConcurrency"] <= 40
    assert handle["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    assert "ItemBatcher" not in handle  # the local cloud ignores it without a word: find answers ready batches


def test_the_first_look_is_at_the_first_page() -> None:
    from tests.house.template import resources

    assert resources("AWS::Scheduler::Schedule")["SweepSchedule"]["Target"]["Input"] == '{"page": 0}'
