"""The links of a series' occurrences, when the series itself is written anew or goes: their places in the calendar are
gone, because the provider drops exceptions and gives new ids (graph.md 3.10)."""

from calsync_core.domain.ids import LinkRef
from calsync_core.domain.links import Agreed, Intent, Link
from calsync_core.domain.values import replace
from calsync_core.usecases.sync.sync_run import SyncRun


def detach_parts(run: SyncRun, series: Link, intent: Intent | None) -> list[LinkRef]:
    """Before the write, so that no crash makes a dropped exception look like a move by the person.

    With CREATE each is found again by its day (R81) or written as a single entry (R82); with None it stays away,
    because a person decides about the whole series (R87). What was written as a single entry keeps it. What lies behind
    the window is left as it was: nothing reads it any more. Gives those concerned.
    """
    links = run.ports.stores.links
    begin = run.scope.window.start_at
    parts = [
        link
        for link in links.parts(run.account, run.resource, series.booking_id or "")
        if link.original_start_at is not None and link.end_at > begin
    ]
    detached = [
        replace(link, intent=intent, entry_id=None, entry_uid=None, attempt=None,
                calendar=Agreed(), host=Agreed() if intent else link.host)
        for link in parts
        if link.entry_id is not None or link.intent is not intent
    ]  # fmt: skip
    if detached:
        run.check_lease()
        links.put_many(run.account, detached)
    return [link.ref for link in parts]
