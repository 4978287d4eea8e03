"""One long question as several short ones: batches of mailboxes, slices of time, answers put together again.

What fails hurts its own part: that part is unknown with its reason, and the rest is answered.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice

from calsync_core.domain.errors import CalsyncError, InputError
from calsync_core.domain.free_busy import BusyTimes, joined, unknown
from calsync_core.domain.windows import Window
from calsync_core.ports.role_accounts import FreeBusySource

SHORTEST = timedelta(days=1)
"""A server that allows less than usual is asked for halves, but not for ever."""
SHORTEST_FULL = timedelta(days=12)
"""The same for a mailbox whose times could not be put together: mostly it has too many (1,000) in the span."""
FAILED = "free_busy_failed"


def ask_free_busy(
    source: FreeBusySource, addresses: Sequence[str], span: Window, is_late: Callable[[], bool] = lambda: False
) -> dict[str, BusyTimes]:
    """Each address once, whatever its upper and lower case; gives an answer for every one. Never raises for a part.

    Once `is_late`, what is left is unknown(too_slow).
    """
    wanted = list({one.casefold(): one for one in addresses}.values())
    questions = [(batch, part) for part in slices(span, source.limits.span) for batch in _batches(source, wanted)]
    if not questions:
        return {}
    with ThreadPoolExecutor(min(source.limits.lanes, len(questions))) as pool:
        answers = list(pool.map(lambda one: _asked(source, one[0], one[1], is_late), questions))
    return {address: joined((answer[address] for answer in answers if address in answer), span) for address in wanted}


def slices(span: Window, longest: timedelta) -> list[Window]:
    """Parts that lie end to end, none longer than `longest`."""
    parts, start = [], span.start_at
    while start < span.end_at:
        end = min(start + longest, span.end_at)
        parts.append(Window(start, end))
        start = end
    return parts


def _batches(source: FreeBusySource, addresses: Sequence[str]) -> list[list[str]]:
    left = iter(addresses)
    return list(iter(lambda: list(islice(left, source.limits.addresses)), []))


def _asked(
    source: FreeBusySource, addresses: Sequence[str], span: Window, is_late: Callable[[], bool]
) -> dict[str, BusyTimes]:
    if is_late():
        return dict.fromkeys(addresses, unknown(span, "too_slow"))
    try:
        found = source.ask(addresses, span)
    except InputError as error:
        if error.code != "span_too_long" or span.end_at - span.start_at <= SHORTEST:
            return dict.fromkeys(addresses, unknown(span, error.code))
        return _in_halves(source, addresses, span, is_late)
    except CalsyncError as error:
        return dict.fromkeys(addresses, unknown(span, error.code))
    full = [address for address in addresses if address in found and found[address].reason == FAILED]
    again = _in_halves(source, full, span, is_late) if full and span.end_at - span.start_at > SHORTEST_FULL else {}
    nothing = unknown(span, "answer_unreadable")
    return {address: again.get(address) or found.get(address, nothing) for address in addresses}


def _in_halves(
    source: FreeBusySource, addresses: Sequence[str], span: Window, is_late: Callable[[], bool]
) -> dict[str, BusyTimes]:
    middle = span.start_at + (span.end_at - span.start_at) / 2
    middle = middle.replace(minute=0, second=0, microsecond=0)
    halves = [
        _asked(source, addresses, part, is_late)
        for part in (Window(span.start_at, middle), Window(middle, span.end_at))
    ]
    return {address: joined((half[address] for half in halves), span) for address in addresses}
