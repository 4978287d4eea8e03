"""Who is free when: intervals with a third value, `unknown`, beside busy and free (fail closed)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise


class Occupied(StrEnum):
    BUSY = "busy"
    TENTATIVE = "tentative"
    OOF = "oof"
    UNKNOWN = "unknown"


_STRENGTH = {Occupied.TENTATIVE: 0, Occupied.BUSY: 1, Occupied.OOF: 2, Occupied.UNKNOWN: 3}


@dataclass(frozen=True, slots=True)
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
    edges = sorted({edge for one in inside for edge in (one.start_at, one.end_at)})
    merged: list[Interval] = []
    for left, right in pairwise(edges):
        words = [one.occupied for one in inside if one.start_at <= left and right <= one.end_at]
        if not words:
            continue
        word = max(words, key=_STRENGTH.__getitem__)
        if merged and merged[-1].end_at == left and merged[-1].occupied is word:
            merged[-1] = Interval(merged[-1].start_at, right, word)
        else:
            merged.append(Interval(left, right, word))
    return merged
