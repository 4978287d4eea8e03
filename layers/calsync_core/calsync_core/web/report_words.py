"""The words of the connection test report: names of its steps, and what was found as a sentence. Codes: wording/."""

from collections.abc import Callable
from dataclasses import dataclass

from calsync_core.domain.connection_report import ConnectionReport, Outcome, Part, ReportStep
from calsync_core.web.wording import wording
from calsync_core.web.wording.words import Actor, Wording


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


STEPS: dict[str, str] = {
    "name_found": _("Name found (DNS)"),
    "secure_connection": _("Secure connection (TLS)"),
    "web_services": _("Exchange Web Services"),
    "sign_in_schemes": _("Ways to sign in"),
    "signed_in": _("Signed in"),
    "admin_approval": _("Approved by the organisation"),
    "mailbox": _("Mailbox"),
    "read_calendar": _("Read the calendar"),
    "write_entry": _("Write a test entry"),
    "delete_entry": _("Delete the test entry"),
    "change_messages": _("Messages about changes"),
    "free_busy": _("Free and busy times"),
    "key_expiry": _("Secret or certificate is valid"),
    "token_received": _("Signed in as the application"),
}
PARTS: tuple[tuple[Part, str], ...] = (
    (Part.GENERAL, _("General connection")),
    (Part.DATA, _("Send and receive data")),
)
SYMBOLS: dict[Outcome, tuple[str, str, str]] = {
    Outcome.OK: ("✓", _("well"), "good"),
    Outcome.FAILED: ("✗", _("failed"), "bad"),
    Outcome.NOT_TRIED: ("–", _("not tried"), ""),
}
WHO_ACTS: dict[Actor, str] = {
    Actor.RESOURCE: _("the person"),
    Actor.ADMIN: _("the admin"),
    Actor.IT: _("your IT"),
    Actor.OPERATOR: _("the operator of calsync"),
    Actor.NOBODY: _("nobody"),
}
# What a number means in the report over Microsoft 365; Exchange says its facts in its own words.
_COUNTS: dict[str, str] = {
    "mailbox": _("%(found)s calendars"),
    "read_calendar": _("%(found)s entries in the next 14 days"),
    "free_busy": _("%(found)s busy times in the next 14 days"),
    "key_expiry": _("for %(found)s more days"),
}


@dataclass(frozen=True, slots=True)
class ShownStep:
    """`found` may be a sentence with a place for the number; `text` belongs to a failure alone."""

    step: ReportStep
    name: str
    symbol: str
    word: str
    tone: str
    found: str
    text: Wording | None


@dataclass(frozen=True, slots=True)
class ShownPart:
    name: str
    symbol: str
    word: str
    tone: str
    steps: tuple[ShownStep, ...]


def shown_report(report: ConnectionReport) -> tuple[ShownPart, ...]:
    """In the order of the parts; within one in that of the steps."""
    return tuple(
        ShownPart(
            name, *SYMBOLS[report.outcome(part)], tuple(_shown(step) for step in report.steps if step.part is part)
        )
        for part, name in PARTS
    )


def report_text(report: ConnectionReport, say: Callable[[str], str] = str) -> str:
    """To copy into a mail to IT: the same facts as plain lines; no password was ever in the report."""
    lines = [f"{report.about} - {report.place} - {report.at:%Y-%m-%d %H:%M:%S} UTC, {report.seconds:.1f} s"]
    for part in shown_report(report):
        lines.append(f"{part.symbol} {say(part.name)}")
        for one in part.steps:
            fact = one.found.replace("%(found)s", one.step.found)
            lines.append(f"  {one.symbol} {say(one.name)}  {fact}".rstrip())
            if one.text is not None:
                code = " ".join(filter(None, (one.step.code, one.step.provider_code)))
                lines.append(f"    {say(one.text.title)} ({code}). {say(one.text.meaning)}")
                lines.append(f"    {say(one.text.next_step)} [{one.text.actor.value}]")
    return "\n".join(lines)


def _shown(step: ReportStep) -> ShownStep:
    is_count = step.found.isdecimal() and step.name in _COUNTS
    text = wording(step.code or "internal") if step.outcome is Outcome.FAILED else None
    found = _COUNTS[step.name] if is_count else step.found
    return ShownStep(step, STEPS[step.name], *SYMBOLS[step.outcome], found, text)
