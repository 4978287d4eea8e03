"""The layers built once for this run by their own Makefile targets, for the interpreter that measures; beside them
boto3 as pip installs it, for the yardstick."""

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from bench.measure import ROOT

_KEPT: list[tempfile.TemporaryDirectory[str]] = []


_BOTO3 = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")


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


@cache
def plain_boto3() -> Path:
    """A folder with boto3 and what it needs, nothing left out, with .pyc made as the layers' are."""
    kept = tempfile.TemporaryDirectory(prefix="calsync-boto3-")
    _KEPT.append(kept)
    folder = Path(kept.name)
    for name in _BOTO3:
        for one in distribution(name).files or []:
            if one.suffix != ".pyc" and ".." not in one.parts:
                target = folder / one
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(one.locate(), target)
    compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    return folder


def megabytes(folder: Path) -> float:
    """Unzipped, in MB of 10^6 bytes, every file counted."""
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / 1e6
