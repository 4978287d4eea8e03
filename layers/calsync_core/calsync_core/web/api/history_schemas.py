"""What /v1 says about the past and its reasons: runs and their undo, "why", and what was set aside."""

from typing import Literal

from pydantic import Field

from calsync_core.web.api.schemas import Answered, Asked, ConflictOut, Instant, LogOut, WhenOut


class RunOut(Answered):
    """A check that deleted or moved something in the last 30 days."""

    id: str
    at: Instant
    counts: dict[str, int] = Field(description="How many of what was done, by code.")
    undone: Instant | None
    undone_by: str | None
    may_be_undone: bool = Field(description="False where copies only followed their originals.")
    undo_asked: bool = Field(description="Somebody wants it undone, and the next check carries it out.")


class UndoStepOut(Answered):
    """One thing that was done, and what an undo would do about it now."""

    did: str
    reference: str
    booking_id: str | None
    was: WhenOut | None
    to: WhenOut | None
    rule: str | None
    will_do: bool
    code: str = Field(description="What an undo does, or why it leaves this alone; stable.")
    text: str


class UndoOutcomeOut(Answered):
    """So many things of one kind, and what an undo does about them."""

    did: str
    code: str = Field(description="What an undo does, or why it leaves these alone; stable.")
    text: str
    will_do: bool
    count: int


class UndoPreviewOut(Answered):
    """What an undo would do now. Up to 1000 things are looked at live, as far as ten seconds reach."""

    run: RunOut
    outcomes: list[UndoOutcomeOut] = Field(description="All that was looked at, in numbers.")
    steps: list[UndoStepOut] = Field(description="All that was looked at, one by one, in order of time.")
    not_looked_at: int = Field(description="More of them, that this preview counts only.")
    not_looked_at_by_kind: dict[str, int] = Field(description="The same by what was done.")


class SetAsideOut(Answered):
    """An appointment that is not tried any more until its origin changes or somebody asks for it."""

    reference: str
    kind: Literal["booking", "entry"]
    time: WhenOut | None
    code: str | None
    text: str


class TryAgainIn(Asked):
    reference: str | None = Field(None, description="One of them; without it all are tried.")


class TriedOut(Answered):
    tried: int


class StopLineIn(Asked):
    what: Literal["confirm", "restore"] = Field(
        description="confirm: it was on purpose, the rest goes; restore: write the copies again."
    )


class LinkStateOut(Answered):
    """What calsync remembers of an appointment that stands on both sides."""

    written: bool = Field(description="Its counterpart was written.")
    set_aside: bool
    refused: str | None = Field(description="Code of what the booking system refused last.")
    waits_for_decision_of_next_run: bool


class ExplainedOut(Answered):
    """`title` is null where it must not be shown."""

    reference: str
    kind: Literal["booking", "entry"]
    time: WhenOut | None
    title: str | None
    rule: str | None
    code: str = Field(description="The reason; stable.")
    text: str
    meaning: str
    next_step: str
    next_try: Literal["next_check", "next_when_changed", "next_when_decided", "next_never"]
    next_try_text: str
    link: LinkStateOut | None
    conflict: ConflictOut | None
    last_to_calendar: LogOut | None
    last_to_booking_system: LogOut | None


class SideOut(Answered):
    name: str
    known: bool
    reason: str | None


class WhyOut(Answered):
    items: list[ExplainedOut]
    sides: list[SideOut]
    more: bool = Field(description="More were found than are explained; ask more narrowly.")
