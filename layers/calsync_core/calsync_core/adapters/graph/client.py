"""HTTP to Graph for one mailbox: one session, lanes, waits, tokens, errors. What the calls mean stands elsewhere.

Waits of seconds are done in place (a Lambda is paid by the second); longer ones become ProviderThrottledError, so that
the state machine waits. A create is tried again only when the answer says that nothing was done.
"""

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter

from calsync_core.adapters.graph.errors import Refusal, read_refusal, to_error
from calsync_core.adapters.graph.lanes import LANES, Lanes
from calsync_core.domain.errors import CalsyncError, ProviderThrottledError, ProviderUnavailableError

PREFER = 'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text"'
"""Goes with every call, batch parts and next links too: without it ids do not match and times shift."""

PREFER_HTML = PREFER.replace('"text"', '"html"')
"""The same, where the formatting of notes is kept."""

LARGEST_ANSWER = 48 * 1024 * 1024
CONNECT_AND_READ_SECONDS = (5.0, 20.0)
_PIECE = 256 * 1024
_TOO_MUCH = frozenset({"answer_too_large", "timed_out"})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait in place: for one answer, and in all for one call."""

    one: timedelta = timedelta(seconds=3)
    total: timedelta = timedelta(seconds=6)
    attempts: int = 3


class GraphRefusedError(Exception):
    """Internal to this package: an answer that is not a success, before a method decides what it means there."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.code}")
        self.refusal = refusal

    @property
    def error(self) -> CalsyncError:
        return to_error(self.refusal)


def is_too_much(error: Exception) -> bool:
    """Asking again would not make the answer better; asking for less may. A 503 or 504 with an empty body is the
    service's own way to say so (graph.md section 4)."""
    if isinstance(error, GraphRefusedError):
        refusal = error.refusal
        return refusal.status in {503, 504} and refusal.is_empty and refusal.retry_after is None
    return isinstance(error, ProviderUnavailableError) and error.code in _TOO_MUCH


class GraphClient:
    """`token(force)` gives an access token, a fresh one when forced. `base_url` ends in /v1.0, without a slash.

    One object per mailbox and process; safe to share between threads.
    """

    def __init__(
        self,
        base_url: str,
        token: Callable[[bool], str],
        *,
        session: requests.Session | None = None,
        lanes: Lanes | None = None,
        is_live: bool = False,
        patience: Patience = Patience(),
        timeout: tuple[float, float] = CONNECT_AND_READ_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = base_url
        self._timeout = timeout
        self._token = token
        self._session = session or new_session()
        self._lanes = lanes or Lanes()
        self._is_live = is_live
        self._patience = patience
        self._sleep = sleep

    # -- calls --------------------------------------------------------------------------------------------------

    def get(
        self, url: str, query: Mapping[str, str] | None = None, *, prefer: str = "", with_html: bool = False
    ) -> dict[str, Any]:
        """`url` is a path, or a link of an earlier answer, which is checked before the token goes to it.

        Raises GraphRefusedError, ProviderUnavailableError.
        """
        return self._call("GET", self.address(url, query), prefer=prefer, with_html=with_html)

    def pages(
        self, url: str, query: Mapping[str, str] | None = None, *, with_html: bool = False
    ) -> Iterator[dict[str, Any]]:
        """An answer and all that its next links lead to, empty ones too.

        Raises as `get`, and ProviderUnavailableError("answer_endless") where they lead in a circle.
        """
        link, known = self.address(url, query), set[str]()
        while link not in known:
            known.add(link)
            answer = self.get(link, with_html=with_html)
            yield answer
            following = answer.get("@odata.nextLink")
            if not following:
                return
            link = self.address(str(following))
        raise ProviderUnavailableError("answer_endless")

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Never repeated after a cut connection or a 5xx: it may have taken effect."""
        return self._call("POST", self.address(path), body, is_repeatable=False)

    def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A question that goes by POST (getSchedule): it changes nothing, so it is repeated like a GET."""
        return self._call("POST", self.address(path), body)

    def patch(self, path: str, body: Mapping[str, Any], version: str | None = None) -> dict[str, Any]:
        return self._call("PATCH", self.address(path), body, version=version)

    def delete(self, path: str, version: str | None = None) -> None:
        self._call("DELETE", self.address(path), version=version)

    def batch(self, parts: list[dict[str, Any]]) -> dict[str, tuple[int, dict[str, str], Any]]:
        """Up to 20 reading parts in one call -> (status, headers, body) by part id; all lanes are taken."""
        answer = self._call("POST", self.address("/$batch"), {"requests": parts}, lane=self._lanes.all())
        found: dict[str, tuple[int, dict[str, str], Any]] = {}
        for part in answer.get("responses") or ():
            if isinstance(part, dict) and isinstance(part.get("status"), int):
                found[str(part.get("id"))] = (part["status"], part.get("headers") or {}, part.get("body"))
        return found

    def pause(self, wait: timedelta) -> None:
        """Wait in place before asking again. Raises ProviderThrottledError when that would take too long."""
        if wait > self._patience.one:
            raise ProviderThrottledError(wait)
        self._sleep(wait.total_seconds() * (1 + random.random() * 0.25))  # noqa: S311 - jitter, no secret

    def owns(self, link: str) -> bool:
        """Whether a link leads to our Graph: same scheme, host and port, below the same root."""
        ours, theirs = urlsplit(self.base_url), urlsplit(link)
        try:
            is_same_host = (ours.scheme, ours.hostname, ours.port) == (theirs.scheme, theirs.hostname, theirs.port)
        except ValueError:  # a port that is no number
            return False
        has_credentials = theirs.username is not None or theirs.password is not None
        return is_same_host and not has_credentials and theirs.path.startswith(ours.path + "/")

    def address(self, url: str, query: Mapping[str, str] | None = None) -> str:
        """Raises ProviderUnavailableError("foreign_link") for a link that leads elsewhere."""
        if url.startswith("/") and not url.startswith("//"):  # two of them would name a host
            full = self.base_url + url
        elif self.owns(url):
            full = url
        else:
            raise ProviderUnavailableError("foreign_link")
        if query:  # spaces as %20: a plus sign is not a space to every parser behind Graph
            full += ("&" if "?" in full else "?") + urlencode(query, quote_via=quote, safe="$,'()")
        return full

    # -- inside -------------------------------------------------------------------------------------------------

    def _call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None = None,
        *,
        version: str | None = None,
        prefer: str = "",
        with_html: bool = False,
        is_repeatable: bool = True,
        lane: AbstractContextManager[None] | None = None,
    ) -> dict[str, Any]:
        always = PREFER_HTML if with_html else PREFER
        headers = {"Prefer": f"{always}, {prefer}" if prefer else always}
        if version is not None:
            headers["If-Match"] = version
        with lane or self._lanes.one(is_live=self._is_live):
            return self._with_patience(method, url, headers, body, is_repeatable=is_repeatable)

    def _with_patience(
        self, method: str, url: str, headers: dict[str, str], body: Mapping[str, Any] | None, *, is_repeatable: bool
    ) -> dict[str, Any]:
        waited = timedelta(0)
        has_fresh_token = False
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(method, url, headers, body, force_token=has_fresh_token)
            except GraphRefusedError as refused:
                refusal = refused.refusal
                if refusal.status == 401 and not has_fresh_token and not refusal.has_claims:
                    has_fresh_token = True  # one forced refresh, one retry
                    continue
                wait = None if is_too_much(refused) else self._wait(refusal, attempt, is_repeatable=is_repeatable)
                if wait is None or waited + wait > self._patience.total:
                    raise
            except ProviderUnavailableError as error:
                # a connection that was kept since before the Lambda was frozen dies at its first use
                if not is_repeatable or attempt > 1 or is_too_much(error):
                    raise
                wait = timedelta(0)
            waited += wait
            if wait:
                self._sleep(wait.total_seconds())

    def _wait(self, refusal: Refusal, attempt: int, *, is_repeatable: bool) -> timedelta | None:
        """How long to wait before another attempt; None to give up here."""
        is_undone = refusal.status == 429  # the one transient answer that says for certain that nothing was done
        is_transient = is_undone or refusal.status in {423, 502, 503, 504} or refusal.status == 500
        if not is_transient or not (is_repeatable or is_undone) or attempt >= self._patience.attempts:
            return None
        asked = refusal.retry_after or timedelta(seconds=0.4 * 2 ** (attempt - 1))
        if asked > self._patience.one:
            return None
        return asked * (1 + random.random() * 0.25)  # noqa: S311 - jitter, no secret

    def _once(
        self, method: str, url: str, headers: dict[str, str], body: Mapping[str, Any] | None, *, force_token: bool
    ) -> dict[str, Any]:
        sent = {
            **headers,
            "Authorization": f"Bearer {self._token(force_token)}",
            "client-request-id": str(uuid.uuid4()),
            "Accept": "application/json",
        }
        data = None
        if body is not None:
            data = json.dumps(body, separators=(",", ":")).encode()
            sent["Content-Type"] = "application/json"
        try:
            answer = self._session.request(
                method,
                url,
                data=data,
                headers=sent,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                content = _capped(answer)
        except requests.Timeout:
            raise ProviderUnavailableError("timed_out") from None
        except requests.RequestException as error:
            raise ProviderUnavailableError("connection_cut", kind=type(error).__name__) from None
        return _read(answer.status_code, answer.headers, content)


def new_session(verify: str | bool = True) -> requests.Session:
    """One pooled connection per lane; retries are ours alone. REQUESTS_CA_BUNDLE wins over `verify`.

    Several mailboxes share it: it keeps no cookies, and no .netrc replaces a mailbox's own token.
    """
    session = requests.Session()
    session.verify = verify
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = _as_it_is
    session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=LANES, max_retries=0))
    session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=LANES, max_retries=0))
    return session


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _capped(answer: requests.Response) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in answer.iter_content(_PIECE):
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise ProviderUnavailableError("answer_too_large")
        pieces.append(piece)
    return b"".join(pieces)


def _read(status: int, headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
    """Parsed JSON of a success. A cut or foreign body is an error, never an empty answer."""
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = None
        if 200 <= status < 300:
            raise ProviderUnavailableError("answer_unreadable", status=status) from None
    if not 200 <= status < 300:
        raise GraphRefusedError(read_refusal(status, headers, body))
    if body is None:
        if status == 200:
            raise ProviderUnavailableError("answer_unreadable", status=status)
        return {}
    if not isinstance(body, dict):
        raise ProviderUnavailableError("answer_unreadable", status=status)
    return body
