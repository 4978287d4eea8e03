"""What must hold when edits and faults have stopped (reference trust.md section 2). Each check names its property."""

from collections import Counter

from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.appointments import BookingStatus, Entry
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.links import Origin, booking_ref
from calsync_core.domain.settings import effective
from calsync_core.domain.windows import Window
from calsync_core.engine.project import NotBlocking, project_entry
from tests.small_clinic import ACCOUNT, Clinic

KEPT_APART = {
    ConflictKind.REFUSED, ConflictKind.OUTSIDE_HOURS, ConflictKind.CHANGED_ON_BOTH, ConflictKind.MOVED,
    ConflictKind.COPY_DELETED, ConflictKind.NOT_WRITABLE,
}  # fmt: skip


def check_all(clinic: Clinic, resource: str, clones: set[str]) -> None:
    """P1, P4, P8, P10 on the two sides as they stand."""
    check_blocks_agree(clinic, resource)
    check_copies_agree(clinic, resource, clones)
    check_no_text(clinic, resource)
    check_foreign_untouched(clinic, resource, clones)
    assert clinic.mailbox(resource).outbox == [], "a third party was mailed"


def _settings(clinic: Clinic, resource: str):
    stores = clinic.stores.settings
    return effective(stores.account(ACCOUNT).values, stores.resource(ACCOUNT, resource).values)


def _window(clinic: Clinic, resource: str) -> Window:
    rows = clinic.stores.cursors.load(ACCOUNT, resource)
    return rows[DEFAULT].window


def _is_own(entry: Entry, clinic: Clinic, resource: str) -> bool:
    """The copy that a link of this resource knows, or of a booking that it shares; a person's clone is not ours."""
    if entry.mark is None:
        return False
    if entry.mark.resource != resource:
        booking = clinic.system.bookings.get(entry.mark.booking)
        return booking is not None and resource in booking.resource_ids
    link = clinic.stores.links.get(ACCOUNT, resource, [booking_ref(entry.mark.booking)]).get(booking_ref(entry.mark.booking))
    return link is not None and link.entry_id == entry.id


def check_blocks_agree(clinic: Clinic, resource: str) -> None:
    """P1: inside the window every blocking entry has exactly its block, and no block stands for nothing."""
    settings, window = _settings(clinic, resource), _window(clinic, resource)
    thing = clinic.system.resources[resource]
    wanted: Counter[object] = Counter()
    for entry in clinic.mailbox(resource).shown():
        if _is_own(entry, clinic, resource) or not window.holds(entry.when, thing.time_zone):
            continue
        block = project_entry(entry, settings, thing, "", time_only=True)
        if not isinstance(block, NotBlocking):
            wanted[block.when, block.kind] += 1
    inside = [block for block in clinic.blocks(resource) if window.holds(block.when, thing.time_zone)]
    assert Counter((block.when, block.kind) for block in inside) == wanted, "P1 blocks differ from the calendar"


def check_copies_agree(clinic: Clinic, resource: str, clones: set[str]) -> None:
    """P1, P4: every booking has exactly one copy at its time, unless an open conflict says why not."""
    window, zone = _window(clinic, resource), clinic.system.resources[resource].time_zone
    apart = {conflict.booking_ref for conflict in clinic.conflicts() if conflict.kind in KEPT_APART}
    copies: dict[str, list[Entry]] = {}
    for entry in clinic.mailbox(resource).shown():
        is_clone = entry.id in clones and not _is_own(entry, clinic, resource)
        if entry.mark is not None and entry.mark.resource == resource and not is_clone:
            copies.setdefault(entry.mark.booking, []).append(entry)
    for booking_id, entries in copies.items():
        assert len(entries) == 1, f"P4 {len(entries)} copies of {booking_id}"
    for booking in clinic.system.bookings.values():
        is_here = resource in booking.resource_ids and booking.status is not BookingStatus.CANCELLED
        if booking_ref(booking.id) in apart or not window.holds(booking.when, zone):
            continue
        found = copies.pop(booking.id, [])
        assert len(found) == int(is_here), f"P1 booking {booking.id} has {len(found)} copies, belongs here: {is_here}"
        if found:
            assert found[0].when == booking.when, f"P1 {booking.id}: {booking.when} but {found[0].when}"


def check_no_text(clinic: Clinic, resource: str) -> None:
    """P8: blockers carry time only."""
    for block in clinic.blocks(resource):
        assert block.title is None, "P8 a blocker carries a title"
        assert block.notes is None, "P8 a blocker carries notes"


def check_foreign_untouched(clinic: Clinic, resource: str, clones: set[str]) -> None:
    """P10: what we wrote to the calendar, we had created ourselves, or it is a person's copy that took its place."""
    mailbox = clinic.mailbox(resource)
    ours = {write.entry_id for write in mailbox.writes if write.operation == "create"} | clones
    assert {write.entry_id for write in mailbox.writes} <= ours, "P10 a foreign entry was written"


def check_quiet(clinic: Clinic, resource: str) -> None:
    """P2: one more run writes nothing on either side and changes no link."""
    before = _traces(clinic, resource)
    clinic.run(resource)
    assert _traces(clinic, resource) == before, "P2 a second run wrote something"


def _traces(clinic: Clinic, resource: str) -> object:
    mailbox = clinic.mailbox(resource)
    links = {link.ref: link.row for link in clinic.stores.links.all(ACCOUNT, resource)}
    return len(mailbox.writes), dict(clinic.system.block_versions), links


def origins(clinic: Clinic, resource: str) -> Counter[Origin]:
    return Counter(link.origin for link in clinic.stores.links.all(ACCOUNT, resource))
