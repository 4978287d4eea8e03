"""Opens mailboxes: tokens, client and provider put together. ports.signin.CalendarAccess for Graph."""

import requests

from calsync_core.adapters.graph.auth import EntraApp
from calsync_core.adapters.graph.calendar import GraphCalendarProvider
from calsync_core.adapters.graph.client import GraphClient, new_session
from calsync_core.adapters.graph.lanes import Lanes
from calsync_core.adapters.graph.tokens import CacheKeeper, MailboxTokens, PassingCache, StoredCache
from calsync_core.domain.ids import AccountId, MailboxId
from calsync_core.ports.stores import CredentialStore, TokenStore


class GraphAccess:
    """One per process: it keeps the connections open and the lanes of each mailbox in one place.

    `is_live` gives this process the lane that is kept for live changes (lanes.py). Without `tokens` the access token
    stands in the cache alone, which is then rewritten by each refresh.
    """

    def __init__(
        self, app: EntraApp, graph_url: str, credentials: CredentialStore, tokens: TokenStore | None = None, *,
        is_live: bool = False,
    ) -> None:  # fmt: skip
        self._app = app
        self._graph_url = graph_url
        self._credentials = credentials
        self._tokens = tokens
        self._is_live = is_live
        self._session: requests.Session | None = None
        self._lanes: dict[tuple[str, str], Lanes] = {}

    def of_grant(self, account: AccountId, cache: bytes) -> GraphCalendarProvider:  # noqa: ARG002 - the port's shape
        return self._open(PassingCache(cache), Lanes(), is_fresh=True)

    def of_mailbox(self, account: AccountId, mailbox: MailboxId, *, is_fresh: bool = False) -> GraphCalendarProvider:
        """`is_fresh`: a person wants to know now, so no refusal of the last minute is repeated from memory."""
        lanes = self._lanes.setdefault((account, mailbox), Lanes())
        keeper = StoredCache(self._credentials, account, mailbox, self._tokens)
        return self._open(keeper, lanes, is_fresh=is_fresh)

    def _open(self, keeper: CacheKeeper, lanes: Lanes, *, is_fresh: bool) -> GraphCalendarProvider:
        if self._session is None:
            self._session = new_session(self._app.verify)
        tokens = MailboxTokens(self._app, keeper, is_fresh=is_fresh)
        client = GraphClient(self._graph_url, tokens, session=self._session, lanes=lanes, is_live=self._is_live)
        return GraphCalendarProvider(client, tokens.identity)
