"""The connection test report: named steps, each with what was found; never a secret, never a title of an entry."""

from datetime import datetime
from enum import StrEnum

from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.values import value


class Outcome(StrEnum):
    OK = "ok"
    FAILED = "failed"
    NOT_TRIED = "not_tried"


class Part(StrEnum):
    GENERAL = "general"  # "General connection"
    DATA = "data"  # "Send and receive data"


@value(frozen=True, slots=True)
class ReportStep:
    """`found` is a fact: an address, a version, a number. `code` is of the wording catalogue: what a failure means,
    what is next, and who acts. `provider_code` is the other side's own word for it.
    """

    name: str
    part: Part
    outcome: Outcome
    found: str = ""
    code: str = ""
    provider_code: str = ""
    seconds: float = 0.0


@value(frozen=True, slots=True)
class ConnectionReport:
    """`about` is an address or a title, `place` where it was asked ("Microsoft 365", a host name)."""

    provider: ProviderKind
    about: str
    place: str
    at: datetime
    seconds: float
    steps: tuple[ReportStep, ...]

    def outcome(self, part: Part) -> Outcome:
        """Of several steps the worst; not tried when nothing was."""
        found = {step.outcome for step in self.steps if step.part is part}
        if Outcome.FAILED in found:
            return Outcome.FAILED
        return Outcome.OK if Outcome.OK in found else Outcome.NOT_TRIED

    @property
    def failure(self) -> str:
        """The code of the first step that failed, or ""."""
        return next((step.code or "internal" for step in self.steps if step.outcome is Outcome.FAILED), "")
