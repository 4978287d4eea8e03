"""The register of resources: who and what can be booked, and when they work."""

import secrets
from collections.abc import Callable, Iterable
from datetime import datetime

from calsync_core.hosts.reference.answers import Answer, Answers, Once
from calsync_core.hosts.reference.documents import Resource
from calsync_core.hosts.reference.errors import NotFoundError, RefusalError
from calsync_core.hosts.reference.instants import write_instant
from calsync_core.hosts.reference.messages import NewResource, ResourceChange
from calsync_core.hosts.reference.outbox import EventType, Outbox
from calsync_core.hosts.reference.retry import retried
from calsync_core.hosts.reference.table import Operation, Table, Value

_HOURS = {"working_hours", "time_zone"}


class Register:
    """The resources of one account."""

    def __init__(self, table: Table, outbox: Outbox, answers: Answers, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._outbox = outbox
        self._answers = answers
        self._clock = clock

    def get(self, resource_id: str) -> Resource:
        """The resource.

        Raises:
            NotFoundError: there is none.
        """
        item = self._table.get("RESOURCES", resource_id)
        if item is None:
            raise NotFoundError("resource")
        return Resource.model_validate_json(str(item["doc"]))

    def get_many(self, resource_ids: Iterable[str]) -> dict[str, Resource]:
        """The resources by id.

        Raises:
            NotFoundError: one of them does not exist.
        """
        wanted = list(dict.fromkeys(resource_ids))
        items = self._table.get_many([("RESOURCES", resource_id) for resource_id in wanted])
        found = {str(item["SK"]): Resource.model_validate_json(str(item["doc"])) for item in items}
        if len(found) < len(wanted):
            raise NotFoundError("resource")
        return found

    def list_after(self, resource_id: str, limit: int) -> list[Resource]:
        """Up to `limit` resources behind an id, by id; "" starts."""
        items = self._table.query("RESOURCES", resource_id or "0", "~~", limit=limit + 1)
        found = [Resource.model_validate_json(str(item["doc"])) for item in items if item["SK"] != resource_id]
        return found[:limit]

    def add(self, new: NewResource, once: Once | None = None) -> Answer:
        """Add a resource, with its empty calendar.

        Raises:
            RefusalError: `already_exists`.
        """
        resource_id = new.id or f"res_{secrets.token_urlsafe(9)}"

        def write() -> Answer:
            if found := self._answers.find(once, self._clock()):
                return found
            if self._table.get("RESOURCES", resource_id):
                raise RefusalError("already_exists", [resource_id])
            now = self._clock()
            resource = Resource.model_validate(
                {**dict(new), "id": resource_id, "version": "1", "updated_at": write_instant(now)}
            )
            answer = Answer(201, resource.model_dump(mode="json"))
            calendar: dict[str, Value] = {"entity": "host_calendar", "feed": secrets.token_urlsafe(6), "seq": 0}
            unused = "attribute_not_exists(PK)"
            self._table.commit(
                [
                    self._table.put("RESOURCES", resource_id, _item(resource), condition=unused),
                    self._table.put(f"CAL#{resource_id}", "STATE", calendar, condition=unused),
                    self._event("resource.upserted", resource),
                    *self._answers.operations(once, answer, now),
                ]
            )
            return answer

        answer = retried(write)
        self._outbox.deliver_after_change()
        return answer

    def change(
        self, resource_id: str, change: ResourceChange, expected: str | None = None, once: Once | None = None
    ) -> Answer:
        """Change what was sent.

        Raises:
            NotFoundError: there is no such resource.
            RefusalError: `version_mismatch`.
        """

        def write() -> Answer:
            if found := self._answers.find(once, self._clock()):
                return found
            before = self.get(resource_id)
            if expected is not None and expected != before.version:
                raise RefusalError("version_mismatch")
            changed = {name for name, value in change.sent().items() if getattr(before, name) != value}
            if not changed:
                return Answer(200, before.model_dump(mode="json"))
            now = self._clock()
            news = {"version": str(int(before.version) + 1), "updated_at": now}
            after = before.model_copy(update={**change.sent(), **news})
            answer = Answer(200, after.model_dump(mode="json"))
            was = {":was": int(before.version)}
            self._table.commit(
                [
                    self._table.put("RESOURCES", resource_id, _item(after), condition="revision = :was", values=was),
                    *(self._event(kind, after) for kind in _events(changed)),
                    *self._answers.operations(once, answer, now),
                ]
            )
            return answer

        answer = retried(write)
        self._outbox.deliver_after_change()
        return answer

    def _event(self, kind: EventType, resource: Resource) -> Operation:
        return self._outbox.operation(kind, resource.id, [resource.id], resource.version)


def _item(resource: Resource) -> dict[str, str | int]:
    return {"entity": "host_resource", "doc": resource.model_dump_json(), "revision": int(resource.version)}


def _events(changed: set[str]) -> list[EventType]:
    events: list[EventType] = ["hours.changed"] if changed & _HOURS else []
    return [*events, "resource.upserted"] if changed - {"working_hours"} else events
