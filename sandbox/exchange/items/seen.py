"""One item as one request wants to see it: what the parts of show.py are given."""

from dataclasses import dataclass

from sandbox.appointments import Entry
from sandbox.exchange.dispatch import Call
from sandbox.exchange.items.shapes import Shape
from sandbox.exchange.items.view import Item
from sandbox.graph.events import type_of


@dataclass(frozen=True, slots=True)
class Seen:
    """One item for one request."""

    call: Call
    item: Item
    shape: Shape
    is_list: bool = False

    @property
    def entry(self) -> Entry:
        return self.item.entry

    @property
    def kind(self) -> str:
        """singleInstance, occurrence, exception, seriesMaster."""
        return type_of(self.item.entry)
