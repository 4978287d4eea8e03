"""What the engine's tests would miss: mutmut breaks the engine line by line and runs its tests against each break.

    make mutation        rewrites docs/mutation.md: the score, and every mutant that survived

mutmut wants the package at the top of a folder, so that its names are those that tests import: it works on a copy.
"""

import contextlib
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


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(REPOSITORY / "layers/calsync_core/calsync_core", folder / "calsync_core")
        shutil.copytree(REPOSITORY / "tests", folder / "tests")
        (folder / "setup.cfg").write_text(SETUP)
        shutil.copy(REPOSITORY / "pyproject.toml", folder)
        mutmut = Path(sys.executable).with_name("mutmut")
        subprocess.run([mutmut, "run", "--max-children", "2"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        results = subprocess.run(
            [mutmut, "results", "--all", "true"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout
        verdicts = dict(VERDICT.findall(results))
        shown = {mutant: _diff(folder, mutant) for mutant, verdict in verdicts.items() if verdict == "survived"}
    PAGE.write_text(page(Counter(verdicts.values()), shown))
    return 0


def _diff(folder: Path, mutant: str) -> str:
    """The lines that differ, without their surroundings."""
    with contextlib.chdir(folder):
        lines = get_diff_for_mutant(mutant).splitlines()
    return "\n".join(line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))


def page(counts: Counter[str], survivors: dict[str, str]) -> str:
    total, killed = sum(counts.values()), counts["killed"] + counts["timeout"]
    tested = total - counts["no tests"]
    lines = [
        "# What the engine's tests would miss",
        "",
        "Made by `make mutation`, not written by hand: mutmut breaks `engine/` in one place after the other and runs",
        "the engine's own unit tests against each. A survivor is a break that they did not notice; what has *no tests*",
        "there is tested by whole runs only (series, identity, windows, random lives), which this page does not count.",
        "",
        f"Run of {datetime.now(UTC):%Y-%m-%d}: {total} mutants, {tested} in tested lines, {killed} of them noticed "
        f"({killed / tested:.1%}): "
        + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) + ".",
        "",
    ]  # fmt: skip
    for function, mutants in groupby(sorted(survivors), lambda mutant: mutant.rpartition("__mutmut_")[0]):
        where = function.removeprefix("calsync_core.").replace(".x_", ".", 1)
        lines += [f"`{where}`", "", "```diff", *(survivors[mutant] for mutant in mutants), "```", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
