"""The admin agrees to the operator's privacy text and Microsoft's, once per version, before the first invitation."""

from calsync_core.domain.ids import AccountId
from calsync_core.ports.outward import Clock
from calsync_core.ports.stores import Agreement, JourneyStore


def agree_to_privacy(journeys: JourneyStore, clock: Clock, account: AccountId, who: str, text_version: str) -> None:
    """`who` is the member's (issuer, subject) as text. Agreeing twice is no error."""
    if any(
        row.role == "admin" and row.text_version == text_version and row.who == who
        for row in journeys.agreements(account)
    ):
        return
    journeys.save_agreement(Agreement(account, who, "admin", text_version, clock.now()))
