"""Which bookings and blocking entries cannot both be true. Two blocks never conflict, nor two bookings (the host's)."""

from collections.abc import Iterable

from calsync_core.domain.links import Link, Origin


def pairs(links: Iterable[Link]) -> list[tuple[Link, Link]]:
    """All overlapping (booking, entry) pairs by one sweep over the starts; half open, touching is no overlap."""
    ordered = sorted((link for link in links if _counts(link)), key=lambda link: (link.start_at, link.ref))
    found: list[tuple[Link, Link]] = []
    running: list[Link] = []
    for link in ordered:
        running = [other for other in running if other.end_at > link.start_at]
        found.extend(_ordered(link, other) for other in running if other.origin is not link.origin)
        running.append(link)
    return found


def _counts(link: Link) -> bool:
    return link.start_at < link.end_at and not (link.origin is Origin.CALENDAR and not link.host.version)


def _ordered(first: Link, second: Link) -> tuple[Link, Link]:
    return (first, second) if first.origin is Origin.HOST else (second, first)
