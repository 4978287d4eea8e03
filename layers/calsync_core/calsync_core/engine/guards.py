"""Stop-lines: what would be too much to believe."""

from datetime import datetime, timedelta

from calsync_core.domain.links import Link
from calsync_core.domain.values import replace, value

MASS_COUNT = 20  # design.md section 5: more than 20 and more than 20 % of the copies on one side
MASS_SHARE = 0.20
WRITE_BUDGET = 6  # writes to one entry in an hour without a new version of its origin
BUDGET_SPAN = timedelta(hours=1)


@value(frozen=True, slots=True)
class Leaving:
    """How many links of one side a complete round would delete, of how many there are."""

    leaving: int
    total: int


def is_mass_deletion(count: Leaving) -> bool:
    """R50."""
    return count.leaving > MASS_COUNT and count.leaving > MASS_SHARE * count.total


def is_suddenly_empty(count: Leaving) -> bool:
    """R51: a side that had several entries reads empty. One or two may well be the last ones of a quiet calendar."""
    return count.total > 2 and count.leaving >= count.total


def spend(link: Link, now: datetime) -> Link:
    """Count one write. Beyond the budget the link comes back quarantined (R52)."""
    if link.writes_since is None or now - link.writes_since >= BUDGET_SPAN:
        return replace(link, writes=1, writes_since=now)
    if link.writes >= WRITE_BUDGET:
        return replace(link, is_quarantined=True)
    return replace(link, writes=link.writes + 1)


def new_origin(link: Link) -> Link:
    """A new version of the origin opens a new budget."""
    return replace(link, writes=0, writes_since=None, is_quarantined=False)
