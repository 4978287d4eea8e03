"""`make demo`: the whole product on this machine until Ctrl-C. CALSYNC_DEMO=headless prints one line, `ready`."""

import logging
import os
import signal
import sys
import threading
import time
import webbrowser
from pathlib import Path
from types import FrameType

from local.cloud import FolderInUseError, LocalCloud
from local.demo import fill
from local.layout import REPOSITORY
from local.people import FARAH

FOLDER = REPOSITORY / ".local"


def main() -> int:
    """Run until asked to end; 0 after a clean stop."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    is_headless = os.environ.get("CALSYNC_DEMO") == "headless"
    ask_to_end = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if ask_to_end.is_set():
            return
        ask_to_end.set()
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)

    began = time.monotonic()

    def tell(line: str) -> None:
        if not is_headless:
            print(f"{time.monotonic() - began:5.1f} s  {line}", flush=True)

    folder = Path(os.environ.get("CALSYNC_DEMO_FOLDER", FOLDER))
    cloud = LocalCloud(folder, tell=tell)
    try:
        cloud.start()
        fill(cloud, tell)
        print("ready" if is_headless else addresses(cloud), flush=True)
        if not is_headless:
            webbrowser.open(f"{cloud.public_url}/console")
        while not ask_to_end.wait(1):
            cloud.must_run()
    except KeyboardInterrupt:
        tell("stopping; the state stays in .local")
    except FolderInUseError as problem:
        print(problem, file=sys.stderr)
        return 2
    finally:
        cloud.stop()
    return 0


def addresses(cloud: LocalCloud) -> str:
    """One address per role, and how to sign in."""
    password = cloud.state.password
    return "\n".join(
        (
            "",
            f"  The administrator     {cloud.public_url}/console",
            f"                        admin@clinic.example, password {password}",
            f"  The booking system    {cloud.public_url}/bookings  (same sign-in)",
            f"  A person in Outlook   {cloud.microsoft.outlook_url}",
            f"                        anna.weber@clinic.example and others, password {password}",
            f"  A person at Exchange  {FARAH}, same password; invite her as",
            '                        "Exchange server of our own", server and authority are entered',
            f"                        web services: {cloud.microsoft.ews}",
            f"  All mails             {cloud.microsoft.mail_url}",
            f"  Scripts               {cloud.layout.demo}",
            "",
            "  Ctrl-C stops everything; `make demo` goes on where it ended.",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
