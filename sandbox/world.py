"""What both halves of the sandbox share: clock, chance, mailboxes, and the settings that tests turn."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from starlette.types import ASGIApp

from sandbox.clock import Clock
from sandbox.mailboxes import Mailboxes

if TYPE_CHECKING:
    from sandbox.graph.access import TokenVerifier


@dataclass
class Settings:
    """Behaviour that tests and the control page change while the sandbox runs."""

    key_rotation_seconds: float | None = 5.0
    """Exchange changes the change key by itself this long after a create; None switches it off."""
    delta_lag: timedelta = timedelta()
    """The change feed shows a change only this long after it was made (its notification may come first)."""
    delta_repeats_entries: bool = False
    """Duplicates mode: entries appear more than once in a round."""
    delta_starts_empty: bool = True
    """The first page of a first round is empty and has a nextLink."""
    delta_deleted_occurrence: Literal["silent", "removed", "series"] = "silent"
    """What the feed says about one deleted occurrence: nothing, its @removed, or its whole series again."""
    delta_generations_kept: int = 3
    """Older delta links of a chain answer 410 SyncStateNotFound."""
    delta_page_size: int = 10
    """Page size of delta when the client names none."""
    enforces_limits: bool = True
    """Four concurrent calls and 10,000 per ten minutes for one app on one mailbox."""
    service_time: timedelta = timedelta()
    """How long Graph takes for one call, spent while the call counts as concurrent."""
    keeps_declined: bool = True
    """A declined invitation stays in the calendar ("save declined events"); else it goes."""
    sync_state_lifetime: timedelta | None = None
    """Exchange answers ErrorInvalidSyncStateData to sync states that are older; None: they last for ever."""
    graph_url: str = "https://graph.microsoft.com"
    outlook_url: str = "https://outlook.office365.com"


@dataclass
class World:
    """One sandbox. `verifier` and `graph_app` are filled in by app.py when both halves stand."""

    clock: Clock
    random: random.Random
    mailboxes: Mailboxes
    settings: Settings = field(default_factory=Settings)
    verifier: "TokenVerifier | None" = None
    graph_app: ASGIApp | None = None
    """The whole Graph application, so that $batch reaches the routes of both halves."""
    delta_chains: dict[str, int] = field(default_factory=dict)
    """Chain of delta links -> its highest generation; a chain that is taken out answers 410."""


def new_world(seed: int | None = None) -> World:
    """Build an empty sandbox; the same seed gives the same ids and change keys."""
    clock = Clock()
    chance = random.Random(seed)
    settings = Settings()
    mailboxes = Mailboxes(clock, chance)
    mailboxes.rotation_seconds = lambda: settings.key_rotation_seconds
    return World(clock=clock, random=chance, mailboxes=mailboxes, settings=settings)
