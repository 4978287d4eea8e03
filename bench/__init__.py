"""calsync's budgets, each measured beside its yardstick in the same run: `make bench`, `python -m bench --help`."""

import sys
from pathlib import Path

# This tree is measured, whatever tree the environment's editable installation points to.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "calsync_core"))
