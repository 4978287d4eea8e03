"""Links of a resource and the pointers from calendar entries to them.

A link that keeps its calendar entry is one conditional put. Only when the entry changes (created, made anew) is it a
transaction of link, new pointer and old pointer. Which pointer the stored link has is guessed, from what this store
read before or else as unchanged; the guess is part of the condition, so a wrong one costs a second try and no more.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, row
from calsync_core.adapters.dynamodb.link_documents import link_of, link_pointer, link_row, pack, unpack
from calsync_core.adapters.dynamodb.operations import MISSING, Condition, ConditionFailedError, Delete, Put, Row, Value
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.appointments import overlap
from calsync_core.domain.errors import AppointmentRejectedError, InputError, LinkChangedError
from calsync_core.domain.ids import AccountId, CalendarId, EntryId, LinkRef, ResourceId
from calsync_core.domain.links import Link, Origin

_Write = Callable[[str | None], None]
_REMEMBERED = 5000
_REFS_PER_ITEM = 5000


class DynamoLinkStore:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._pointers: dict[keys.Key, tuple[int, str | None]] = {}

    def get(self, account: AccountId, resource: ResourceId, refs: Sequence[LinkRef]) -> dict[LinkRef, Link]:
        pk = keys.resource_key(account, resource)
        rows = self._table.get_many((pk, f"LINK#{ref}") for ref in refs)
        links = self._links(resource, rows.values())
        return {link.ref: link for link in links}

    def by_entries(
        self, account: AccountId, resource: ResourceId, calendar: CalendarId, ids: Sequence[EntryId]
    ) -> dict[EntryId, Link]:
        pk = keys.resource_key(account, resource)
        places = {(pk, _entry_sk(keys.pointer(calendar, entry))): entry for entry in ids}
        pointers = self._table.get_many(places)
        refs = {places[key]: LinkRef(str(checked("entry", one)["ref"])) for key, one in pointers.items()}
        links = self.get(account, resource, list(refs.values()))
        found = {entry: links[ref] for entry, ref in refs.items() if ref in links}
        # A pointer that a batch left behind says nothing: the link itself must name the entry.
        return {entry: link for entry, link in found.items() if (link.calendar_id, link.entry_id) == (calendar, entry)}

    def series(self, account: AccountId, resource: ResourceId, prefix: str) -> list[Link]:
        pk = keys.resource_key(account, resource)
        return list(self._links(resource, self._table.under(pk, f"LINK#{prefix}")))

    def parts(self, account: AccountId, resource: ResourceId, series_id: str) -> list[Link]:
        pk, prefix = keys.resource_key(account, resource), keys.part_prefix(series_id)
        refs = [LinkRef(str(checked("part", one)["SK"]).removeprefix(prefix)) for one in self._table.under(pk, prefix)]
        links = self.get(account, resource, refs)
        return [link for link in links.values() if link.series_id == series_id]  # a crash may leave a ref behind

    def overlapping(self, account: AccountId, resource: ResourceId, start_at: datetime, end_at: datetime) -> list[Link]:
        pk = keys.resource_key(account, resource)
        short = keys.instant(keys.day_before(start_at)), keys.instant(end_at)
        long = "L#", "L#" + keys.instant(end_at)
        links = [*self._started(pk, resource, *short), *self._started(pk, resource, *long)]
        return [link for link in links if overlap((link.start_at, link.end_at), (start_at, end_at))]

    def all(self, account: AccountId, resource: ResourceId) -> Iterable[Link]:
        return self._links(resource, self._table.under(keys.resource_key(account, resource), "LINK#"))

    def put(self, account: AccountId, link: Link) -> Link:
        saved = link.with_row(link.row + 1)
        item, pointer = link_row(account, saved), link_pointer(saved)
        if not link.row:  # before the link: a ref that leads nowhere is harmless, an occurrence nobody finds is not
            self._table.write_many(_part_rows([link], account))
        key = str(item["PK"]), str(item["SK"])

        def write(old: str | None) -> None:
            put = Put(item, _stored(link.row, old))
            if old == pointer:
                self._table.put(put.row, put.condition)
                return
            new = [Put(_pointer_row(key[0], pointer, link.ref))] if pointer else []
            self._with_old_pointer([put, *new], key[0], old, link.ref)

        try:
            self._guessing(key, link, pointer, write)
        except InputError as error:
            raise AppointmentRejectedError(error.code, ref=link.ref) from None
        self._remember(key, saved.row, pointer)
        return saved

    def put_many(self, account: AccountId, links: Sequence[Link]) -> list[Link]:
        saved = [link.with_row(link.row + 1) for link in links]
        self._table.write_many(_part_rows([link for link in links if not link.row], account))
        # Links first: a pointer without its link would send the repeated page looking for a row that is not there.
        self._table.write_many([link_row(account, link) for link in saved])
        pointers = {
            (keys.resource_key(account, link.resource_id), pointer): link.ref
            for link in saved
            if (pointer := link_pointer(link))
        }
        self._table.write_many([_pointer_row(pk, pointer, ref) for (pk, pointer), ref in pointers.items()])
        return saved

    def delete(self, account: AccountId, link: Link) -> None:
        key = keys.resource_key(account, link.resource_id), f"LINK#{link.ref}"

        def remove(old: str | None) -> None:
            delete = Delete(key, _stored(link.row, old, or_gone=True))
            self._with_old_pointer([delete], key[0], old, link.ref)

        self._guessing(key, link, link_pointer(link), remove)
        self._pointers.pop(key, None)
        self._table.write_many(delete=[(str(one["PK"]), str(one["SK"])) for one in _part_rows([link], account)])

    def set_leaving(self, account: AccountId, resource: ResourceId, feed: str, refs: Sequence[LinkRef]) -> None:
        self._table.write_many([row("leaving", key) for key in _leaving(account, resource, feed, refs)])

    def leaving(self, account: AccountId, resource: ResourceId, feed: str) -> list[LinkRef]:
        prefix = keys.leaving_prefix(feed)
        rows = self._table.under(keys.resource_key(account, resource), prefix)
        return [LinkRef(str(checked("leaving", one)["SK"]).removeprefix(prefix)) for one in rows]

    def clear_leaving(self, account: AccountId, resource: ResourceId, feed: str, refs: Sequence[LinkRef]) -> None:
        self._table.write_many(delete=_leaving(account, resource, feed, refs))

    def note_seen(
        self, account: AccountId, resource: ResourceId, feed: str, round_: int, page: int, refs: Sequence[LinkRef]
    ) -> None:
        pk, prefix = keys.resource_key(account, resource), f"{keys.seen_prefix(feed, round_)}{page:08d}#"
        parts = [refs[first : first + _REFS_PER_ITEM] for first in range(0, max(len(refs), 1), _REFS_PER_ITEM)]
        self._table.write_many(
            row("seen", (pk, f"{prefix}{n:04d}"), refs=pack(part), expires_at=self._table.in_days(30))
            for n, part in enumerate(parts)
        )

    def seen(self, account: AccountId, resource: ResourceId, feed: str, round_: int) -> set[LinkRef]:
        rows = self._table.under(keys.resource_key(account, resource), keys.seen_prefix(feed, round_))
        return {ref for one in rows for ref in unpack(bytes(checked("seen", one)["refs"]))}  # type: ignore[arg-type]

    def forget_seen(self, account: AccountId, resource: ResourceId, feed: str, round_: int) -> None:
        pk = keys.resource_key(account, resource)
        rows = self._table.under(pk, keys.seen_prefix(feed, round_))
        self._table.write_many(delete=[(pk, str(one["SK"])) for one in rows])

    def _started(self, pk: str, resource: ResourceId, first: str, last: str) -> Iterator[Link]:
        text = "#PK = :pk AND #starts BETWEEN :first AND :last"
        rows = self._table.query(text, {":pk": pk, ":first": first, ":last": last}, index=keys.BY_START)
        return self._links(resource, rows)

    def _links(self, resource: ResourceId, rows: Iterable[Row]) -> Iterator[Link]:
        for one in rows:
            link = link_of(resource, one)
            self._remember((str(one["PK"]), str(one["SK"])), link.row, link_pointer(link))
            yield link

    def _guessing(self, key: keys.Key, link: Link, likely: str | None, write: _Write) -> None:
        """Run `write` with the pointer that the stored row is believed to have; once more if that was wrong."""
        number, known = self._pointers.get(key, (-1, None))
        guess = known if number == link.row else likely if link.row else None
        try:
            write(guess)
        except ConditionFailedError as failure:
            stored = failure.rows.get(0)
            if stored is None or stored["row"] != link.row or stored.get("pointer") == guess:
                raise LinkChangedError(ref=link.ref, row=link.row) from None
            actual = stored.get("pointer")
            try:
                write(None if actual is None else str(actual))
            except ConditionFailedError:
                raise LinkChangedError(ref=link.ref, row=link.row) from None

    def _with_old_pointer(self, operations: list[Put | Delete], pk: str, old: str | None, ref: LinkRef) -> None:
        """The operations and the end of the old pointer, unless another link has it by now."""
        if old is None:
            self._table.transact(operations)
            return
        ours = Condition("attribute_not_exists(#PK) OR #ref = :ref", {":ref": ref})
        try:
            self._table.transact([*operations, Delete((pk, _entry_sk(old)), ours)])
        except ConditionFailedError as failure:
            if set(failure.rows) != {len(operations)}:
                raise
            self._table.transact(operations)

    def _remember(self, key: keys.Key, number: int, pointer: str | None) -> None:
        if len(self._pointers) >= _REMEMBERED:
            self._pointers.clear()
        self._pointers[key] = number, pointer


def _stored(number: int, pointer: str | None, *, or_gone: bool = False) -> Condition:
    """That the stored row is the one we know, with the pointer that we believe it to have."""
    if not number:
        return MISSING
    text = "#row = :expected AND " + ("#pointer = :pointer" if pointer else "attribute_not_exists(#pointer)")
    values: dict[str, Value] = {":expected": number, **({":pointer": pointer} if pointer else {})}
    return Condition(f"attribute_not_exists(#PK) OR ({text})" if or_gone else text, values)


def _entry_sk(pointer: str) -> str:
    return f"ENTRY#{pointer}"


def _pointer_row(pk: str, pointer: str, ref: LinkRef) -> Row:
    return row("entry", (pk, _entry_sk(pointer)), ref=ref)


def _part_rows(links: Iterable[Link], account: AccountId) -> list[Row]:
    return [
        row("part", (keys.resource_key(account, link.resource_id), keys.part_prefix(link.series_id) + link.ref))
        for link in links
        if link.origin is Origin.HOST and link.series_id is not None
    ]


def _leaving(account: AccountId, resource: ResourceId, feed: str, refs: Sequence[LinkRef]) -> list[keys.Key]:
    pk, prefix = keys.resource_key(account, resource), keys.leaving_prefix(feed)
    return [(pk, prefix + ref) for ref in dict.fromkeys(refs)]
