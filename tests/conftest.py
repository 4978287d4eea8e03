"""The same examples on every machine: what is new is looked for by `make soak`, not by chance in a build."""

from collections import Counter
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.properties import rules_at_random

settings.register_profile("calsync", derandomize=True, deadline=None, database=None)
settings.load_profile("calsync")

ORACLE = "python-dateutil"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """What a test asked the oracle goes with its report, from whichever process."""
    before = rules_at_random.COUNTS.copy()
    yield
    if asked := rules_at_random.COUNTS - before:
        item.user_properties.append((ORACLE, dict(asked)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many rules and dates of recurring appointments were held against the oracle."""
    counts: dict[str, Counter[str]] = {}
    for report in terminalreporter.stats.get("passed", ()):
        for name, asked in report.user_properties:
            if name == ORACLE:
                counts.setdefault(report.nodeid.partition("::")[0], Counter()).update(asked)
    if counts:
        terminalreporter.section(f"{ORACLE} agreed")
    for file, asked in sorted(counts.items()):
        terminalreporter.write_line(f"{file}: {asked['rules']} rules, {asked['dates']} dates")
