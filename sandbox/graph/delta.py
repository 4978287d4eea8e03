"""calendarView/delta and events/delta: rounds, pages, generations. What a page tells: delta_rows.py.

Follows "event: delta" and the field reports in reference/graph.md section 4: the window is in the token, a round
ends with a deltaLink, a chain keeps its last three generations, everything else answers 410 SyncStateNotFound.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from sandbox.calendars import Folder
from sandbox.graph import errors
from sandbox.graph.calls import Answer, Call
from sandbox.graph.delta_rows import Feed, Group
from sandbox.graph.delta_tokens import DeltaState, InvalidTokenError, pack, unpack
from sandbox.graph.entries import viewer
from sandbox.graph.event_lists import window_of
from sandbox.graph.queries import MAX_PAGE

_REFUSED = ("$select", "$filter", "$orderby", "$expand", "$search", "$top", "$skip", "$count")
_RESOURCES = {"view": "CalendarView", "events": "Events"}


def delta_of_view(call: Call) -> Answer:
    """GET calendarView/delta."""
    return _delta(call, "view")


def delta_of_events(call: Call) -> Answer:
    """GET events/delta: in the metadata of v1.0, documented as beta."""
    return _delta(call, "events")


def _delta(call: Call, feed: Literal["view", "events"]) -> Answer:
    query = {name.casefold(): value for name, value in call.query().items()}
    refused = [name for name in _REFUSED if name in query]
    if refused:
        raise errors.invalid_query(
            "The following parameters are not supported with change tracking over the "
            f"'{_RESOURCES[feed]}' resource: '{', '.join(refused)}'."
        )
    folder = call.folder()
    if not folder.calendar.supports_delta:
        raise errors.not_supported()
    token = query.get("$deltatoken") or query.get("$skiptoken")
    if token is None:
        return _begin(call, folder, feed)
    return _page(call, folder, _continued(call, folder, feed, token, is_skip="$skiptoken" in query))


def _begin(call: Call, folder: Folder, feed: Literal["view", "events"]) -> Answer:
    needs = feed == "view"
    has_start = any(name.casefold() == "startdatetime" for name in call.query())
    start_at, end_at = window_of(call, needs_end=needs) if needs or has_start else (None, None)
    state = DeltaState(
        chain=call.world.mailboxes.new_id(),
        mailbox_oid=call.mailbox.oid,
        folder_id=folder.folder_id,
        feed=feed,
        start_at=start_at.isoformat() if start_at else None,
        end_at=end_at.isoformat() if end_at else None,
        generation=0,
        position=0,
        until=folder.calendar.head(call.world.clock.now() - call.world.settings.delta_lag),
    )
    call.world.delta_chains[state.chain] = 0
    if call.world.settings.delta_starts_empty:
        return _answer(call, [], state)
    return _page(call, folder, state)


def _continued(call: Call, folder: Folder, feed: Literal["view", "events"], token: str, *, is_skip: bool) -> DeltaState:
    """Read a token and open a round if it is that of a delta link. Raises GraphError 400 or 410."""
    try:
        state = unpack(token)
    except InvalidTokenError as error:
        raise errors.sync_state_invalid() from error
    mine = (call.mailbox.oid, folder.folder_id, feed)
    if (state.mailbox_oid, state.folder_id, state.feed) != mine or state.is_round_open != is_skip:
        raise errors.sync_state_invalid()
    settings = call.world.settings
    highest = call.world.delta_chains.get(state.chain)
    if highest is None or state.generation <= highest - settings.delta_generations_kept:
        raise errors.sync_state_gone(state.generation, highest or state.generation)
    if state.is_round_open:
        return state
    until = folder.calendar.head(call.world.clock.now() - settings.delta_lag)
    return replace(state, is_first=False, is_round_open=True, until=max(until, state.position), after=-1)


def _page(call: Call, folder: Folder, state: DeltaState) -> Answer:
    settings = call.world.settings
    size = min(call.prefer.page_size or settings.delta_page_size, MAX_PAGE)
    feed = Feed(viewer(call, folder), state, settings.delta_deleted_occurrence)
    rows, after, is_last = _fill(feed.first_round() if state.is_first else feed.later_round(), size, state)
    if settings.delta_repeats_entries and rows:
        rows = [*rows, rows[0]]
    if not is_last:
        return _answer(call, rows, replace(state, after=after))
    generation = call.world.delta_chains[state.chain] + 1
    call.world.delta_chains[state.chain] = generation
    done = replace(
        state, generation=generation, position=state.until, until=0, after=-1, is_first=False, is_round_open=False
    )
    return _answer(call, rows, done)


def _fill(groups: Iterable[Group], size: int, state: DeltaState) -> tuple[list[dict[str, Any]], int, bool]:
    """Take whole groups until the page is full; tell where it ended and whether that was the end."""
    rows: list[dict[str, Any]] = []
    after = state.after
    for group in groups:
        if len(rows) >= size:
            return rows, after, False
        rows += group.rows
        after = group.mark
    return rows, after, True


def _answer(call: Call, rows: list[dict[str, Any]], state: DeltaState) -> Answer:
    token = "$skiptoken" if state.is_round_open else "$deltatoken"
    link = f"{call.address}?{token}={pack(state)}"
    body = {
        "@odata.context": f"{call.base}/v1.0/$metadata#Collection(event)",
        "@odata.nextLink" if state.is_round_open else "@odata.deltaLink": link,
        "value": rows,
    }
    return Answer(200, body, {"Preference-Applied": "odata.track-changes"})
