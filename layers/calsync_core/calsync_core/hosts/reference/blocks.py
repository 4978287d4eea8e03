"""Blocks: busy times that calsync writes. They are facts, so they are never refused for what else is there."""

from collections.abc import Callable
from datetime import date, datetime

from calsync_core.hosts.reference.calendars import span_key
from calsync_core.hosts.reference.documents import Block
from calsync_core.hosts.reference.errors import InvalidInputError, NotFoundError
from calsync_core.hosts.reference.instants import resolve
from calsync_core.hosts.reference.messages import BlockContent, checked_span
from calsync_core.hosts.reference.register import Register
from calsync_core.hosts.reference.retry import retried
from calsync_core.hosts.reference.table import Operation, Table, Value

_FIRST_VERSION = 1


class Blocks:
    """The blocks of one account."""

    def __init__(self, table: Table, register: Register, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._register = register
        self._clock = clock

    def get(self, ref: str) -> Block:
        """The block.

        Raises:
            NotFoundError: there is none.
        """
        found = self._stored(ref)
        if found is None:
            raise NotFoundError("block")
        return found

    def put(self, ref: str, content: BlockContent) -> tuple[Block, bool]:
        """The block as it stands now, and whether it is new. The same content again writes nothing.

        Raises:
            NotFoundError: there is no such resource.
            InvalidInputError: the span does not run forward.
        """
        zone = self._register.get(content.resource_id).time_zone
        start, end = _instant("start", content.start, content, zone), _instant("end", content.end, content, zone)
        checked_span(start, end, longest_days=None)

        def write() -> tuple[Block, bool]:
            before = self._stored(ref)
            version = before.version if before else str(_FIRST_VERSION)
            fields = {**dict(content), "id": ref, "start": start, "end": end, "version": version}
            updated_at = before.updated_at if before else self._clock()
            after = Block.model_construct(**fields, updated_at=updated_at)
            if after == before:
                return before, False
            if before:
                after = after.model_copy(update={"version": str(int(version) + 1), "updated_at": self._clock()})
            self._table.commit(self._replace(before, after))
            return after, before is None

        return retried(write)

    def delete(self, ref: str) -> None:
        """Remove the block.

        Raises:
            NotFoundError: there is none (any more).
        """

        def write() -> None:
            before = self.get(ref)
            was = {":was": int(before.version)}
            self._table.commit(
                [
                    self._table.delete(f"BLOCK#{ref}", condition="revision = :was", values=was),
                    self._table.delete(*_place(before)),
                ]
            )

        retried(write)

    def _stored(self, ref: str) -> Block | None:
        item = self._table.get(f"BLOCK#{ref}")
        return Block.model_validate_json(str(item["doc"])) if item else None

    def _replace(self, before: Block | None, after: Block) -> list[Operation]:
        doc = after.model_dump_json()
        item: dict[str, Value] = {"entity": "host_block", "doc": doc, "revision": int(after.version)}
        if before:
            values = {":was": int(before.version)}
            write = self._table.put(f"BLOCK#{after.id}", "DOC", item, condition="revision = :was", values=values)
        else:
            write = self._table.put(f"BLOCK#{after.id}", "DOC", item, condition="attribute_not_exists(PK)")
        operations = [write, self._table.put(*_place(after), {"entity": "host_span", "doc": doc})]
        if before and _place(before) != _place(after):
            operations.append(self._table.delete(*_place(before)))
        return operations


def _place(block: Block) -> tuple[str, str]:
    return f"CAL#{block.resource_id}", span_key("B", block)


def _instant(field: str, moment: datetime | date, content: BlockContent, zone: str) -> datetime:
    if not isinstance(moment, datetime) and not content.all_day:
        raise InvalidInputError((field, "a plain date needs all_day"))
    return resolve(moment, zone)
