"""The lines of one run as a table for docs/performance.md."""

import json
from typing import Any

HEAD = """# Performance: one run of the bench

Made by `python -m bench --markdown > docs/performance.md`; not written by hand. `make bench` prints the same as JSON.

- Each row stands beside its yardstick, measured in the same run on the same work. Compare *ratios*: seconds belong to
  the machine of that day, and the machine may be shared. CPU time is used wherever waiting is not the subject.
- *met*: **yes**, **no** (then the last column says what bounds it), or *not measured* with its reason.
- The JSON lines hold more: the yardstick's command, counts of calls and table units, peak memory, versions.
- Rows with fewer parts of the real thing say so in their text: the import's links lie in a file, the export's service
  time is shortened and added back, costs are counted calls x the prices in `bench/prices.py` x printed assumptions.
- What is not in a timed test on purpose: nothing in `tests/` fails because a machine was slow.
"""


def table(lines: list[str]) -> str:
    rows = [json.loads(line) for line in lines]
    first = rows[0]
    about = ", ".join(f"{name} {version}" for name, version in first["versions"].items())
    calibration = sorted(row["calibration_ms"] for row in rows)
    told = (
        f"Run of {first['date']}; calibration loop {calibration[0]}-{calibration[-1]} ms "
        f"(a fixed Python loop: a slower machine has a larger number); {about}.\n"
    )
    head = "| row | what | budget | value | yardstick | ratio | met | bounded by, or why not measured |\n"
    return f"{HEAD}\n{told}\n{head}|---|---|---|---|---|---|---|---|\n" + "".join(map(_line, rows))


def _line(row: dict[str, Any]) -> str:
    yardstick = row["yardstick"] or {"what": "-", "value": None}
    value = "-" if row["value"] is None else f"{row['value']} {row['unit']}"
    beside = yardstick["what"] if yardstick["value"] is None else f"{yardstick['what']}: {yardstick['value']}"
    met = {True: "yes", False: "**no**", None: "-"}[row["met"]]
    why = row["bounded_by"] or row["reason"] or ""
    cells = [row["row"], row["what"], row["budget"], value, beside, row["ratio"] or "-", met, why]
    return (
        "| " + " | ".join(str(cell).replace("|", "/").replace("<=", "≤").replace(">=", "≥") for cell in cells) + " |\n"
    )
