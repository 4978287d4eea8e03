"""HTTP to a booking system by Host Connector v1: key, waits, errors. What the calls mean stands in connector.py."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlencode

import requests
from requests.adapters import HTTPAdapter

from calsync_core.adapters.hosts.loopback import mounted
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalsyncError,
    CursorExpiredError,
    InstallationError,
    ProviderThrottledError,
    ProviderUnavailableError,
    RefusedError,
    VersionChangedError,
)

LARGEST_ANSWER = 16 * 1024 * 1024
_CONNECT_AND_READ_SECONDS = (5.0, 25.0)
_LONGEST_WAIT = timedelta(seconds=3)
_ATTEMPTS = 3


class HostClient:
    """Every call may be repeated: PUT and DELETE by their nature, PATCH and POST by their idempotency key.

    `origin` says in Calsync-Origin from where a change comes.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        origin: str = "calsync",
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = base_url
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json", "Calsync-Origin": origin}
        self._session = mounted(session or _new_session(), base_url)
        self._sleep = sleep

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The answer's JSON object, {} without a body.

        Raises RefusedError, AppointmentGoneError (404), AppointmentRejectedError (what we sent is not taken),
        CursorExpiredError, VersionChangedError, InstallationError, ProviderUnavailableError.
        """
        url = f"{self.base_url}{path}"
        if query:
            url += "?" + urlencode(query, quote_via=quote)
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(method, url, body, {**self._headers, **(headers or {})})
            except ProviderThrottledError as error:
                if error.retry_after > _LONGEST_WAIT or attempt >= _ATTEMPTS:
                    raise
                self._sleep(error.retry_after.total_seconds())
            except ProviderUnavailableError:
                if attempt > 1:
                    raise

    def _once(
        self, method: str, url: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        sent = dict(headers)
        data = None
        if body is not None:
            data = json.dumps(body, separators=(",", ":")).encode()
            sent["Content-Type"] = "application/json"
        try:
            answer = self._session.request(
                method, url, data=data, headers=sent, timeout=_CONNECT_AND_READ_SECONDS, allow_redirects=False,
                stream=True,
            )  # fmt: skip
            with answer:
                content = _capped(answer)
        except requests.RequestException as error:
            raise ProviderUnavailableError("host_unreachable", kind=type(error).__name__) from None
        document = _parsed(content)
        if not 200 <= answer.status_code < 300:
            raise to_error(answer.status_code, answer.headers, document)
        if content and not isinstance(document, dict):
            raise ProviderUnavailableError("host_answer_unreadable", status=answer.status_code)
        return document if isinstance(document, dict) else {}


def to_error(status: int, headers: Mapping[str, str], document: object) -> CalsyncError:
    """By status, with the contract's stable code; the message for people is never read."""
    problem = document if isinstance(document, dict) else {}
    code = _code(problem.get("code"))
    detail: dict[str, str | int] = {"status": status}
    if code:
        detail["host_code"] = code
    if status in {401, 403}:
        return InstallationError("host_unauthorised", **detail)
    if status == 404:
        return AppointmentGoneError(**detail)
    if status == 409:
        return RefusedError(code or None, **_conflicting(problem))
    if status == 410:
        return CursorExpiredError(**detail)
    if status == 412:
        return VersionChangedError(**detail)
    if status in {429, 503}:
        wait = _retry_after(headers.get("Retry-After"))
        return ProviderThrottledError(wait, "host_busy", **detail)
    if 400 <= status < 500:
        return AppointmentRejectedError("host_rejected", **detail)
    return ProviderUnavailableError("host_unavailable", **detail)


def _conflicting(problem: Mapping[str, Any]) -> dict[str, str | int]:
    ids = problem.get("conflicting_ids")
    first = ids[0] if isinstance(ids, list) and ids and isinstance(ids[0], str) else ""
    return {"conflicting": first[:128]} if first else {}


def _code(value: object) -> str:
    """Codes are ours to show, so only what looks like one is taken."""
    is_code = isinstance(value, str) and len(value) <= 60 and value.replace("_", "").isalnum() and value.isascii()
    return str(value) if is_code else ""


def _retry_after(value: str | None) -> timedelta:
    try:
        seconds = float(value or "")
    except ValueError:
        seconds = 5.0
    return timedelta(seconds=min(max(seconds, 0.2), 3600.0) if seconds == seconds else 5.0)


def _new_session() -> requests.Session:
    """Keeps no cookies, and no .netrc replaces the account's own key; retries are ours alone."""
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = _as_it_is
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=4, max_retries=0))
    return session


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _capped(answer: requests.Response) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in answer.iter_content(64 * 1024):
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise ProviderUnavailableError("host_answer_too_large")
        pieces.append(piece)
    return b"".join(pieces)


def _parsed(content: bytes) -> object:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return None
