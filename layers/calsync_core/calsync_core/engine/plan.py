"""The decision tables of design.md section 5: observations in, actions out. Pure.

One branch per rule id; the ids stand in docs/sync-rules.md and on the tests that prove them. `is_final` says that the
round of a tombstone is complete and the stop-line was passed: only then does a tombstone delete.
"""

from calsync_core.domain.appointments import Booking, Entry
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.links import Origin
from calsync_core.domain.values import replace
from calsync_core.engine.actions import (
    Action,
    DeleteCopy,
    OpenConflict,
    Quiet,
    UpdateCopy,
)
from calsync_core.engine.observe import Observation, Scope
from calsync_core.engine.plan_block import plan_block
from calsync_core.engine.plan_booking import plan_booking
from calsync_core.engine.plan_changes import asked_for
from calsync_core.engine.plan_quiet import OUTDATED


def plan(observations: list[Observation], scope: Scope, *, is_final: bool = False) -> list[Action]:
    """One action or none per observation, in order."""
    actions: list[Action] = []
    for seen in observations:
        action = decide(seen, scope, is_final=is_final)
        if action is not None and action.__class__ is not Quiet:
            actions.append(action)
    return actions


def decide(seen: Observation, scope: Scope, *, is_final: bool = False) -> Action | None:
    """What `plan` decides about one observation, with the rule that asks for nothing (`Quiet`) where one has a name."""
    is_host = seen.origin is Origin.HOST
    action = plan_booking(seen, scope, is_final) if is_host else plan_block(seen, scope, is_final)
    return action if action is None else _without_mail(_keeping_times(action, seen), seen, scope)


def _keeping_times(action: Action, seen: Observation) -> Action:
    """R84: a series whose times are written loses its exceptions; where only the text differs they are left alone."""
    if not isinstance(action, UpdateCopy) or action.copy.recurrence is None:
        return action
    is_changed = seen.host_time_changed or seen.calendar_time_changed or seen.calendar_pattern_changed
    if action.is_text_only or not is_changed:
        return replace(action, copy=replace(action.copy, keeps_times=True))
    return action


def _without_mail(action: Action, seen: Observation, scope: Scope) -> Action:
    """R53: a person invited others to our copy; Microsoft would mail them about every write of ours (graph.md 3.3)."""
    if not isinstance(action, UpdateCopy | DeleteCopy):
        return action
    entry, booking = seen.read.calendar, seen.read.host
    if not (entry.has_attendees if isinstance(entry, Entry) else action.link.has_attendees):
        return action
    link = seen.read.link or action.link
    if isinstance(action, UpdateCopy) and link.settings_version < scope.reproject_below:
        link = replace(link, settings_version=OUTDATED)  # what could not be written is compared whenever it is seen
    was = booking.when if isinstance(booking, Booking) else link.when
    is_at = asked_for(entry, link, booking, scope) if isinstance(entry, Entry) else None
    return OpenConflict("R53", link, ConflictKind.NOT_WRITABLE, was, is_at, "has_attendees")
