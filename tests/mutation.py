"""What the engine's tests would miss: mutmut breaks the engine line by line and runs its tests against each break; and
whether random lives notice the breaks of named promises (tests/properties/breaks.py).

    make mutation        rewrites docs/mutation.md: both scores, and every mutant that survived

mutmut wants the package at the top of a folder, so that its names are those that tests import: it works on a copy.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant

from tests.mutants_like_the_original import LIKE_THE_ORIGINAL
from tests.properties import breaks

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs/mutation.md"
SETUP = """\
[mutmut]
source_paths=calsync_core
only_mutate=
    calsync_core/engine/*
pytest_add_cli_args_test_selection=tests/unit/engine
also_copy=
    calsync_core
use_git_change_detection=false
"""
VERDICT = re.compile(r"^\s+(\S+__mutmut_\d+): (.+)$", re.MULTILINE)
Survivors = dict[str, list[str]]
"""The changed lines of each mutant that nobody noticed, by the function that it is one of."""


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(REPOSITORY / "layers/calsync_core/calsync_core", folder / "calsync_core")
        shutil.copytree(REPOSITORY / "tests", folder / "tests")
        (folder / "setup.cfg").write_text(SETUP)
        shutil.copy(REPOSITORY / "pyproject.toml", folder)
        mutmut, cores = Path(sys.executable).with_name("mutmut"), str(os.cpu_count() or 1)
        subprocess.run([mutmut, "run", "--max-children", cores], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        counts, survivors = read_results(folder)
    for function, line in no_longer_needed(survivors):
        print(f"tests/mutants_like_the_original.py: {function} has no such survivor: {line}")
    PAGE.write_text(page(counts, survivors, breaks.table()))
    return 0


def read_results(folder: Path) -> tuple[Counter[str], Survivors]:
    """Verdicts by name, and what survived."""
    mutmut = Path(sys.executable).with_name("mutmut")
    command = [mutmut, "results", "--all", "true"]
    results = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    verdicts = dict(VERDICT.findall(results))
    survived = [mutant for mutant, verdict in verdicts.items() if verdict == "survived"]
    survivors: Survivors = {}
    for mutant in survived:
        survivors.setdefault(_function(mutant), []).append(_diff(folder, mutant))
    return Counter(verdicts.values()), survivors


def _function(mutant: str) -> str:
    """`plan.decide`, of the package `engine`; `marks.KnownMarks.of` of a class."""
    function = mutant.rpartition("__mutmut_")[0].removeprefix("calsync_core.engine.")
    return function.replace(".x_", ".", 1).replace(".xǁ", ".", 1).replace("ǁ", ".")


def _diff(folder: Path, mutant: str) -> str:
    """The lines that differ, without their surroundings."""
    with contextlib.chdir(folder):
        lines = get_diff_for_mutant(mutant).splitlines()
    return "\n".join(line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))


def new_line(diff: str) -> str:
    """What the mutant says instead, in one line; where it only leaves something out, that with a minus before it."""
    lines = diff.splitlines()
    new = [line[1:].strip() for line in lines if line.startswith("+")]
    return " ".join(new) if new else "- " + " ".join(line[1:].strip() for line in lines)


def no_longer_needed(survivors: Survivors) -> list[tuple[str, str]]:
    """What is said to do the same, and was noticed or is not there any more."""
    found = {(function, new_line(diff)) for function, diffs in survivors.items() for diff in diffs}
    return [known for known in LIKE_THE_ORIGINAL if known not in found]


def page(counts: Counter[str], survivors: Survivors, lives: list[str]) -> str:
    alike = [(function, diff) for function in sorted(survivors) for diff in survivors[function]
             if (function, new_line(diff)) in LIKE_THE_ORIGINAL]  # fmt: skip
    missed = [(function, diff) for function in sorted(survivors) for diff in survivors[function]
              if (function, new_line(diff)) not in LIKE_THE_ORIGINAL]  # fmt: skip
    total, noticed = counts.total(), counts["killed"] + counts["timeout"]
    judged = total - len(alike)
    score = (
        f"Run of {datetime.now(UTC):%Y-%m-%d}: {total} mutants, of which {len(alike)} do the same as the original "
        f"(below, with the reason). Of the other {judged}, {noticed} are noticed: **{noticed / judged:.1%}**. "
        f"{len(missed)} survived, {counts['no tests']} stand in lines that no unit test of the engine reaches."
    )
    lines = [
        "# What the tests would miss",
        "",
        "Made by `make mutation`, not written by hand.",
        "",
        "## Breaks of the engine, line by line",
        "",
        "mutmut breaks `engine/` in one place after the other and runs the engine's own unit tests against each. What",
        "they do not notice stands below; whole runs and random lives, which test the engine too, do not count here.",
        "",
        score,
        "",
        "## Breaks of named promises, noticed by random lives",
        "",
        "Each promise, the line that keeps it broken (`tests/properties/breaks.py`), and after how many random lives",
        f"somebody noticed; {breaks.LIVES} are lived at most.",
        "",
        *lives,
        "",
        "## Survivors",
        "",
        *(_by_function(missed) or ["None.", ""]),
        "## Mutants that do the same",
        "",
    ]  # fmt: skip
    for reason, group in groupby(sorted(alike, key=_reason), key=_reason):
        lines += [f"{reason}:", "", *_by_function(list(group))]
    return "\n".join(lines).rstrip() + "\n"


def _reason(one: tuple[str, str]) -> str:
    return LIKE_THE_ORIGINAL[one[0], new_line(one[1])]


def _by_function(mutants: list[tuple[str, str]]) -> list[str]:
    lines = []
    for function, group in groupby(mutants, key=lambda one: one[0]):
        lines += [f"`{function}`", "", "```diff", *(diff for _, diff in group), "```", ""]
    return lines


if __name__ == "__main__":
    sys.exit(main())
