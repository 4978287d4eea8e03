"""`python -m bench`: every row, or those named. One JSON line per row on stdout, a short progress line on stderr."""

import argparse
import sys
import time
from collections.abc import Callable
from importlib import import_module

from bench.markdown import table
from bench.rows import Options, Row, line

GROUPS: dict[str, str] = {
    "engine": "bench.engine",
    "reading": "bench.reading",
    "import": "bench.importing",
    "export": "bench.exporting",
    "calls": "bench.changing",
    "cost": "bench.cost",
    "layers": "bench.layers",
    "cold_start": "bench.cold_start",
    "webhook": "bench.webhook",
}
"""Name on the command line -> module with `rows(options)`. A group is what shares one measured set-up."""


def measure(group: str) -> Callable[[Options], list[Row]]:
    found: Callable[[Options], list[Row]] = import_module(GROUPS[group]).rows
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"some of: {', '.join(GROUPS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, no local cloud; about 90 seconds")
    parser.add_argument("--tiny", action="store_true", help="only to see that every row runs; figures say nothing")
    parser.add_argument("--peers", action="store_true", help="also read with O365 and msgraph-sdk (minutes)")
    parser.add_argument("--markdown", action="store_true", help="a table in Markdown instead of JSON lines")
    given = parser.parse_args(arguments)
    if unknown := set(given.groups) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    options = Options(given.quick, given.tiny, given.peers)
    lines: list[str] = []
    for group in given.groups or GROUPS:
        began = time.perf_counter()
        for row in measure(group)(options):
            lines.append(line(row))
            if not given.markdown:
                print(lines[-1], flush=True)
        print(f"# {group}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    if given.markdown:
        print(table(lines), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
