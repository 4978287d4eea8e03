"""What the sweep's first step answers to its state machine."""

from typing import Any

from calsync_core.usecases.sweep import Found


def batches_of(found: Found) -> dict[str, Any]:
    return {"batches": [{"items": batch} for batch in found.batches], "more": found.has_more}
