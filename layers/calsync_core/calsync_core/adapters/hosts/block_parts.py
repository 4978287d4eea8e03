"""Many blocks in one call, where the booking system takes many (capability `block_batch`).

What one call holds, and what its answer says of each block; connector.py decides when.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from calsync_core.adapters.hosts.client import HostClient, to_error
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    ProviderUnavailableError,
    RefusedError,
)
from calsync_core.domain.ids import LinkRef

Bodies = dict[LinkRef, dict[str, Any]]
MOST_BYTES = 100 * 1024
"""Of a body, which the contract lets hold 128 KiB."""


def block_parts(bodies: Bodies, most: int) -> Iterator[Bodies]:
    """At most so many in each, and no more than fit into a body; one that is too large by itself stands alone."""
    part: Bodies = {}
    size = 0
    for ref, body in bodies.items():
        own = len(json.dumps(body)) + len(ref) + 20
        if part and (len(part) >= most or size + own > MOST_BYTES):
            yield part
            part, size = {}, 0
        part[ref] = body
        size += own
    if part:
        yield part


def put_part(client: HostClient, part: Bodies) -> dict[LinkRef, str | AppointmentRejectedError]:
    """One call. Nothing at all where it refuses the call as a whole.

    Raises ProviderUnavailableError and its kin, also where a single block met that: all of them are sent again then.
    """
    sent = [{"ref": ref, **body} for ref, body in part.items()]
    try:
        answer = client.call("PUT", "/blocks", body={"blocks": sent})
    except (RefusedError, AppointmentGoneError, AppointmentRejectedError):
        return {}
    items = answer.get("items")
    if not isinstance(items, list) or [_ref(one) for one in items] != list(part):
        raise ProviderUnavailableError("host_answer_unreadable", field="items")
    return {ref: _outcome(item) for ref, item in zip(part, items, strict=True)}


def version_of(document: Mapping[str, Any]) -> str:
    version = document.get("version")
    return version if isinstance(version, str) else ""


def refused_block(error: RefusedError | AppointmentGoneError) -> AppointmentRejectedError:
    """The contract never refuses a fact; 404: no such resource."""
    return AppointmentRejectedError("block_refused", **error.detail)


def _outcome(item: dict[str, Any]) -> str | AppointmentRejectedError:
    status = item.get("status")
    if not isinstance(status, int):
        raise ProviderUnavailableError("host_answer_unreadable", field="items.status")
    if 200 <= status < 300:
        block = item.get("block")
        return version_of(block) if isinstance(block, dict) else ""
    error = to_error(status, {}, item.get("problem"))
    if isinstance(error, RefusedError | AppointmentGoneError):
        return refused_block(error)
    if isinstance(error, AppointmentRejectedError):
        return error
    raise error


def _ref(item: object) -> object:
    return item.get("ref") if isinstance(item, dict) else None
