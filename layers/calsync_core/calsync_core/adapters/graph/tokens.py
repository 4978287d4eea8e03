"""Access tokens of one connected mailbox: the stored one while it lasts, else one refreshed by msal.

A run that finds a good token reads one small item, loads no msal and makes no request. The token cache with the refresh
token is read by who must refresh, and rewritten once a week: each refresh gives a new refresh token, but the one before
stays valid for its 90 days (graph.md 2.7). A crash between the two writes is harmless either way: a token that was not
kept is fetched again, a cache that was not rewritten still opens the door.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Protocol, TypeGuard

from calsync_core.adapters.graph.auth import SCOPES, EntraApp, calls_to_entra
from calsync_core.adapters.graph.signin_errors import to_refresh_error
from calsync_core.domain.connections import MailboxIdentity, ProviderKind
from calsync_core.domain.errors import ConcurrentChangeError, ConsentRevokedError
from calsync_core.domain.ids import AccountId, MailboxId
from calsync_core.ports.stores import CredentialStore, TokenStore

_SKEW_SECONDS = 300  # msal, too, counts a token with less left as expired


_REWRITE_AFTER_SECONDS = 6 * 24 * 3600
"""A day less than the weekly refresh of a paused connection (usecases/sweep.py), which must always rewrite."""


class CacheKeeper(Protocol):
    """Where a mailbox's token cache lives. `keeps_tokens`: beside it, the access token of its own."""

    @property
    def keeps_tokens(self) -> bool: ...

    def load_token(self) -> bytes | None:
        """None where there is none, or none is kept."""

    def save_token(self, plain: bytes, expires_at: datetime) -> None:
        """Nothing happens where none is kept, or somebody saved or forgot one since the load."""

    def load(self) -> bytes:
        """Raises ConsentRevokedError when there is none."""

    def save(self, cache: bytes) -> bytes:
        """Gives the cache to go on with: ours, or the one that somebody stored meanwhile."""


class StoredCache:
    """In the store, with its version. Both of two racing refreshes are valid, so the loser takes the winner's."""

    def __init__(
        self, store: CredentialStore, account: AccountId, mailbox: MailboxId, tokens: TokenStore | None = None
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._key = (account, mailbox)
        self._version = 0
        self._token_version: int | None = None

    @property
    def keeps_tokens(self) -> bool:
        return self._tokens is not None

    def load_token(self) -> bytes | None:
        if self._tokens is None:
            return None
        token, self._token_version = self._tokens.load(*self._key)
        return token

    def save_token(self, plain: bytes, expires_at: datetime) -> None:
        if self._tokens is None or self._token_version is None:
            return
        expected = self._token_version
        # One try: who saved meanwhile has a token as good as ours, and who forgot it wants none.
        if self._tokens.save(*self._key, plain, expires_at, expected):
            self._token_version = expected + 1

    def load(self) -> bytes:
        if self._token_version is None:
            self.load_token()  # before the cache: a disconnect after this one makes our `save_token` fail
        row = self._store.load(*self._key)
        if row is None:
            raise ConsentRevokedError("auth_missing")
        cache, self._version = row
        return cache

    def save(self, cache: bytes) -> bytes:
        try:
            self._version = self._store.save(*self._key, cache, self._version)
        except ConcurrentChangeError:
            return self.load()
        return cache


class PassingCache:
    """Of a sign-in that waits for the calendar choice: nothing is written back."""

    keeps_tokens = False

    def __init__(self, cache: bytes) -> None:
        self._cache = cache

    def load_token(self) -> bytes | None:
        return None

    def save_token(self, plain: bytes, expires_at: datetime) -> None:
        """Nothing is kept of a sign-in that is not finished."""

    def load(self) -> bytes:
        return self._cache

    def save(self, cache: bytes) -> bytes:
        self._cache = cache
        return cache


class MailboxTokens:
    """Callable: `tokens(force)` gives an access token; the shape that GraphClient wants. Safe between threads.

    Raises ConsentRevokedError, AdminApprovalError, InstallationError, ProviderUnavailableError.
    """

    def __init__(
        self, app: EntraApp, keeper: CacheKeeper, *, is_fresh: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self._app = app
        self._keeper = keeper
        self._is_fresh = is_fresh
        self._clock = clock
        self._cache: bytes | None = None
        self._token: tuple[str, float] | None = None
        self._lock = Lock()

    def __call__(self, force: bool = False) -> str:
        with self._lock:
            if not force and not self._lasts(self._token):
                self._token = self._stored()
            if force or self._token is None:
                self._token = self._refreshed(self._loaded(), force=force)
            return self._token[0]

    def identity(self) -> MailboxIdentity:
        """From the cache, without network: home_account_id is <oid>.<tid>."""
        with self._lock:
            accounts = list((json.loads(self._loaded()).get("Account") or {}).values())
        subject, _, directory = str(accounts[0].get("home_account_id") if accounts else "").partition(".")
        if not subject or not directory:
            raise ConsentRevokedError("auth_missing")
        return MailboxIdentity(ProviderKind.OFFICE365, directory, subject)

    def _loaded(self) -> bytes:
        if self._cache is None:
            self._cache = self._keeper.load()
        return self._cache

    def _lasts(self, token: tuple[str, float] | None) -> TypeGuard[tuple[str, float]]:
        return token is not None and token[1] - self._clock() >= _SKEW_SECONDS

    def _stored(self) -> tuple[str, float] | None:
        """Its own item, else the cache: after a sign-in the first token stands only there."""
        own = _opened(self._keeper.load_token(), self._app.client_id)
        if self._lasts(own):
            return own
        first = _good_token(self._loaded(), self._app.client_id, self._clock())
        if first is not None:
            self._keep(first)
        return first

    def _keep(self, token: tuple[str, float]) -> None:
        fields = {"token": token[0], "expires_at": token[1], "client_id": self._app.client_id}
        self._keeper.save_token(json.dumps(fields).encode(), datetime.fromtimestamp(token[1], UTC))

    def _refreshed(self, cache: bytes, *, force: bool) -> tuple[str, float]:
        import msal

        held = msal.SerializableTokenCache()
        held.deserialize(cache.decode())
        application = self._app.open(held, is_fresh=self._is_fresh)
        accounts = application.get_accounts()
        if not accounts:
            raise ConsentRevokedError("auth_missing")
        with calls_to_entra():
            result = application.acquire_token_silent_with_error(list(SCOPES), accounts[0], force_refresh=force)
        if result is None:  # only for an empty cache; a refusal comes as a dict
            raise ConsentRevokedError("auth_missing")
        if "error" in result:
            raise to_refresh_error(result)
        token = str(result["access_token"]), self._clock() + float(result.get("expires_in") or 0)
        self._keep(token)
        if held.has_state_changed:
            self._cache = held.serialize().encode()
            if not self._keeper.keeps_tokens or _is_due(cache, self._clock()):
                self._cache = self._keeper.save(self._cache)
        return token


def _opened(plain: bytes | None, client_id: str) -> tuple[str, float] | None:
    """A token of another registration of ours (the operator changed it) is none."""
    fields = json.loads(plain) if plain is not None else {}
    if fields.get("client_id") != client_id:
        return None
    return str(fields["token"]), float(fields["expires_at"])


def _is_due(cache: bytes, now: float) -> bool:
    """Whether the refresh token that is stored is a week old; one without its age counts as old."""
    entries: dict[str, dict[str, Any]] = json.loads(cache).get("RefreshToken") or {}
    ages = [now - float(one.get("last_modification_time") or 0) for one in entries.values()]
    return not ages or max(ages) >= _REWRITE_AFTER_SECONDS


def _good_token(cache: bytes, client_id: str, now: float) -> tuple[str, float] | None:
    """The access token with the longest life for our scopes, with the instant of its end."""
    try:
        entries: dict[str, dict[str, Any]] = json.loads(cache).get("AccessToken") or {}
    except (ValueError, AttributeError):
        raise ConsentRevokedError("auth_missing") from None
    wanted = {one.lower() for one in SCOPES}
    good = [
        (str(one["secret"]), float(one["expires_on"]))
        for one in entries.values()
        if one.get("client_id") == client_id and wanted <= set(str(one.get("target", "")).lower().split())
    ]
    best = max(good, key=lambda pair: pair[1], default=None)
    return best if best is not None and best[1] - now >= _SKEW_SECONDS else None
