"""What people take back or ask for again, and how the bells of a mailbox arrive: steps of a life like those of life.py,
which they are mixed into."""

from collections import Counter
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from calsync_core.adapters.memory.items import Subscribed
from calsync_core.domain.errors import CalsyncError
from calsync_core.domain.ids import ResourceId
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import Stores
from calsync_core.usecases.receive_exchange_post import Knock, receive_exchange_post
from calsync_core.usecases.receive_notification import Bell, receive_notification
from calsync_core.usecases.sync.undo_run import ask_undo, journalled_runs
from calsync_core.usecases.try_again import TryPorts, try_again

from tests.small_clinic import ACCOUNT, Clinic

if TYPE_CHECKING:
    from calsync_core.adapters.memory.mailbox import MemoryMailboxServer

    from tests.properties.faults import Faults

WAYS = ("in order", "in order", "doubled", "reordered", "lost", "late")
"""How bells arrive. Late ones stay where they are until the next delivery."""
MOODS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("to_calendar.privacy", ("full", "anonymous")),
    ("to_calendar.show_as", ("busy", "oof")),
    ("from_calendar.tentative", ("block", "ignore")),
    ("from_calendar.all_day", ("block", "ignore")),
    ("edits.moved_in_calendar", ("apply", "restore", "flag")),
)
"""What an admin changes while a run is under way."""


class SecondThoughts:
    clinic: Clinic
    stores: Stores
    faults: "Faults"

    if TYPE_CHECKING:

        def server(self, place: str) -> MemoryMailboxServer: ...
        def run(self, who: str, seed: int = 0, share: float = 0.0, cause: str = "notification") -> None: ...
        def change_settings(self, who: str | None, values: dict, scope: str) -> None: ...

    def undo(self, who: str, pick: int) -> None:
        """Somebody takes back what a run deleted or moved, as the page does; the next run carries it out."""
        runs = journalled_runs(self.stores.log, ACCOUNT, ResourceId(who))
        if not runs:
            return
        ports = SimpleNamespace(stores=self.stores, clock=self.clinic.clock, queue=self.clinic.queue)
        try:
            ask_undo(cast("JourneyPorts", ports), ACCOUNT, ResourceId(who), runs[pick % len(runs)].run, "admin")
        except CalsyncError:
            return  # not while it is paused or disconnected; the page says so

    def try_again(self, who: str) -> None:
        """What was set aside gets another chance."""
        ports = TryPorts(self.stores.links, self.stores.log, self.clinic.queue, self.clinic.clock)
        try_again(ports, ACCOUNT, ResourceId(who), None, "admin")

    def deliver(self, place: str, how: str) -> None:
        """The bells of a mailbox reach the webhook, and whoever they wake runs."""
        server = self.server(place)
        bells, server.notifications = server.notifications, []
        self.faults.hits[f"notification {how}"] += len(bells)
        if how == "late":
            server.notifications = bells
        if how in ("late", "lost"):
            return
        if how == "reordered":
            bells = bells[::-1]
        for bell in bells * (2 if how == "doubled" else 1):
            known = server.subscriptions.get(bell)
            if known is not None:
                self._ring(bell, known)
        woken = Counter((wish.resource, wish.cause) for wish in self.clinic.queue.take_all())
        for who, cause in woken:
            self.run(who, cause=cause)

    def _ring(self, subscription_id: str, subscribed: Subscribed) -> None:
        route, _, path = subscribed.url.rpartition("/")
        if route.endswith("/exchange"):
            knocks = [Knock(subscription_id, has_changes=True)]
            receive_exchange_post(path, knocks, self.stores.connections, self.clinic.queue, self.clinic.clock)
            return
        receive_notification(path, [Bell(subscribed.secret)], self.stores.connections, self.clinic.queue)

    def _change_mood(self, random: Random) -> None:
        key, values = random.choice(MOODS)
        who = random.choice((None, "anna", "anna-north", "bert"))
        self.change_settings(who, {key: random.choice(values)}, random.choice(("future", "window")))
