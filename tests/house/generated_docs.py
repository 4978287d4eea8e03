"""Writes the pages of docs/ that the code knows best: errors.md, limits.md, the data matrix inside security.md.

python -m tests.house.generated_docs
"""

from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from calsync_core.adapters.hosts.documents import to_capabilities
from calsync_core.domain.settings import CopyField, SyncSettings, choices, content_settings, flatten
from calsync_core.hosts.reference.api import offered
from calsync_core.ports.host import Capabilities
from calsync_core.web.limits import Limit, limits
from calsync_core.web.wording import CATALOGUE
from calsync_core.web.wording.words import Actor

DOCS = Path(__file__).resolve().parents[2] / "docs"
ERRORS = DOCS / "errors.md"
LIMITS = DOCS / "limits.md"
SECURITY = DOCS / "security.md"
BEGIN = "<!-- data matrix: begin (python -m tests.house.generated_docs) -->"
END = "<!-- data matrix: end -->"
WHO = {
    Actor.RESOURCE: "the person whose calendar it is",
    Actor.ADMIN: "the admin",
    Actor.IT: "IT of the organisation",
    Actor.OPERATOR: "the operator of the stack",
    Actor.NOBODY: "nobody",
}
TO_CALENDAR, FROM_CALENDAR = "bookings → calendar", "calendar → bookings"
COPY = "the copy in the person's own calendar"
BLOCK = "the block in the booking system"
UNTIL_GONE = "until the origin ends, leaves the window, or the resource disconnects with “remove copies”"
# What a person would call it; a new field of the settings without a line here is an error.
BOOKING_FIELDS: dict[str, str] = {
    "resource": "name of the person, room or equipment",
    "service": "service",
    "customer": "customer's name",
    "phone": "customer's phone number",
    "email": "customer's e-mail address",
    "notes": "notes of the booking",
    "location": "place of the booking",
}
# Read to decide and never kept: what is looked at, and the part of the filter that asks for it.
FILTERED: dict[str, str] = {
    "title of an entry, read for the filter alone": "a text in `from_calendar.exclude` (none)",
    "categories of an entry, read for the filter alone": "a category in `from_calendar.exclude` (none)",
}
# The settings that decide about texts of calendar entries, by field; None: no setting lets it through.
ENTRY_FIELDS: dict[str, str | None] = {
    "title of an entry": "from_calendar.title",
    "notes of an entry": "from_calendar.notes",
    "title and notes of an entry marked private": "from_calendar.private",
    "place of an entry": None,
    "attendees, attachments of an entry": None,
    "any text of a calendar that is only checked": None,
}
Row = tuple[str, str, str, str, str]


def errors_page() -> str:
    """docs/errors.md: the wording catalogue as a table, by code."""
    rows = [
        (f"`{code}`", words.title, words.meaning or "–", words.next_step, WHO[words.actor])
        for code, words in sorted(CATALOGUE.items())
    ]
    head = ("code", "title", "what it means", "what to do", "who acts")
    return (
        "# Errors and log lines\n\n"
        "Generated from `web/wording/` by `python -m tests.house.generated_docs`; change it there.\n"
        "Pages, mails, the sync log and the API (`code` of `application/problem+json`) use these codes. "
        "A code never changes\nits meaning; its text may.\n\n" + _table(head, rows)
    )


def data_matrix() -> str:
    """The table for the data protection officer, without its markers."""
    rows = [*_booking_rows(), *_entry_rows(), *_time_rows()]
    head = ("field", "direction", "setting (built-in value)", "where it lands", "how long")
    return _table(head, rows)


def security_page(present: str) -> str:
    """The page as it stands with a current matrix. Raises ValueError when the markers are missing."""
    before, found, rest = present.partition(BEGIN)
    _, also_found, after = rest.partition(END)
    if not found or not also_found:
        raise ValueError(f"{SECURITY.name} has lost the markers of its data matrix")
    return f"{before}{BEGIN}\n\n{data_matrix()}\n{END}{after}"


def settings_of_texts() -> set[str]:
    """Every setting that decides about texts; the matrix names each of them."""
    return set(content_settings())


def _booking_rows() -> list[Row]:
    default = SyncSettings().to_calendar
    rows = []
    for name in get_args(CopyField):
        chosen = "in it" if name in default.fields else "not in it"
        setting = f"{_setting('to_calendar.privacy', 'full')} and `to_calendar.fields` (`{name}` is {chosen})"
        rows.append((BOOKING_FIELDS[name], TO_CALENDAR, setting, COPY, UNTIL_GONE))
    named = f"{_setting('to_calendar.privacy', 'full')} and `custom:` with its name in `to_calendar.fields` (none is)"
    rows.append(("a custom field of the booking system", TO_CALENDAR, named, COPY, UNTIL_GONE))
    place = "of the fields that are on, those that `to_calendar.title` names; never another"
    rows.append(("what the title shows", TO_CALENDAR, place, COPY, UNTIL_GONE))
    kept = f"{_setting('notes_format', 'html')}: an allow-list of tags, at most 32 KB; else the text alone"
    rows.append(("formatting of notes", "both", kept, f"{COPY} or {BLOCK}", UNTIL_GONE))
    free_title = "stands in for service and customer when a booking has neither, if both may be shown"
    rows.append(("free title of a booking", TO_CALENDAR, free_title, COPY, UNTIL_GONE))
    rows.append(("internal address of a booking", TO_CALENDAR, "no setting", "nowhere", "–"))
    return rows


def _entry_rows() -> list[Row]:
    rows = []
    for field, key in ENTRY_FIELDS.items():
        if key is None:
            rows.append((field, FROM_CALENDAR, "no setting", "nowhere", "–"))
            continue
        own = _setting(key, "full" if choices(key) else "on")
        setting = f"{_setting('from_calendar.privacy', 'full')} and {own}"
        rows.append((field, FROM_CALENDAR, setting, BLOCK, UNTIL_GONE))
    for field, setting in FILTERED.items():
        rows.append(
            (field, FROM_CALENDAR, f"{setting}; not of private entries", "nowhere: it decides and is dropped", "–")
        )
    return rows


def _time_rows() -> list[Row]:
    link = "the link in our table, as long as the copy stands"
    both = "times, ids, fingerprints (hashes) of what both sides agreed on"
    return [
        ("begin, end, kind of busy", "both", "`direction`", f"{COPY} or {BLOCK}", UNTIL_GONE),
        (both, "both", "`direction`", link, "with the copy"),
        ("ids, times, codes, rules", "both", "–", "the sync log in our table", "90 days"),
        ("ids and times of what was moved or deleted", "both", "–", "the journal in our table", "30 days"),
        (
            "both times and ids of a conflict",
            "both",
            "–",
            "the conflict in our table",
            "90 days after its end",
        ),
        ("ids, codes, counts", "both", "–", "function logs", "`LogDays` (30 days)"),
        (
            "name and address of the person",
            "booking system → calsync",
            "–",
            "our table, mails to that address",
            "with the row of the resource, which calsync does not delete",
        ),
        ("sign-in of a mailbox", "Microsoft → calsync", "–", "our table, sealed", "until it is disconnected"),
    ]


def _setting(key: str, open_value: str) -> str:
    """`key` must have `open_value`; its built-in value behind it."""
    value = flatten(SyncSettings())[key]
    shown = {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value
    return f"`{key}` = {open_value} ({shown})"


def _table(head: tuple[str, ...], rows: list[Row]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def limits_page() -> str:
    """docs/limits.md: what round-trips and what does not, by rule; first for the bundled booking system."""
    bundled = to_capabilities(offered(granularity_minutes=5))
    least = Capabilities(may_move=False, may_cancel=False, has_change_feed=False)
    usual = limits(bundled)
    head = ("what", "way", "", "how", "rules")
    return (
        "# What round-trips, what is lossy, what is never synced\n\n"
        "Generated from `web/limits.py` by `python -m tests.house.generated_docs`. Each line names the rules of\n"
        "[sync-rules.md](sync-rules.md) that make it so, and each rule has its test.\n\n"
        "## With the bundled booking system\n\n"
        f"{_table(head, _limit_rows(usual))}\n"
        "## What is different with a booking system that only lists bookings and takes blocks\n\n"
        f"{_table(head, _limit_rows([one for one in limits(least) if one not in usual]))}"
    )


def _limit_rows(found: Iterable[Limit]) -> list[Row]:
    return [(one.what, one.way.value, one.fate.value, one.how, ", ".join(one.rules)) for one in found]


if __name__ == "__main__":
    LIMITS.write_text(limits_page())
    ERRORS.write_text(errors_page())
    SECURITY.write_text(security_page(SECURITY.read_text()))
