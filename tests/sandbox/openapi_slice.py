"""Checks requests and answers against Microsoft's own description of Graph v1.0 (its calendar slice).

Not a test: test_graph_*.py use it on every call, other suites on a request log. Enums and types are strict, unknown
fields are allowed, because the real service adds some that its description does not name.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

DESCRIPTION = Path(__file__).parents[2].parent / "shared" / "reference" / "graph-calendar.openapi.yaml"
_FUNCTION = re.compile(r"(delta|supportedTimeZones)(?=$|\?)")


class Slice:
    """The description, ready to judge one exchange of messages at a time."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._components = _without_nullable(description["components"])
        self._operations: list[tuple[re.Pattern[str], dict[str, Any]]] = [
            (_pattern(path), operations) for path, operations in description["paths"].items()
        ]
        self._validators: dict[str, Any] = {}

    def knows(self, method: str, path: str) -> bool:
        """Whether the description has such an operation; path without /v1.0 and query."""
        return self._operation(method, path) is not None

    def check(
        self,
        method: str,
        path: str,
        status: int,
        body: Any,
        request_body: Any = None,
        *,
        is_good_request: bool = True,
    ) -> None:
        """Fail when the exchange does not fit the description.

        `path` begins after /v1.0 and may carry a query. A request that is wrong on purpose is not checked.
        Raises AssertionError.
        """
        bare = path.split("?", maxsplit=1)[0].removeprefix("/v1.0")
        operation = self._operation(method, bare)
        assert operation is not None or status >= 400, f"not in the description: {method} {bare}"
        if operation is None:
            return
        if request_body is not None and is_good_request and status < 400:
            content = operation.get("requestBody", {}).get("content", {})
            self._fit(_reference(content), request_body, f"request of {method} {bare}")
        responses = operation["responses"]
        response = responses.get(f"{status // 100}XX", {})
        if "$ref" in response:
            response = self._components["responses"][response["$ref"].rsplit("/", 1)[-1]]
        expected = operation.get("x-calsync-status")
        assert status >= 400 or expected is None or status == expected, f"{method} {bare}: {status}, not {expected}"
        schema = _reference(response.get("content", {}))
        if schema is None:
            assert not body, f"{method} {bare} answers a body that the description does not have"
            return
        self._fit(schema, body, f"{status} of {method} {bare}")

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        asked = _FUNCTION.sub(r"\1()", path)
        for pattern, operations in self._operations:
            if pattern.fullmatch(asked) and method.lower() in operations:
                return operations[method.lower()]
        return None

    def _fit(self, schema: Any, value: Any, what: str) -> None:
        key = str(schema)
        if key not in self._validators:
            whole = {**(schema or {}), "components": self._components}
            self._validators[key] = jsonschema.Draft202012Validator(whole)
        faults = list(self._validators[key].iter_errors(value))
        best = jsonschema.exceptions.best_match(faults)
        assert best is None, f"{what}: {best.json_path}: {best.message[:600]}"


def _reference(content: dict[str, Any]) -> Any:
    return _without_nullable(content.get("application/json", {}).get("schema"))


def _pattern(path: str) -> re.Pattern[str]:
    pieces = re.split(r"\{[^}]+\}", path)
    return re.compile(r"[^/()']+".join(map(re.escape, pieces)))


def _without_nullable(value: Any) -> Any:
    """OpenAPI 3.0's nullable in the words of JSON Schema; formats and patterns stay as they are."""
    if isinstance(value, list):
        return [_without_nullable(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: _without_nullable(one) for name, one in value.items() if name != "nullable"}
    if value.get("nullable") is not True:
        return found
    if value.get("enum") == [None]:
        return {"type": "null"}
    if isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


@lru_cache(maxsize=1)
def load_slice() -> Slice:
    """The description beside the repository; skips the test where it is not there."""
    if not DESCRIPTION.exists():
        pytest.skip("../shared/reference/graph-calendar.openapi.yaml is not here")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Slice(yaml.load(DESCRIPTION.read_text(encoding="utf-8"), Loader=loader))
