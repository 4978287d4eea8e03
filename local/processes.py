"""Starts processes in groups of their own and stops exactly those, never by name."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class ProcessEndedError(RuntimeError):
    """A process that should have stayed ended; the message holds the end of its log."""


@dataclass
class Started:
    """One running process and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def must_run(self) -> None:
        """Raises ProcessEndedError when the process is no longer there."""
        if (code := self.process.poll()) is not None:
            raise ProcessEndedError(f"{self.name} ended with {code}: {log_end(self.log)}")

    def stop(self, patience: float = 30) -> None:
        """Ask the process to end and wait (it saves its state); what is left of its group afterwards is killed."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
        end_group(self.process.pid)
        self.process.wait()


def start(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path) -> Started:
    """Start a process with exactly this environment, in a session of its own: Ctrl-C reaches only the launcher."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Started(name, process, log)


def end_group(group: int) -> None:
    """Kill what is left of a process group, for example the warm functions of an emulator."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def born_at(pid: int) -> str | None:
    """The start time of a process as the kernel counts it: a pid alone may belong to someone else by now."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[19]


def end_leftover(pid: int, born: str | None, patience: float = 30) -> None:
    """Stop a process of an earlier launcher that was killed, if it is still the same process."""
    if born is None or born_at(pid) != born:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while born_at(pid) == born and time.monotonic() < deadline:
        time.sleep(0.1)
    end_group(pid)


def log_end(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error message."""
    with contextlib.suppress(OSError):
        return "\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    return " (no log)"
