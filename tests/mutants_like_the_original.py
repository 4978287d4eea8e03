"""Mutants that nobody can notice, because they do what the original does: by function and new line, with the reason.

What is superfluous in the product goes from the product; here stands what types, speed or a reader want as it is.
"""

_SAME_NAME = "Another name of the same encoding"
_HASHED = "Goes into a hash that is compared with its like alone: another word, or none, tells the same things apart"
_TYPES = "For the type checker: a booking that was read is projected whenever its copy has to be dealt with"
_FILLED = "A row is completed right after it was made: these fields get their values there"
_SPEED = "For speed alone: more is looked at, and nothing more is found or written"
_ELSEWHERE = "`_moved` asks the observation only where both sides stand at the same time, which its caller has excluded"
_NO_BOOKING = "if not isinstance(booking, Booking) and copy is None:"

LIKE_THE_ORIGINAL: dict[tuple[str, str], str] = {
    (
        "fingerprint.asked_of_copy",
        'return hashlib.sha256("\\x1f".join(parts).encode("UTF-8", "surrogatepass")).hexdigest()[:16]',
    ): _SAME_NAME,
    (
        "fingerprint._hash",
        'return hashlib.sha256("\\x1f".join(parts).encode("UTF-8", "surrogatepass")).hexdigest()[:16]',
    ): _SAME_NAME,
    ("notes._body", 'return html[max(start, 0) :].encode("UTF-8", "replace").decode()'): _SAME_NAME,
    ("fingerprint._hash", '"XX XX".join(title.split()),'): _HASHED,
    ("fingerprint._hash", '"XX XX".join((location or "").split()),'): _HASHED,
    ("fingerprint._hash", '"XXprivateXX" if is_private else "",'): _HASHED,
    ("fingerprint._hash", '"PRIVATE" if is_private else "",'): _HASHED,
    ("fingerprint._plain", 'return "XX\\nXX".join(line.rstrip() for line in text.strip().splitlines())'): _HASHED,
    (
        "fingerprint.rest_of_block",
        'return _hash(block.title or "", block.notes, html, block.kind.value, None, None)',
    ): _HASHED,
    ("plan_booking._no_copy_yet", _NO_BOOKING): _TYPES,
    ("plan_booking._copy_gone", _NO_BOOKING): _TYPES,
    (
        "plan_booking._copy_missing",
        "if seen.host is not Side.CHANGED or not isinstance(booking, Booking) and seen.copy is None:",
    ): _TYPES,
    ("plan_changes.booking_changed", _NO_BOOKING): _TYPES,
    (
        "plan.decide",
        "return action if (action is None) and False else _without_mail(_keeping_times(action, seen), seen, scope)",
    ): "For the type checker: of nothing, both functions make nothing",
    ("plan_changes.copy_changed", _NO_BOOKING): _TYPES,
    (
        "plan_block._block_row",
        "ref, scope.resource.id, Origin.CALENDAR, entry.calendar_id, None, start, end,",
    ): _FILLED,
    (
        "plan_block._block_row",
        "ref, scope.resource.id, Origin.CALENDAR, entry.calendar_id, entry.when, None, end,",
    ): _FILLED,
    (
        "plan_block._block_row",
        "ref, scope.resource.id, Origin.CALENDAR, entry.calendar_id, entry.when, start, None,",
    ): _FILLED,
    (
        "plan_booking._fresh_row",
        "booking_ref(booking.id), scope.resource.id, Origin.HOST, None, booking.when, start, end,",
    ): _FILLED,
    (
        "plan_booking._fresh_row",
        "booking_ref(booking.id), scope.resource.id, Origin.HOST, scope.primary, None, start, end,",
    ): _FILLED,
    (
        "plan_booking._fresh_row",
        "booking_ref(booking.id), scope.resource.id, Origin.HOST, scope.primary, booking.when, None, end,",
    ): _FILLED,
    (
        "plan_booking._fresh_row",
        "booking_ref(booking.id), scope.resource.id, Origin.HOST, scope.primary, booking.when, start, None,",
    ): _FILLED,
    ("overlaps.pairs", "first = None"): _SPEED,
    (
        "overlaps.pairs",
        "longest = max((link.end_at - link.start_at for link in ordered), default=timedelta(1))",
    ): "Without a booking there is nothing to find, wherever the search begins",
    (
        "plan_changes.note_versions",
        "is_old = not new_booking and link.settings_version > scope.reproject_below",
    ): _SPEED,
    ("deeds._deed", "- case _: return None"): "A function that ends without an answer answers None",
    ("marks.is_pasted", "return mark.generation <= link.generation"): "The two differ, as the line above has found",
    (
        "marks.mark_id_for",
        'begun = int(present.rpartition("-")[0] or "0", 16)',
    ): "There is one hyphen: those of the token are taken out",
    (
        "plan_changes._both_changed",
        "return _moved(None, link, booking, copy, entry, scope)  # R13: the time first, the rest with the next round",
    ): _ELSEWHERE,
    (
        "plan_changes._after_a_lost_answer",
        'return _moved(None, _as_asked(link, booking, copy), booking, copy, entry, scope, "R19")',
    ): _ELSEWHERE,
}
