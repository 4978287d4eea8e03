"""Several writes into one mailbox at once, as many as its budget allows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from calsync_core.usecases.sync.sync_run import SyncRun


def in_lanes(run: SyncRun, jobs: list[Callable[[], None]]) -> None:
    """Up to `lanes` writes at once into one mailbox; the first failure that stops the run is raised after all ended."""
    if run.ports.lanes <= 1 or len(jobs) <= 1:
        for job in jobs:
            job()
        return
    with ThreadPoolExecutor(run.ports.lanes) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()
