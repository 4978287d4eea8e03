"""Role accounts of Microsoft 365: opened, and tested step by step."""

import time
from collections.abc import Callable, Iterator

import requests

from calsync_core.adapters.graph.app_tokens import AppTokens
from calsync_core.adapters.graph.auth import EntraApp
from calsync_core.adapters.graph.client import GraphClient, new_session
from calsync_core.adapters.graph.lanes import Lanes
from calsync_core.adapters.graph.schedule import GraphFreeBusy
from calsync_core.domain.availability import Occupied
from calsync_core.domain.connection_report import Outcome, Part, ReportStep
from calsync_core.domain.errors import CalsyncError
from calsync_core.domain.windows import Window
from calsync_core.ports.role_accounts import AppLogin


class GraphRoleAccess:
    """One per process; tokens of a few applications are kept for their hour, by the whole of their sign-in."""

    MOST = 8

    def __init__(self, app: EntraApp, graph_url: str) -> None:
        self._app, self._graph_url = app, graph_url
        self._session: requests.Session | None = None
        self._tokens: dict[AppLogin, AppTokens] = {}

    def open(self, login: AppLogin) -> GraphFreeBusy:
        return self._source(login, self._kept(login))

    def examine(self, login: AppLogin, about: str, span: Window) -> Iterator[ReportStep]:
        tokens = AppTokens(self._app, login)  # nothing from memory: a person wants to know now
        signed_in = _tried("token_received", Part.GENERAL, lambda: self._signed_in(tokens, login))
        yield signed_in
        if signed_in.outcome is not Outcome.OK:
            yield ReportStep("free_busy", Part.DATA, Outcome.NOT_TRIED)
            return
        yield _tried("free_busy", Part.DATA, lambda: _busy_times(self._source(login, tokens), about, span))

    def _signed_in(self, tokens: AppTokens, login: AppLogin) -> str:
        tokens(True)
        return login.directory

    def _source(self, login: AppLogin, tokens: AppTokens) -> GraphFreeBusy:
        if self._session is None:
            self._session = new_session(self._app.verify)
        client = GraphClient(self._graph_url, tokens, session=self._session, lanes=Lanes(), is_live=True)
        return GraphFreeBusy(client, login.mailbox)

    def _kept(self, login: AppLogin) -> AppTokens:
        if login not in self._tokens:
            while len(self._tokens) >= self.MOST:
                del self._tokens[next(iter(self._tokens))]
            self._tokens[login] = AppTokens(self._app, login)
        return self._tokens[login]


def _busy_times(source: GraphFreeBusy, about: str, span: Window) -> str:
    """How many there are; a mailbox that cannot be read fails the test. Raises CalsyncError."""
    found = source.ask([about], span).get(about)
    if found is None or found.reason:
        raise CalsyncError(found.reason if found else "answer_unreadable")
    return str(sum(one.occupied is not Occupied.UNKNOWN for one in found.intervals))


def _tried(name: str, part: Part, act: Callable[[], str]) -> ReportStep:
    began = time.monotonic()
    try:
        found = act()
    except CalsyncError as error:
        seen = error.detail.get("provider_code") or error.detail.get("aadsts") or ""
        seen = f"AADSTS{seen}" if isinstance(seen, int) else seen
        return ReportStep(name, part, Outcome.FAILED, "", error.code, seen, round(time.monotonic() - began, 3))
    return ReportStep(name, part, Outcome.OK, found, seconds=round(time.monotonic() - began, 3))
