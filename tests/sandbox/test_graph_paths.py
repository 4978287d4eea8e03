"""Spellings of paths that Graph takes."""

import pytest

from sandbox.graph.paths import canonical_path
from tests.sandbox.graph_client import ANNA, Graph, Run


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/v1.0/Users/ME/Events/AbC", "/v1.0/users/ME/events/AbC"),
        ("/v1.0/me/CalendarView/Delta()", "/v1.0/me/calendarView/delta()"),
        ("/v1.0/users('A@b.c')/events('Events')/Instances", "/v1.0/users/A@b.c/events/Events/instances"),
        ("/v1.0/me/events/delta", "/v1.0/me/events/delta"),
        ("/v1.0/me/calendars/Calendar/events", "/v1.0/me/calendars/Calendar/events"),
    ],
)
def test_words_are_read_in_any_case_and_ids_are_left_alone(asked: str, expected: str) -> None:
    assert canonical_path(asked) == expected


def test_an_event_is_found_by_the_path_that_a_notification_names(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create()
        for path in (f"/Users/{ANNA}/Events/{made['id']}", f"/users('{ANNA}')/events('{made['id']}')"):
            assert (await graph.get(path, checked=False))["id"] == made["id"]

    run(scenario)
