"""Reading what API Gateway hands over: query, body, headers. Both payload habits of AWS and of its emulators."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from calsync_core.hosts.reference.answers import Once
from calsync_core.hosts.reference.errors import HostError, InvalidInputError
from calsync_core.hosts.reference.messages import Model, parse

MAX_BODY_BYTES = 128 * 1024
_MAX_HEADER = 128


class Incoming:
    """One HTTP API event (payload format 2.0), read once."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        http = event["requestContext"]["http"]
        self.method = str(http["method"]).upper()
        self.path = str(event.get("rawPath") or http["path"])
        self.headers = {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}
        self._event = event

    @property
    def body(self) -> bytes:
        """The raw body.

        Raises:
            HostError: `body_too_large`, or `malformed` base64.
        """
        raw: str = self._event.get("body") or ""
        if len(raw) > MAX_BODY_BYTES * 4 // 3 + 4:
            raise _too_large()
        try:
            encoded = self._event.get("isBase64Encoded")
            body = base64.b64decode(raw, validate=True) if encoded else raw.encode()
        except (binascii.Error, ValueError) as error:
            raise HostError(400, "malformed", "The body cannot be read.") from error
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        return body

    def parsed(self, model: type[Model]) -> Model:
        """The JSON body as the model; see `documents.parse`."""
        return parse(model, self.body)

    @property
    def query(self) -> dict[str, str]:
        """The query parameters.

        Raises:
            InvalidInputError: one came twice.
        """
        raw = self._event.get("rawQueryString")
        if raw is None:
            return {name: str(value) for name, value in (self._event.get("queryStringParameters") or {}).items()}
        try:
            found = parse_qs(raw, keep_blank_values=True, max_num_fields=50, errors="strict")
        except ValueError as error:
            raise InvalidInputError(("query", "cannot be read")) from error
        if twice := [name for name, values in found.items() if len(values) > 1]:
            raise InvalidInputError((twice[0], "came twice"))
        return {name: values[0] for name, values in found.items()}

    @property
    def form(self) -> dict[str, str]:
        """The fields of a posted form; of a field that came twice, the last.

        Raises:
            HostError: `malformed` or `body_too_large`.
        """
        try:
            found = parse_qs(self.body.decode(), keep_blank_values=True, max_num_fields=400)
        except ValueError as error:
            raise HostError(400, "malformed", "The form cannot be read.") from error
        return {name: values[-1] for name, values in found.items()}

    @property
    def expected_version(self) -> str | None:
        """The version of If-Match, with or without quotes; None if any will do."""
        value = self.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
        return None if value in {"", "*"} else value

    @property
    def once(self) -> Once | None:
        """What Idempotency-Key asks for.

        Raises:
            InvalidInputError: the key is too long.
        """
        key = self.headers.get("idempotency-key")
        if not key:
            return None
        if len(key) > _MAX_HEADER or not key.isprintable():
            raise InvalidInputError(("Idempotency-Key", f"must have at most {_MAX_HEADER} printable characters"))
        return Once.of(key, f"{self.method} {self.path}", self.body)

    def carries(self, key: str) -> bool:
        """Whether the request's Bearer key is this one, compared in constant time."""
        scheme, _, given = self.headers.get("authorization", "").partition(" ")
        is_equal = hmac.compare_digest(given.strip().rstrip("=").encode(), key.rstrip("=").encode())
        return scheme.lower() == "bearer" and is_equal


def _too_large() -> HostError:
    return HostError(413, "body_too_large", f"A body holds at most {MAX_BODY_BYTES // 1024} KiB.")
