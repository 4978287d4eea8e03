"""Two stories that heal by the clock, minutes later: begun before the first test, looked at by test_patience.py.

A room's shared calendar that nobody announces changes of is asked every five minutes. A run whose process is killed
leaves its lease to run out; its due item brings the resource back.
"""

import os
import signal
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from local.cloud import LocalCloud
from local.journey import choice_named, wait_for
from tests.e2e.clinic import Clinic, Worker, until


@dataclass(frozen=True)
class Stories:
    """`*_day`: where the entry stands that is to be found."""

    room: Worker
    room_day: date
    killed: Worker
    killed_day: date


def begin(clinic: Clinic) -> Stories:
    """Connect a room by its custodian, and kill the process that works for somebody else."""
    room, room_day = _polled_room(clinic), clinic.day()
    room.mailbox.create(room_day, "09:00", "10:00", "Maintenance")
    killed, killed_day = clinic.hire("Karl Killed"), clinic.day()
    _kill_while_working(clinic, killed, killed_day)
    return Stories(room, room_day, killed, killed_day)


def _polled_room(clinic: Clinic) -> Worker:
    custodian = clinic.move_in("Erik Key")
    email = clinic.move_in("Laser room", kind="room", password=None)
    clinic.control.call("POST", f"/people/{email}/calendars/default/share", {"person": custodian, "role": "write"})
    owner = {"id": f"owner-{custodian}", "name": "Erik Key", "email": custodian}
    room = Worker(clinic, clinic.add_resource("Laser room", email, kind="room", owner=owner), email)
    person = clinic.person(custodian)
    page = person.sign_in(person.go_to_microsoft(clinic.link(room.id)))
    person.choose(page, primary=choice_named(page, "primary", "shared by"), conflicts=[])
    room.wait_state("connected")
    return room


def _kill_while_working(clinic: Clinic, worker: Worker, day: date) -> None:
    """Graph keeps the run waiting; while it waits, the process of the function dies."""
    match = {"mailbox": worker.email, "path": "delta"}
    rule = clinic.control.call("POST", "/faults", {"match": match, "times": 1, "action": {"delay": 20}})
    worker.mailbox.create(day, "09:00", "10:00", "After the crash")

    def has_fired() -> bool:
        rules: list[dict[str, Any]] = clinic.control.call("GET", "/faults")
        return any(one["id"] == rule["id"] and one["fired"] for one in rules)

    wait_for("the run that is to die", has_fired)
    workers = _workers(clinic.cloud, "SyncJob")
    assert workers, "no process of sync_job is to be found"
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    until("processes of sync_job", lambda: [pid for pid in workers if _runs(pid)], [])
    clinic.control.call("DELETE", f"/faults/{rule['id']}")


def _runs(pid: int) -> bool:
    """A dead process that the emulator has not noticed yet keeps its number, but has no command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def _workers(cloud: LocalCloud, function: str) -> list[int]:
    """The processes of a function below this cloud's emulator."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        values = dict(part.split(b"=", 1) for part in environment if b"=" in part)
        name = values.get(b"AWS_LAMBDA_FUNCTION_NAME", b"").decode()
        is_ours = values.get(b"AWS_ENDPOINT_URL", b"").decode() == cloud.aws_endpoint
        if is_ours and name.startswith(f"{cloud.stack_name}-{function}"):
            found.append(int(folder.name))
    return found
