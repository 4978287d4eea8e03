"""All operations of /v1 in one table: the router and the OpenAPI document are both made from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from calsync_core.web.answers import Answer
from calsync_core.web.api import connection_schemas, free_busy_schemas, history_schemas, schemas
from calsync_core.web.api.conflicts import ConflictRoutes
from calsync_core.web.api.connections import ConnectionRoutes
from calsync_core.web.api.frame import ApiFrame
from calsync_core.web.api.free_busy import FreeBusyRoutes
from calsync_core.web.api.history import HistoryRoutes
from calsync_core.web.api.resources import ResourceRoutes
from calsync_core.web.api.settings import SettingsRoutes

PAGING = ("cursor", "limit")


@dataclass(frozen=True, slots=True)
class Operation:
    """`view` names the method of the routes object; `asks` and `gives` are the models of the bodies."""

    id: str
    method: str
    path: str
    scope: str
    summary: str
    gives: type[BaseModel]
    asks: type[BaseModel] | None = None
    status: int = 200
    query: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


_ONE = "/v1/resources/{resource_id}"
_SETTING_FAULTS = ("setting_title_field_unknown", "setting_zone_unknown")
OPERATIONS: tuple[Operation, ...] = (
    Operation("resources.list", "GET", "/v1/resources", "read", "All people, rooms and equipment with their status",
              schemas.Page[schemas.ResourceOut], query=PAGING),
    Operation("resources.one", "GET", _ONE, "read", "One of them", schemas.ResourceOut),
    Operation("resources.availability", "GET", f"{_ONE}/availability", "read",
              "When it is busy, as far as is known without asking anybody; what is not known is `unknown`, never free",
              schemas.AvailabilityOut, query=("from", "to"),
              errors=("instant_unreadable", "span_inverted", "span_too_long")),
    Operation("resources.log", "GET", f"{_ONE}/log", "read", "What was done, newest first",
              schemas.Page[schemas.LogOut], query=PAGING),
    Operation("resources.invite", "POST", f"{_ONE}/invitation", "write", "Invite the person to connect a calendar",
              schemas.InvitationOut, schemas.InvitationIn, 201,
              errors=("agreement_missing", "already_connected", "address_invalid", "address_suppressed",
                      "invited_recently", "invited_too_often", "app_off", "app_needs_code")),
    Operation("resources.sync", "POST", f"{_ONE}/sync", "write", "Look at both sides now, at most once a minute",
              schemas.AcceptedOut, status=202, errors=("not_connected", "too_soon")),
    Operation("resources.pause", "POST", f"{_ONE}/pause", "write", "Copy nothing, for a time or until it is resumed",
              schemas.ResourceOut, schemas.PauseIn, errors=("not_connected", "pause_in_the_past")),
    Operation("resources.resume", "POST", f"{_ONE}/resume", "write", "Go on and catch up", schemas.ResourceOut,
              errors=("not_paused",)),
    Operation("resources.disconnect", "POST", f"{_ONE}/disconnect", "write",
              "End the connection; what calsync wrote is removed or kept", schemas.ResourceOut, schemas.DisconnectIn,
              errors=("not_connected",)),
    Operation("resources.check", "POST", f"{_ONE}/check", "read",
              "Ask every calendar live, within two seconds, before a booking is confirmed",
              schemas.CheckOut, schemas.CheckIn, errors=("span_inverted", "span_too_long")),
    Operation("settings.of_resource", "GET", f"{_ONE}/settings", "read", "Its effective settings and their source",
              schemas.SettingsOut),
    Operation("settings.change_resource", "PUT", f"{_ONE}/settings", "write", "Change its own values",
              schemas.SettingsChangedOut, schemas.SettingsIn,
              errors=("setting_unknown", "setting_out_of_range", *_SETTING_FAULTS, "changed_meanwhile")),
    Operation("settings.dry_run_resource", "POST", f"{_ONE}/settings/dry-run", "write",
              "What a change of its own values would do to both sides; nothing is written", schemas.DryRunOut,
              schemas.SettingsIn, errors=("setting_unknown", "setting_out_of_range", *_SETTING_FAULTS)),
    Operation("settings.of_account", "GET", "/v1/settings", "read", "The settings for everyone", schemas.SettingsOut),
    Operation("settings.change_account", "PUT", "/v1/settings", "write", "Change the settings for everyone",
              schemas.SettingsChangedOut, schemas.SettingsIn,
              errors=("setting_unknown", "setting_out_of_range", *_SETTING_FAULTS, "changed_meanwhile")),
    Operation("settings.dry_run_account", "POST", "/v1/settings/dry-run", "write",
              "What a change for everyone would do to both sides; nothing is written", schemas.DryRunOut,
              schemas.SettingsIn, errors=("setting_unknown", "setting_out_of_range", *_SETTING_FAULTS)),
    Operation("history.runs", "GET", f"{_ONE}/runs", "read",
              "Checks of the last 30 days that deleted or moved something, newest first",
              schemas.Page[history_schemas.RunOut], query=PAGING),
    Operation("history.run", "GET", f"{_ONE}/runs/{{run}}", "read",
              "What one of them did, and what an undo would do now; both sides are read, nothing is written",
              history_schemas.UndoPreviewOut, errors=("run_unknown", "not_connected")),
    Operation("history.undo", "POST", f"{_ONE}/runs/{{run}}/undo", "write",
              "Undo it with the next check; what has changed since is left alone", schemas.AcceptedOut, status=202,
              errors=("run_unknown", "not_connected")),
    Operation("history.why", "GET", f"{_ONE}/why", "read",
              "Why an appointment is here or is not: both sides are read live, and the rule that decides is named",
              history_schemas.WhyOut, query=("title", "at", "from?", "to?", "booking_id", "entry_id"),
              errors=("question_missing", "not_connected", "instant_unreadable", "span_inverted", "span_too_long")),
    Operation("history.set_aside", "GET", f"{_ONE}/set-aside", "read", "What is not tried any more, soonest first",
              schemas.Page[history_schemas.SetAsideOut], query=PAGING),
    Operation("history.try_again", "POST", f"{_ONE}/set-aside/try-again", "write", "Try one of them again, or all",
              history_schemas.TriedOut, history_schemas.TryAgainIn, errors=("not_quarantined",)),
    Operation("history.stop_line", "POST", f"{_ONE}/stop-line", "write",
              "Many entries disappeared at once and nothing was deleted: confirm it, or have the copies written again",
              schemas.AcceptedOut, history_schemas.StopLineIn, 202, errors=("changed_meanwhile",)),
    Operation("connections.list", "GET", "/v1/connections", "read", "Connected mailboxes",
              schemas.Page[connection_schemas.ConnectionOut], query=PAGING),
    Operation("connections.test", "POST", "/v1/connections/{connection_id}/test", "write",
              "Test a connection step by step; a private entry of the year 2000 is written and deleted at once",
              connection_schemas.ConnectionTestOut),
    Operation("free_busy.ask", "POST", "/v1/free-busy", "read",
              "When anybody of the organisation is free, connected or not; what is not known is `unknown`, never free",
              free_busy_schemas.FreeBusyOut, free_busy_schemas.FreeBusyIn,
              errors=("nobody_asked", "too_many_addresses", "input_invalid", "span_inverted", "span_too_long")),
    Operation("conflicts.list", "GET", "/v1/conflicts", "read", "Conflicts, newest first",
              schemas.Page[schemas.ConflictOut], query=("status", "resource_id", *PAGING)),
    Operation("conflicts.one", "GET", "/v1/conflicts/{conflict_id}", "read", "One of them, open or ended",
              schemas.ConflictOut),
    Operation("conflicts.resolve", "POST", "/v1/conflicts/{conflict_id}/resolution", "write", "End a conflict",
              schemas.ConflictOut, schemas.ResolutionIn,
              errors=("resolution_not_offered", "conflict_changed", "conflict_ended", "until_out_of_range",
                      "no_free_slot", "slot_taken", "outside_hours", "locked")),
)  # fmt: skip


def views(frame: ApiFrame, public_url: str) -> dict[str, Callable[..., Answer]]:
    """The view of each operation by its id."""
    parts: dict[str, Any] = {
        "resources": ResourceRoutes(frame, public_url),
        "settings": SettingsRoutes(frame),
        "conflicts": ConflictRoutes(frame),
        "connections": ConnectionRoutes(frame, public_url),
        "history": HistoryRoutes(frame),
        "free_busy": FreeBusyRoutes(frame),
    }
    found: dict[str, Callable[..., Answer]] = {}
    for operation in OPERATIONS:
        group, _, name = operation.id.partition(".")
        found[operation.id] = getattr(parts[group], name)
    return found
