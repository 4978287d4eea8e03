"""Where things lie: the tools that `make` installed, and the folder of one local cloud."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TOOLS = REPOSITORY / ".tools"
SAM = TOOLS / "sam" / "bin" / "sam"
EMULATOR_PYTHON = TOOLS / "emulator" / "bin" / "python"
RESOLVER = Path(__file__).resolve().parent / "resolver"


@dataclass(frozen=True)
class Layout:
    """The folder of one local cloud; everything it writes is in here."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def demo(self) -> Path:
        return self.root / "demo.json"

    @property
    def emulator_state(self) -> Path:
        return self.root / "aws"

    @property
    def sandbox_state(self) -> Path:
        return self.root / "microsoft"

    @property
    def scratch(self) -> Path:
        """Temporary files of the functions; emptied at start and at stop."""
        return self.root / "tmp"

    @property
    def build(self) -> Path:
        return self.root / "build"

    def log(self, name: str) -> Path:
        return self.root / "log" / f"{name}.log"

    def prepare(self) -> None:
        """Make the folders, empty the scratch folder, take away what an earlier run said was ready."""
        self.demo.unlink(missing_ok=True)
        self.empty_scratch()
        for folder in (self.emulator_state, self.sandbox_state, self.scratch, self.root / "log"):
            folder.mkdir(parents=True, exist_ok=True)

    def empty_scratch(self) -> None:
        """Throw away what functions unpacked: every warm one holds a copy of its layers there."""
        shutil.rmtree(self.scratch, ignore_errors=True)


def clean_environment(**more: str) -> dict[str, str]:
    """Only what a process needs. An AWS_* of the person's shell must never reach a function of the local cloud."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}
    return kept | more
