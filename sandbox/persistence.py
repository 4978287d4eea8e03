"""The sandbox's state on disk: one file, written whole and renamed into place, so that a crash leaves the old one.

The file is a pickle of our own classes in a folder of our own user; it is read by the same code that wrote it. A
file of another layout is refused with its number, not guessed at.
"""

import contextlib
import os
import pickle
import tempfile
from pathlib import Path
from typing import Any

LAYOUT = 4
FILE = "state.pickle"


class StateError(RuntimeError):
    """The stored state cannot be used by this version of the sandbox."""


def save(folder: Path, state: dict[str, Any]) -> None:
    """Write the state; readable by the owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".state-")
    try:
        with os.fdopen(handle, "wb") as file:
            pickle.dump({"layout": LAYOUT, **state}, file)
        Path(name).replace(folder / FILE)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def load(folder: Path) -> dict[str, Any] | None:
    """Read the stored state; None when there is none.

    Raises:
        StateError: the file is of another layout or broken.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        state = pickle.loads(path.read_bytes())
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, TypeError) as broken:
        raise StateError(f"{path} cannot be read ({broken}); delete it to start empty") from broken
    if not isinstance(state, dict) or state.get("layout") != LAYOUT:
        found = state.get("layout") if isinstance(state, dict) else "none"
        raise StateError(f"{path} has layout {found}, this sandbox reads {LAYOUT}; delete it to start empty")
    return state
