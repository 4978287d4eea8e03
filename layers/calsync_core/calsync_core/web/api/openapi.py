"""The OpenAPI 3.1 document of /v1, made from the table of operations and the models; `python -m` prints it.

It is committed as docs/api/openapi.json; a test compares the two.
"""

import json
import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from calsync_core.web.api import schemas
from calsync_core.web.api.routes import OPERATIONS, Operation

API_VERSION = "1.0.0"  # of the contract, not of the package: it grows when an operation or field does
_REF = "#/components/schemas/{model}"
_COMMON = ("key_missing", "key_unknown")
_UNKNOWN = {
    "conflict_id": "conflict_unknown",
    "connection_id": "connection_unknown",
    "resource_id": "resource_unknown",
}
_QUERY: dict[str, dict[str, Any]] = {
    "cursor": {"schema": {"type": "string"}, "description": "From the page before."},
    "limit": {"schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}},
    "from": {"schema": {"type": "string", "format": "date-time"}, "required": True},
    "to": {
        "schema": {"type": "string", "format": "date-time"},
        "required": True,
        "description": "Exclusive; at most 62 days after `from`.",
    },
    "resource_id": {"schema": {"type": "string"}},
    "status": {
        "schema": {"type": "string", "enum": ["open", "ended"], "default": "open"},
        "description": "ended: left alone, settled by themselves, resolved by a person; the last 90 days.",
    },
    "title": {
        "schema": {"type": "string", "maxLength": 255},
        "description": "Part of a booking's title, or of an entry's where the settings let it be read.",
    },
    "at": {"schema": {"type": "string", "format": "date-time"}, "description": "A moment inside the appointment."},
    "from?": {"schema": {"type": "string", "format": "date-time"}, "description": "With `to`: a span instead."},
    "to?": {"schema": {"type": "string", "format": "date-time"}, "description": "Exclusive; at most 62 days."},
    "booking_id": {"schema": {"type": "string"}},
    "entry_id": {"schema": {"type": "string"}, "description": "The provider's id of an entry."},
}


def document() -> dict[str, Any]:
    """Valid OpenAPI 3.1; the same for the same version of the code."""
    models = {operation.gives for operation in OPERATIONS} | {schemas.ProblemOut}
    asked = {operation.asks for operation in OPERATIONS if operation.asks}
    pairs = [(model, "serialization") for model in models] + [(model, "validation") for model in asked]
    ordered = sorted(pairs, key=lambda pair: pair[0].__name__)
    names, definitions = models_json_schema(ordered, ref_template=_REF)  # type: ignore[arg-type]
    refs: dict[Any, str] = {model: schema["$ref"] for (model, _mode), schema in names.items()}
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "calsync",
            "version": API_VERSION,
            "summary": "Calendars of people, rooms and equipment in agreement with a booking system",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(definitions["$defs"].items())),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key of the console's page Connections."}
            },
        },
    }


def text() -> str:
    """As it is committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def _operation(operation: Operation, refs: dict[Any, str]) -> dict[str, Any]:
    in_path = re.findall(r"\{(\w+)\}", operation.path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in in_path]
    parameters += [{"name": name.rstrip("?"), "in": "query", **_QUERY[name]} for name in operation.query]
    codes = [*_COMMON, *(["scope_missing"] if operation.scope == "write" else []), *operation.errors]
    if in_path:
        codes.append(next(code for name, code in _UNKNOWN.items() if name in in_path))
    problem = {"application/problem+json": {"schema": {"$ref": refs[schemas.ProblemOut]}}}
    described: dict[str, Any] = {
        "operationId": operation.id.replace(".", "_"),
        "summary": operation.summary,
        "description": f"Needs a key that may {operation.scope}.",
        "tags": [operation.id.partition(".")[0]],
        "parameters": parameters,
        "responses": {
            str(operation.status): {
                "description": "Done",
                "content": {"application/json": {"schema": {"$ref": refs[operation.gives]}}},
            },
            "default": {
                "description": "A problem; codes: " + ", ".join(f"`{code}`" for code in codes),
                "content": problem,
            },
        },
    }
    if operation.asks is not None:
        body = {"application/json": {"schema": {"$ref": refs[operation.asks]}}}
        described["requestBody"] = {"required": _needs_body(operation.asks), "content": body}
    return described


def _needs_body(model: type[BaseModel]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())


if __name__ == "__main__":
    import sys

    sys.stdout.write(text())
