"""Blocks: busy times that calsync writes. They are facts, so they are never refused for what else is there."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime

from calsync_core.hosts.reference.calendars import span_key
from calsync_core.hosts.reference.documents import Block
from calsync_core.hosts.reference.errors import HostError, InvalidInputError, NotFoundError
from calsync_core.hosts.reference.instants import resolve
from calsync_core.hosts.reference.messages import BlockContent, NamedBlock, checked_span
from calsync_core.hosts.reference.register import Register
from calsync_core.hosts.reference.retry import retried
from calsync_core.hosts.reference.table import ConditionFailedError, Operation, Table, Value

_FIRST_VERSION = 1
_MOST_OPERATIONS = 100  # of one transaction


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
        span = _span(content, self._register.get(content.resource_id).time_zone)

        def write() -> tuple[Block, bool]:
            before = self._stored(ref)
            after = self._decided(ref, content, span, before)
            if after != before:
                self._table.commit(self._replace(before, after))
            return after, before is None

        return retried(write)

    def put_many(self, named: Sequence[NamedBlock]) -> list[tuple[Block, bool] | HostError]:
        """Each as by `put`, in their order, its error in its place; no ref twice. Written together where they can."""
        found = self._table.get_many([(f"BLOCK#{one.ref}", "DOC") for one in named])
        stored = {block.id: block for block in (Block.model_validate_json(str(item["doc"])) for item in found)}
        zones = self._zones({one.resource_id for one in named})
        outcomes: dict[str, tuple[Block, bool] | HostError] = {}
        writes: dict[str, list[Operation]] = {}
        for one in named:
            before = stored.get(one.ref)
            try:
                if one.resource_id not in zones:
                    raise NotFoundError("resource")
                after = self._decided(one.ref, one.content, _span(one, zones[one.resource_id]), before)
            except HostError as error:
                outcomes[one.ref] = error
                continue
            outcomes[one.ref] = after, before is None
            if after != before:
                writes[one.ref] = self._replace(before, after)
        contents = {one.ref: one.content for one in named}
        for part in _transactions(writes):
            try:
                self._table.commit([operation for ref in part for operation in writes[ref]])
            except ConditionFailedError:  # somebody was at one of them: each by itself, decided anew
                outcomes |= {ref: self._tried(ref, contents[ref]) for ref in part}
        return [outcomes[one.ref] for one in named]

    def _zones(self, resource_ids: Iterable[str]) -> dict[str, str]:
        zones: dict[str, str] = {}
        for resource_id in resource_ids:
            with suppress(NotFoundError):
                zones[resource_id] = self._register.get(resource_id).time_zone
        return zones

    def _tried(self, ref: str, content: BlockContent) -> tuple[Block, bool] | HostError:
        try:
            return self.put(ref, content)
        except HostError as error:
            return error

    def _decided(
        self, ref: str, content: BlockContent, span: tuple[datetime, datetime], before: Block | None
    ) -> Block:  # fmt: skip
        """How the block stands then; equal to `before` where nothing changes."""
        version = before.version if before else str(_FIRST_VERSION)
        fields = {**dict(content), "id": ref, "start": span[0], "end": span[1], "version": version}
        updated_at = before.updated_at if before else self._clock()
        after = Block.model_construct(**fields, updated_at=updated_at)
        if before is None or after == before:
            return after
        return after.model_copy(update={"version": str(int(version) + 1), "updated_at": self._clock()})

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


def _transactions(writes: dict[str, list[Operation]]) -> Iterator[list[str]]:
    """Refs whose writes fit into one transaction."""
    part: list[str] = []
    size = 0
    for ref, operations in writes.items():
        if part and size + len(operations) > _MOST_OPERATIONS:
            yield part
            part, size = [], 0
        part.append(ref)
        size += len(operations)
    if part:
        yield part


def _span(content: BlockContent, zone: str) -> tuple[datetime, datetime]:
    start, end = _instant("start", content.start, content, zone), _instant("end", content.end, content, zone)
    checked_span(start, end, longest_days=None)
    return start, end


def _place(block: Block) -> tuple[str, str]:
    return f"CAL#{block.resource_id}", span_key("B", block)


def _instant(field: str, moment: datetime | date, content: BlockContent, zone: str) -> datetime:
    if not isinstance(moment, datetime) and not content.all_day:
        raise InvalidInputError((field, "a plain date needs all_day"))
    return resolve(moment, zone)
