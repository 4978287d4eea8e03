"""The layers built once for this run by their own Makefile targets, for the interpreter that measures."""

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from bench.measure import ROOT

_KEPT: list[tempfile.TemporaryDirectory[str]] = []


class NotBuiltError(RuntimeError):
    """The layer could not be built here; the message says why."""


@cache
def built(layer: str, target: str) -> Path:
    """The folder `python` of the built layer, with its .pyc. Raises NotBuiltError."""
    folder = tempfile.TemporaryDirectory(prefix="calsync-layer-")
    _KEPT.append(folder)
    command = [
        "make", "-s", "-C", str(ROOT / "layers" / layer), target, f"ARTIFACTS_DIR={folder.name}",
        f"LAYER_PYTHON={sys.executable}",
    ]  # fmt: skip
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    if done.returncode:
        raise NotBuiltError((done.stderr or done.stdout).strip()[-300:])
    return Path(folder.name) / "python"


def megabytes(folder: Path) -> float:
    """Unzipped, in MB of 10^6 bytes, every file counted."""
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / 1e6
