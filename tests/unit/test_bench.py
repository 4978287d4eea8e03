"""Every group of the bench runs and gives rows of the right shape. Nothing here looks at a time."""

import json
from dataclasses import replace

import pytest
from calsync_core.usecases.sweep import handle_due

from bench.__main__ import GROUPS, main, measure
from bench.capacity import size
from bench.changing import count_check, steps
from bench.clinic import ACCOUNT, RESOURCE, clinic
from bench.cost import MEMORY_MB, TEMPLATE, memory_of, naive_month
from bench.counted_world import checked_world, counted_table
from bench.rows import Options, Row, line
from bench.work import when

# Of "event_moved" and "event_deleted" two are the intent that a block will be touched (nothing else leads back to it).
MOST_UNITS = {
    "event_created": (12, 17), "event_moved": (12, 16), "event_deleted": (11, 19), "booking_created": (11, 17),
    "echo_of_create": (12, 8), "booking_moved": (11, 16), "echo_of_update": (12, 8),
}  # fmt: skip
TINY = Options(quick=True, tiny=True)
KEYS = {
    "row", "what", "budget", "value", "unit", "yardstick", "ratio", "met", "bounded_by", "reason", "detail", "date",
    "versions", "calibration_ms",
}  # fmt: skip


@pytest.mark.parametrize("group", GROUPS)
def test_every_row_says_what_it_must(group: str) -> None:
    rows = measure(group)(TINY)

    assert rows
    for row in rows:
        told = json.loads(line(row))
        assert set(told) == KEYS
        assert told["what"]
        assert told["budget"]
        assert told["unit"]
        assert (told["value"] is None) == (told["met"] is None and told["reason"] is not None and not told["yardstick"])
        if told["met"] is False:
            assert told["bounded_by"]
        if told["met"] is None:
            assert told["reason"]
        if told["yardstick"]:
            assert set(told["yardstick"]) == {"what", "command", "value"}
            assert told["yardstick"]["command"]
            assert told["ratio"] is not None


def test_names_are_used_once() -> None:
    names = [row.row for group in ("reading", "layers", "webhook") for row in measure(group)(TINY)]

    assert len(names) == len(set(names))


def test_markdown_holds_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--tiny", "--markdown", "webhook", "layers"])

    told = capsys.readouterr().out
    assert "| webhook_to_host |" in told
    assert "| layers_core |" in told
    assert "not built in a tiny run" in told


def test_unknown_group_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nonsense"])
    assert "no such group: nonsense" in capsys.readouterr().err


def test_missed_budget_is_printed_as_missed() -> None:
    told = json.loads(line(Row("r", "w", "<= 1", 2.0, "s", met=False, bounded_by="the wall")))

    assert (told["met"], told["bounded_by"]) == (False, "the wall")


def test_item_size_by_the_rules_of_the_price_list() -> None:
    assert size({"PK": {"S": "abc"}, "n": {"N": "1234"}, "b": {"B": b"12345"}}) == (2 + 3) + (1 + 4) + (1 + 5)


def test_a_check_of_a_quiet_resource_reads_two_units_and_mostly_writes_none() -> None:
    check = count_check()

    assert check.calls == 1
    assert max(check.usual.read_units, check.renewing.read_units) <= 2
    assert check.usual.write_units == 0
    assert 0 < check.renewing.write_units <= 2, "its cursors are renewed some day"
    assert check.write_units <= 0.5


def test_runs_do_not_grow_dearer() -> None:
    """Units of the table for one run, as they were when they were last brought down."""
    told = {name: (counts.read_units, counts.write_units) for name, counts in steps().items()}

    for name, (reads, writes) in told.items():
        most = MOST_UNITS[name]
        assert (reads <= most[0], writes <= most[1]) == (True, True), f"{name}: {reads} read, {writes} written"


def test_a_write_is_counted_for_the_indexes_it_enters_leaves_and_moves_in() -> None:
    with counted_table() as table:
        key = {"PK": {"S": "a"}, "SK": {"S": "b"}}

        def cost(**attributes: str) -> float:
            table.reset()
            table.put_item(TableName="bench", Item=key | {name: {"S": value} for name, value in attributes.items()})
            return table.writes

        assert cost(text="x") == 1
        assert cost(due_shard="1", due_at="1") == 2
        assert cost(due_shard="1", due_at="1", text="x") == 2
        assert cost(due_shard="1", due_at="2", text="x") == 3
        assert cost() == 2
        assert cost(starts="1") == 2


def test_memory_is_read_from_the_template() -> None:
    assert set(MEMORY_MB) == {"graph_webhook", "exchange_webhook", "host_api", "start_sync", "sync_job", "sweep"}
    with pytest.raises(AssertionError, match="SyncJob"):
        memory_of(TEMPLATE.read_text().replace("  SyncJob:", "  Other:"))


def test_naive_figure_is_the_one_that_the_design_names() -> None:
    assert naive_month(1000) == pytest.approx(1880, rel=0.03)


def test_a_first_import_looks_up_nothing_that_it_has_just_read() -> None:
    world = clinic()
    for number in range(10):
        world.server.create_entry(when(2 * number))
        world.system.book([RESOURCE], when(2 * number + 1))

    world.run("import")

    assert world.provider.calls["entries"] == 0
    assert world.host.calls["booking"] == 0


def test_checks_of_a_batch_are_all_counted_and_a_bad_one_stops_none() -> None:
    told: list[tuple[str, str]] = []
    with checked_world(entries=2) as (world, sweep, server):
        server.reset()
        good = {"kind": "check", "account": ACCOUNT, "subject": RESOURCE}
        handled = handle_due(replace(sweep, note=lambda *what: told.append(what)), [good, {"kind": "check"}])
        requests = server.counted()["requests"]

    assert handled == {"check": 1, "failed": 1}
    assert [kind for kind, _ in told] == ["check"]
    assert requests == 1
    assert world.clinic.queue.wishes == []
