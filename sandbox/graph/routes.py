"""All paths of Graph v1.0 that the calendar half serves, for /me and /users/{id or name}.

/me and /users/{id} themselves, /subscriptions and /organization belong to the other half.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from sandbox.graph import calendar_calls as calendars
from sandbox.graph import event_actions as actions
from sandbox.graph import extensions
from sandbox.graph.batch import run_batch
from sandbox.graph.calls import Action, Answer, answer_call, finish
from sandbox.graph.delta import delta_of_events, delta_of_view
from sandbox.graph.errors import GraphError, error_body
from sandbox.graph.event_calls import change_event, create_event, delete_event, get_event
from sandbox.graph.event_lists import list_events, list_instances, list_view
from sandbox.graph.mailbox_settings import change_settings, get_settings, list_zones, translate_ids
from sandbox.graph.paths import CanonicalPaths
from sandbox.graph.schedule import get_schedule
from sandbox.graph.throttling import MailboxLimits
from sandbox.world import World

VERSION = "/v1.0"
_ALL = ["GET", "POST", "PATCH", "PUT", "DELETE"]
Endpoint = Callable[[Request], Awaitable[Response]]

_IN_CALENDAR: dict[str, dict[str, Action]] = {
    "": {
        "GET": Action(calendars.get_calendar, "read"),
        "PATCH": Action(calendars.change_calendar, "write"),
    },
    "/events": {"GET": Action(list_events, "read"), "POST": Action(create_event, "write")},
    "/events/delta": {"GET": Action(delta_of_events, "read")},
    "/calendarView": {"GET": Action(list_view, "read")},
    "/calendarView/delta": {"GET": Action(delta_of_view, "read")},
    "/calendarPermissions": {
        "GET": Action(calendars.list_permissions, "read"),
        "POST": Action(calendars.create_permission, "write"),
    },
    "/calendarPermissions/{permission}": {"DELETE": Action(calendars.delete_permission, "write")},
    "/getSchedule": {"POST": Action(get_schedule, "read")},
}
_OF_EVENT: dict[str, dict[str, Action]] = {
    "": {
        "GET": Action(get_event, "read"),
        "PATCH": Action(change_event, "write"),
        "DELETE": Action(delete_event, "write"),
    },
    "/instances": {"GET": Action(list_instances, "read")},
    "/attachments": {"GET": Action(actions.list_attachments, "read")},
    "/cancel": {"POST": Action(actions.cancel_event, "write")},
    "/accept": {"POST": Action(actions.accept_event, "write")},
    "/tentativelyAccept": {"POST": Action(actions.tentatively_accept_event, "write")},
    "/decline": {"POST": Action(actions.decline_event, "write")},
    "/forward": {"POST": Action(actions.forward_event, "read")},
    "/dismissReminder": {"POST": Action(actions.dismiss_reminder, "write")},
    "/snoozeReminder": {"POST": Action(actions.snooze_reminder, "write")},
    "/permanentDelete": {"POST": Action(actions.permanently_delete_event, "write")},
    "/extensions": {
        "GET": Action(extensions.list_extensions, "read"),
        "POST": Action(extensions.create_extension, "write"),
    },
    "/extensions/{extension}": {
        "GET": Action(extensions.get_extension, "read"),
        "PATCH": Action(extensions.change_extension, "write"),
        "DELETE": Action(extensions.delete_extension, "write"),
    },
}
_OF_MAILBOX: dict[str, dict[str, Action]] = {
    "/calendars": {
        "GET": Action(calendars.list_calendars, "read"),
        "POST": Action(calendars.create_calendar, "write"),
    },
    "/calendarGroups": {"GET": Action(calendars.list_groups, "read")},
    "/calendarGroups/{group}/calendars": {
        "GET": Action(calendars.list_calendars, "read"),
        "POST": Action(calendars.create_calendar, "write"),
    },
    "/mailboxSettings": {
        "GET": Action(get_settings, "settings_read"),
        "PATCH": Action(change_settings, "settings_write"),
    },
    "/outlook/supportedTimeZones": {"GET": Action(list_zones, "user")},
    "/outlook/supportedTimeZones(TimeZoneStandard='{standard}')": {"GET": Action(list_zones, "user")},
    "/outlook/supportedTimeZones(TimeZoneStandard=microsoft.graph.timeZoneStandard'{standard}')": {
        "GET": Action(list_zones, "user")
    },
    "/translateExchangeIds": {"POST": Action(translate_ids, "user")},
}
_OWN_CALENDAR: dict[str, dict[str, Action]] = {
    "/calendars/{calendar}": {"DELETE": Action(calendars.delete_calendar, "write")},
    "/calendars/{calendar}/permanentDelete": {"POST": Action(calendars.delete_calendar, "write")},
}
_NEEDS_CALENDAR = ("", "/calendarPermissions", "/calendarPermissions/{permission}", "/getSchedule")
_FUNCTIONS = ("/delta", "/supportedTimeZones")


def _of_mailbox() -> dict[str, dict[str, Action]]:
    """Every path below a mailbox with its methods."""
    table: dict[str, dict[str, Action]] = {}

    def put(path: str, methods: Mapping[str, Action]) -> None:
        table.setdefault(path, {}).update(methods)
        if path.endswith(_FUNCTIONS):  # functions are written with and without parentheses
            table.setdefault(f"{path}()", {}).update(methods)

    in_group = "/calendarGroups/{group}/calendars/{calendar}"
    for place in ("/calendar", "/calendars/{calendar}", in_group, ""):
        for suffix, methods in _IN_CALENDAR.items():
            if place or suffix not in _NEEDS_CALENDAR:
                put(place + suffix, methods)
        for suffix, methods in _OF_EVENT.items():
            put(f"{place}/events/{{event}}{suffix}", methods)
    for path, methods in (*_OF_MAILBOX.items(), *_OWN_CALENDAR.items()):
        put(path, methods)
    return table


def graph_routes(world: World) -> list[Route]:
    """Routes of the calendar half below /v1.0. Put the catch-all (unknown_path) behind both halves."""
    limits = MailboxLimits()
    routes = [Route("/$batch", _batch(world), methods=_ALL)]
    for path, methods in sorted(_of_mailbox().items(), key=_specific_first):
        endpoint = _endpoint(world, limits, methods)
        routes += [Route(f"{prefix}{path}", endpoint, methods=_ALL) for prefix in ("/me", "/users/{user}")]
    return routes


def _specific_first(item: tuple[str, object]) -> tuple[int, str]:
    return item[0].count("{"), item[0]


def _endpoint(world: World, limits: MailboxLimits, methods: Mapping[str, Action]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        action = methods.get(request.method)
        if action is None:
            return refuse(world, request, _no_method())
        return await answer_call(world, limits, request, action)

    return endpoint


def _no_method() -> GraphError:
    return GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")


def _batch(world: World) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        request_id = str(uuid.UUID(int=world.random.getrandbits(128), version=4))
        if request.method != "POST":
            return refuse(world, request, _no_method())
        app = world.graph_app or request.app
        try:
            answer = await run_batch(world, app, request, request_id)
        except GraphError as error:
            return refuse(world, request, error)
        return finish(world, answer, request_id, request.headers.get("client-request-id") or request_id)

    return endpoint


def refuse(world: World, request: Request, error: GraphError) -> Response:
    """Answer a refusal in Graph's shape; also for routes of the other half."""
    request_id = str(uuid.UUID(int=world.random.getrandbits(128), version=4))
    client_request_id = request.headers.get("client-request-id") or request_id
    body = error_body(error, request_id, client_request_id, world.clock.now())
    return finish(world, Answer(error.status, body, dict(error.headers)), request_id, client_request_id)


def unknown_path(world: World) -> Route:
    """The catch-all below /v1.0: an unknown segment is a 400 of Graph, not a 404 of a web server."""

    async def endpoint(request: Request) -> Response:
        segment = request.url.path.rstrip("/").rsplit("/", 1)[-1]
        return refuse(world, request, GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'."))

    return Route("/{rest:path}", endpoint, methods=_ALL)


def graph_app(world: World) -> ASGIApp:
    """The calendar half alone as an application; tests use it, the server has app.py."""
    return CanonicalPaths(Starlette(routes=[Mount(VERSION, routes=[*graph_routes(world), unknown_path(world)])]))
