"""A small server of `bench/` as a process of its own, so that its CPU is nobody's. It prints its port first."""

import json
import subprocess
import sys
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, Self

from bench.measure import ROOT


class ServerProcess:
    """Runs `python -m module arguments`; ends with the block. It answers /reset and /counted beside its work."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self.port = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def reset(self) -> None:
        self._ask("/reset")

    def counted(self) -> dict[str, Any]:
        """Since the last reset: `requests` in all, and what the server counts besides."""
        return self._ask("/counted")

    def _ask(self, path: str) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", path)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return answer
