"""Who is free when: intervals with a third value, `unknown`, beside busy and free (fail closed)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from calsync_core.domain.values import value


class Occupied(StrEnum):
    BUSY = "busy"
    TENTATIVE = "tentative"
    OOF = "oof"
    WORKING_ELSEWHERE = "working_elsewhere"
    UNKNOWN = "unknown"


_STRENGTH = {
    word: strength
    for strength, word in enumerate(
        (Occupied.WORKING_ELSEWHERE, Occupied.TENTATIVE, Occupied.BUSY, Occupied.OOF, Occupied.UNKNOWN)
    )
}


@value(frozen=True, slots=True)
class Interval:
    """Half open, UTC. Time that no interval covers is free, and only that."""

    start_at: datetime
    end_at: datetime
    occupied: Occupied


def merge(intervals: Iterable[Interval], start_at: datetime, end_at: datetime) -> list[Interval]:
    """Disjoint intervals inside [start_at, end_at) in order; where several overlap the strongest word wins."""
    inside = [
        Interval(max(one.start_at, start_at), min(one.end_at, end_at), one.occupied)
        for one in intervals
        if one.start_at < end_at and start_at < one.end_at
    ]
    steps: dict[datetime, Counter[Occupied]] = defaultdict(Counter)
    for one in inside:
        steps[one.start_at][one.occupied] += 1
        steps[one.end_at][one.occupied] -= 1
    merged: list[Interval] = []
    open_: Counter[Occupied] = Counter()
    for left, right in pairwise(sorted(steps)):
        open_.update(steps[left])
        words = [word for word, count in open_.items() if count]
        if not words:
            continue
        word = max(words, key=_STRENGTH.__getitem__)
        if merged and merged[-1].end_at == left and merged[-1].occupied is word:
            merged[-1] = Interval(merged[-1].start_at, right, word)
        else:
            merged.append(Interval(left, right, word))
    return merged
