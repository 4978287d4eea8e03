"""What must hold when edits and faults have stopped (reference trust.md section 2). Each check names its property."""

from calsync_core.domain.appointments import Block, Booking, BookingStatus, Entry, When
from calsync_core.domain.conflicts import ConflictKind, ConflictStatus
from calsync_core.domain.ids import BookingId, EntryId, LinkRef, ResourceId
from calsync_core.domain.links import Intent, Link, Origin, booking_ref, entry_ref, occurrence_ref
from calsync_core.domain.resources import Status
from calsync_core.domain.settings import SyncSettings
from calsync_core.domain.windows import Window
from calsync_core.engine import fingerprint
from calsync_core.engine.observe import without_text
from calsync_core.engine.overlaps import pairs
from calsync_core.engine.project import NotBlocking, copy_time, project_booking, project_entry

from tests.properties.life import Life
from tests.properties.looking import MAILBOX_OF, PLACES, RESOURCES, SECRET
from tests.small_clinic import ACCOUNT

KEPT_APART = frozenset(ConflictKind) - {ConflictKind.SAME_TIME}


def quiet_time(life: Life) -> None:
    """Edits and faults stop; at most two passes later both sides agree, and stay so. A third one stands for the
    notifications that the others' writes into a shared mailbox cause."""
    life.heal()
    assert not life.unbounded, life.unbounded[0]
    clinic = life.clinic
    if life.has_moved_blocks:
        for who in RESOURCES:
            clinic.run(who, "full")
        life.has_moved_blocks = False
    for wish in clinic.queue.take_all():
        clinic.run(wish.resource, wish.cause)
    for _ in range(3):
        clinic.settle(*RESOURCES)
    if life.confirm_stop_lines():
        clinic.settle(*RESOURCES)
    for who in RESOURCES:
        assert life.state(who).status is Status.CONNECTED, f"P1 {who} is {life.state(who).status}"
        _forget_old_settings(life, who)
        check_all(life, who)
    for who in RESOURCES:
        check_quiet(life, who)
    assert not life.unbounded, life.unbounded[0]


def _forget_old_settings(life: Life, who: str) -> None:
    state, history = life.state(who), life.in_force[who]
    assert state.reprojected == state.reproject_below, f"P1 {who} was not rewritten"
    if "rewritten" in history:
        last = len(history) - 1 - history[::-1].index("rewritten")
        history[:] = history[last + 1 :]


def check_all(life: Life, who: str) -> None:
    """P1, P4, P8, P10 on the two sides as they stand."""
    check_blocks_agree(life, who, _links(life, who))
    links = _links(life, who)  # a block that was missing may have come with a full check
    check_copies_agree(life, who, links)
    check_nothing_shown_twice(life, who, links)
    check_series_repeat(life, who, links)
    check_conflicts_agree(life, who, links)
    check_no_text(life, who)
    check_foreign_untouched(life)
    check_nothing_overwritten_unread(life)
    check_no_mail(life)


def _links(life: Life, who: str) -> dict[LinkRef, Link]:
    return {link.ref: link for link in life.stores.links.all(ACCOUNT, ResourceId(who))}


def check_nothing_overwritten_unread(life: Life) -> None:
    """P3: what a person changed is never written over before it was read."""
    for provider in life.clinic.providers.values():
        assert not getattr(provider, "overwritten", ()), "P3 a change was overwritten that nobody had read"


def check_no_mail(life: Life) -> None:
    for server in life.clinic.servers.values():
        assert server.outbox == [], "a third party was mailed"


def _window(life: Life, who: str, feed: str) -> Window:
    """As it was fixed when it was renewed; settings that make it smaller take effect at once."""
    row, reach = life.stores.cursors.load(ACCOUNT, ResourceId(who))[feed], life.in_force[who][-1].window
    assert row.opened_at is not None
    now = Window.around(row.opened_at, reach.weeks_back, reach.weeks_ahead)
    return Window(max(now.start_at, row.window.start_at), min(now.end_at, row.window.end_at))


def _is_own(entry: Entry, life: Life, who: str, links: dict[LinkRef, Link]) -> bool:
    """The copy that a link of this resource knows, or of a booking that it shares; a person's clone is not ours."""
    if entry.mark is None:
        return False
    if entry.mark.resource != who:
        booking = life.clinic.system.bookings.get(entry.mark.booking)
        is_shared = (
            booking is not None and who in booking.resource_ids and booking.status is not BookingStatus.CANCELLED
        )
        ref = booking_ref(booking.series_id if booking and entry.series_id else entry.mark.booking)
        theirs = life.stores.links.get(ACCOUNT, entry.mark.resource, [ref])
        return is_shared and all(_is_copy_of(life, link, entry) for link in theirs.values())
    if entry.series_id is not None and any(one.pattern and one.entry_id == entry.series_id for one in links.values()):
        return True  # an occurrence of our own series, also while a person has yet to decide about it
    series = links.get(_series_ref(life, entry.mark.booking)) if entry.series_id is not None else None
    if series is not None and series.pattern and series.entry_id is None and _is_copy_of(life, series, entry):
        return True
    link = links.get(booking_ref(entry.mark.booking))
    return link is not None and (
        link.entry_id == entry.id or (link.entry_id is None and _is_copy_of(life, link, entry))
    )


def _is_copy_of(life: Life, link: Link, entry: Entry) -> bool:
    """What the link knows, or what it waits for: a create that was cut off, in a direction that was closed since."""
    if link.entry_id is None and link.intent is Intent.CREATE:
        return entry.id not in life.clones
    return link.entry_id == (entry.series_id or entry.id)


def _nobody_can_tell(life: Life, who: str, entry: Entry, ref: LinkRef, links: dict[LinkRef, Link]) -> bool:
    """Whose it is: a clone whose original is gone, what another resource left behind, what was kept on leaving."""
    if entry.mark is not None and entry.id in life.clones and not _has_copy(life, entry):
        return True
    if entry.mark is not None and entry.id in life.orphans and entry.mark.resource != who:
        return True
    return ref in life.kept_blocks and ref not in links


def _is_in_dispute(life: Life, who: str, entry: Entry) -> bool:
    """Another resource's series that a person moved, or that was changed on both sides: until somebody decides, its
    occurrences stand where no booking is, and which of them are the shared ones nobody can tell."""
    if entry.series_id is None or entry.mark is None or entry.mark.resource == who:
        return False
    booking = life.clinic.system.bookings.get(entry.mark.booking)
    is_closed = not life.settings(entry.mark.resource).writes_calendar
    if is_closed and (booking is None or booking.when != entry.when):
        return True  # R40: left as it stands, where its bookings stood once
    conflicts = life.stores.conflicts.of_link(ACCOUNT, entry.mark.resource, _series_ref(life, entry.mark.booking))
    return any(one.kind in KEPT_APART for one in conflicts)


def _series_ref(life: Life, name: str) -> LinkRef:
    """The link of the series whose occurrence carries this booking in its mark (`Life.marked`)."""
    booking = life.clinic.system.bookings.get(BookingId(name))
    return booking_ref(BookingId((booking.series_id if booking else name.partition(" has none")[0]) or ""))


def _has_copy(life: Life, entry: Entry) -> bool:
    assert entry.mark is not None
    ref = booking_ref(entry.mark.booking)
    return bool(life.stores.links.get(ACCOUNT, entry.mark.resource, [ref]))


def ref_of(who: str, entry: Entry) -> LinkRef:
    """Which block an entry has: every resource that uses the calendar has its own."""
    if entry.series_id is None or entry.original_start_at is None:
        return entry_ref(ResourceId(who), entry.calendar_id, entry.id)
    return occurrence_ref(ResourceId(who), entry.calendar_id, entry.series_id, entry.original_start_at)


def check_blocks_agree(life: Life, who: str, links: dict[LinkRef, Link]) -> None:
    """P1: inside the window every blocking entry has exactly its block, and no block stands for nothing."""
    history = life.in_force[who]
    if not history[-1].writes_host:
        return
    state, thing = life.state(who), life.clinic.system.resources[ResourceId(who)]
    blocks = {block.ref: block for block in life.clinic.blocks(who)}
    for mailbox, calendar in state.calendars:
        window = _window(life, who, calendar)
        is_primary = calendar == state.primary and mailbox == state.mailbox
        place = next(name for name in PLACES if life.server(name) is life.clinic.servers[mailbox])
        for entry in life.marked(place, life.clinic.servers[mailbox].shown(calendar)):
            ref = ref_of(who, entry)
            if _is_not_judged(life, who, entry, blocks.get(ref), window):
                blocks.pop(ref, None)
                continue
            if _is_own(entry, life, who, links) and entry.id not in life.clones:
                assert ref not in blocks or ref in life.kept_blocks, "P1 our own copy blocks"
                continue
            block = blocks.pop(ref, None)
            if not window.holds(entry.when, thing.time_zone) and block is None:
                continue
            if _is_own(entry, life, who, links):
                continue
            if _nobody_can_tell(life, who, entry, ref, links):
                continue
            _check_block(life, entry, block, history, ref, is_primary=is_primary, who=who)
    now_in_scope, zone = _window(life, who, "host"), thing.time_zone
    left = [
        block for ref, block in blocks.items() if ref not in life.kept_blocks and now_in_scope.holds(block.when, zone)
    ]
    assert not left, f"P1 {who}: {len(left)} blocks stand for nothing: {left[0].ref} {left[0].when}"


def _is_not_judged(life: Life, who: str, entry: Entry, block: Block | None, window: Window) -> bool:
    """What lies behind us is kept as it was; a copy with guests we may not touch any more (a conflict shows it); where
    the booking was moved out of sight its place in another resource's series stays until that one's window comes."""
    zone = life.clinic.system.resources[ResourceId(who)].time_zone
    if block is not None and _is_behind(block.when, window, zone) and not window.holds(entry.when, zone):
        return True
    if entry.series_id is not None and entry.mark is not None and entry.mark.resource != who:
        booking = life.clinic.system.bookings.get(entry.mark.booking)
        if booking is not None and booking.when != entry.when and not window.holds(booking.when, zone):
            return True
    return (entry.has_attendees and entry.mark is not None) or _is_in_dispute(life, who, entry)


def _check_block(
    life: Life,
    entry: Entry,
    block: Block | None,
    history: list[SyncSettings],
    ref: LinkRef,
    *,
    is_primary: bool,
    who: str,
) -> None:
    thing = life.clinic.system.resources[ResourceId(who)]
    is_text = is_primary and entry.mark is None
    wanted = [
        project_entry(_as_read(entry, settings, is_primary=is_primary), settings, thing, ref, time_only=not is_text)
        for settings in history
    ]
    if block is None:
        assert any(isinstance(one, NotBlocking) for one in wanted), f"P1 {who}: {entry.id} at {entry.when} has no block"
        return
    if ref in life.kept_blocks and all(isinstance(one, NotBlocking) for one in wanted):
        return
    times = {(one.when, one.kind) for one in wanted if isinstance(one, Block)}
    assert (block.when, block.kind) in times, f"P1 {who}: block {block.when} {block.kind} but {entry.id} {entry.when}"
    texts = {one.title for one in wanted if isinstance(one, Block)}
    assert block.title in texts, f"P1 {who}: block says {block.title!r}, not one of {texts}"


def _as_read(entry: Entry, settings: SyncSettings, *, is_primary: bool) -> Entry:
    """R101: the filters see no text of what is private, and leave the copies of bookings alone."""
    is_full = settings.from_calendar.privacy == "full" and settings.from_calendar.private == "full"
    is_hidden = (entry.is_private and not is_full) or (is_primary and entry.mark is not None)
    return without_text(entry) if is_hidden else entry


def check_copies_agree(life: Life, who: str, links: dict[LinkRef, Link]) -> None:
    """P1, P4: every booking has exactly one copy at its time, unless an open conflict says why not."""
    history = life.in_force[who]
    window, zone = _window(life, who, "host"), life.clinic.system.resources[ResourceId(who)].time_zone
    conflicts = life.stores.conflicts.of_resource(ACCOUNT, ResourceId(who))
    apart = {one.booking_ref for one in conflicts if one.kind in KEPT_APART and _is_live(one.status)}
    copies = _copies_of(life, who, links)
    for booking_id, entries in copies.items():
        # R88: a series in dispute stands where the person put it, also on the day of a date that stands by itself
        is_in_dispute = _series_ref(life, booking_id) in apart
        # R40: nor does anybody leave out what a person's other rhythm brings back while the direction is closed
        is_theirs = is_in_dispute or not history[-1].writes_calendar
        counted = [one for one in entries if one.series_id is None] if is_theirs else entries
        assert len(counted) <= 1, f"P4 {who}: {len(counted)} copies of {booking_id}"
    if not history[-1].writes_calendar:
        return
    for booking in life.clinic.system.bookings.values():
        if booking.is_series_master:
            continue
        found = copies.pop(booking.id, [])
        is_here = who in booking.resource_ids and booking.status is not BookingStatus.CANCELLED
        if not is_here and found and found[0].series_id and not _has_bookings(life, who, window):
            continue  # R83: an empty answer leaves out nothing
        if (apart and _refs_of(booking) & apart) or _is_left_as_it_is(booking, found, window, zone, is_here=is_here):
            continue  # R87, R88: one conflict for the whole series
        assert len(found) == int(is_here), f"P1 {who}: {booking.id} has {len(found)} copies, belongs here: {is_here}"
        if found and (found[0].series_id is None or window.holds(booking.when, zone)):
            _check_copy(life, who, booking, found[0], history)
    left = [
        name
        for name, entries in copies.items()
        if window.holds(entries[0].when, zone)
        and not {booking_ref(BookingId(name)), booking_ref(BookingId(name.partition(" has none")[0]))} & apart
    ]
    assert not left, f"P1 {who}: copies of no booking {left}"


def check_nothing_shown_twice(life: Life, who: str, links: dict[LinkRef, Link]) -> None:
    """P4, R143: a copy that was kept on leaving, in what is another calendar than the primary one now, is the copy of
    its booking again. What lies behind us stays a stranger's."""
    window, zone = _window(life, who, "host"), life.clinic.system.resources[ResourceId(who)].time_zone
    copies = _copies_of(life, who, links)
    for entry in life.copies("bert" if who == "bert" else "anna"):
        if entry.mark is None or entry.mark.resource != who or entry.id not in life.kept:
            continue
        if _is_own(entry, life, who, links) or _is_behind(entry.when, window, zone):
            continue
        shown = copies.get(entry.mark.booking, [])
        assert not shown, f"P4 {who}: {entry.mark.booking} is shown by {shown[0].id} and by {entry.id}, which was kept"


def _is_of(entry: Entry, series: EntryId) -> bool:
    return series in (entry.id, entry.series_id)


def check_series_repeat(life: Life, who: str, links: dict[LinkRef, Link]) -> None:
    """P1, R134: a series of ours repeats as the booking system says, unless an open conflict says why not."""
    if not all(settings.writes_calendar for settings in life.in_force[who]):
        return
    conflicts = life.stores.conflicts.of_resource(ACCOUNT, ResourceId(who))
    apart = {one.booking_ref for one in conflicts if one.kind in KEPT_APART and _is_live(one.status)}
    server = life.clinic.servers[MAILBOX_OF[who]]
    window, thing = _window(life, who, "host"), life.clinic.system.resources[ResourceId(who)]
    zone = thing.time_zone
    for link in links.values():
        booking = life.clinic.system.bookings.get(link.booking_id or BookingId(""))
        item = server.items.get(link.entry_id or EntryId(""))
        if not link.pattern or item is None or link.ref in apart or booking is None:
            continue
        entry, said = item.entry, project_booking(booking, life.in_force[who][-1], thing).recurrence
        is_seen = any(window.holds(one.when, zone) for one in server.shown(entry.calendar_id) if _is_of(one, entry.id))
        if said is not None and is_seen and not entry.has_attendees:  # what lies behind us is kept as it was
            assert fingerprint.repeats_of(entry) == fingerprint.pattern_of(said), (
                f"P1 {who}: {link.booking_id} repeats as {entry.recurrence}, not {said}"
            )


def _refs_of(booking: Booking) -> set[LinkRef]:
    return {booking_ref(booking.id), booking_ref(BookingId(booking.series_id or ""))}


def _copies_of(life: Life, who: str, links: dict[LinkRef, Link]) -> dict[str, list[Entry]]:
    copies: dict[str, list[Entry]] = {}
    for entry in life.copies("bert" if who == "bert" else "anna"):
        if entry.mark is None or entry.mark.resource != who:
            continue
        if entry.has_attendees and booking_ref(entry.mark.booking) not in links:
            continue  # R53: nobody may delete it, and its resource was disconnected
        if entry.id not in life.clones or _is_own(entry, life, who, links):
            copies.setdefault(entry.mark.booking, []).append(entry)
    return copies


def _is_left_as_it_is(booking: Booking, found: list[Entry], window: Window, zone: str, *, is_here: bool) -> bool:
    if not (found and is_here) and not window.holds(booking.when, zone):
        return True  # what lies behind us is kept as it was
    if found and found[0].series_id is not None and not window.holds(found[0].when, zone):
        return True  # of a series only what comes into the window is brought in line
    # moved while nobody looked, and gone out of the window by time since
    return bool(found) and all(_is_behind(one.when, window, zone) for one in (booking, found[0]))


def _has_bookings(life: Life, who: str, window: Window) -> bool:
    bookings, zone = life.clinic.system.bookings.values(), life.clinic.system.resources[ResourceId(who)].time_zone
    return any(who in one.resource_ids and window.holds(one.when, zone) for one in bookings)


def _is_behind(when: When, window: Window, zone: str) -> bool:
    return when.interval(zone)[1] <= window.start_at


def _check_copy(life: Life, who: str, booking: Booking, copy: Entry, history: list[SyncSettings]) -> None:
    thing = life.clinic.system.resources[ResourceId(who)]
    if not copy.has_attendees:
        assert copy.calendar_id == life.state(who).primary, f"P1 {who}: the copy of {booking.id} is in another calendar"
    times = {copy_time(booking, settings) for settings in history}
    assert copy.when in times, f"P1 {who} {booking.id}: {booking.when} but {copy.when}"
    if copy.id not in life.edited:
        looks = {fingerprint.rest_of_copy(project_booking(booking, one, thing)) for one in history}
        assert fingerprint.rest_of_entry(copy) in looks, f"P1 {who} {booking.id} shows {copy.title}"


def _is_live(status: ConflictStatus) -> bool:
    return status in (ConflictStatus.OPEN, ConflictStatus.LEFT)


def check_conflicts_agree(life: Life, who: str, links: dict[LinkRef, Link]) -> None:
    """Two that overlap and are not over are a conflict; two that do not are none."""
    now = life.clinic.clock.now()
    overlapping = {(one.ref, other.ref): (one, other) for one, other in pairs(links.values(), links.values())}
    live = {
        (one.booking_ref, one.other_ref)
        for one in life.stores.conflicts.of_resource(ACCOUNT, ResourceId(who))
        if one.kind is ConflictKind.SAME_TIME and _is_live(one.status)
    }
    for key, (one, other) in overlapping.items():
        series = links.get(booking_ref(BookingId(one.series_id or "")))
        if series is not None and (series.entry_id is None or (series.is_disputed and _has_moved(life, one))):
            continue  # R87, R88, R134: its occurrences wait, as they were, until a person decides about the series
        if one.end_at > now and other.end_at > now:
            assert key in live, f"{who}: {key} overlap at {one.when} and no conflict says so"
    assert live <= overlapping.keys(), f"{who}: a conflict of two that do not overlap {live - overlapping.keys()}"


def _has_moved(life: Life, link: Link) -> bool:
    booking = life.clinic.system.bookings.get(link.booking_id or BookingId(""))
    return booking is None or booking.when != link.when


def check_no_text(life: Life, who: str) -> None:
    """P8: blockers carry time only, and nothing that a person wrote stands in a log or conflict."""
    if all(one.from_calendar.privacy == "anonymous" for one in life.in_force[who]):
        for block in life.clinic.blocks(who):
            assert block.title is None, "P8 a blocker carries a title"
            assert block.notes is None, "P8 a blocker carries notes"
    for line in life.stores.log.of_resource(ACCOUNT, ResourceId(who), 1000):
        assert SECRET not in f"{line.code}{line.detail}", "P8 the log carries a title"


def check_foreign_untouched(life: Life) -> None:
    """P10: what we wrote to a calendar, we had created ourselves, or it is a person's copy that took its place."""
    for server in life.clinic.servers.values():
        ours = {write.entry_id for write in server.writes if write.operation == "create"} | life.clones
        # an occurrence's id begins with its series'
        assert {EntryId(write.entry_id.partition(".")[0]) for write in server.writes} <= ours, (
            "P10 a foreign entry was written"
        )
    assert not life.server("home").writes, "P10 a conflict calendar was written"


def check_quiet(life: Life, who: str) -> None:
    """P2: one more run writes nothing on either side and changes no link."""
    before = _traces(life, who)
    life.clinic.run(who)
    assert _traces(life, who) == before, "P2 a second run wrote something"


def _traces(life: Life, who: str) -> object:
    mailbox = life.clinic.servers[MAILBOX_OF[who]]
    links = {link.ref: link.row for link in life.stores.links.all(ACCOUNT, ResourceId(who))}
    return len(mailbox.writes), dict(life.clinic.system.block_versions), links


def origins(life: Life, who: str) -> dict[Origin, int]:
    counts = dict.fromkeys(Origin, 0)
    for link in life.stores.links.all(ACCOUNT, ResourceId(who)):
        counts[link.origin] += 1
    return counts
