"""Access tokens of one connected mailbox: taken from the stored cache while they last, else refreshed by msal.

A run that finds a good token in the cache loads no msal and makes no request.
"""

import json
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

from calsync_core.adapters.graph.auth import SCOPES, EntraApp, calls_to_entra
from calsync_core.adapters.graph.signin_errors import to_refresh_error
from calsync_core.domain.connections import MailboxIdentity, ProviderKind
from calsync_core.domain.errors import ConcurrentChangeError, ConsentRevokedError
from calsync_core.domain.ids import AccountId, MailboxId
from calsync_core.ports.stores import CredentialStore

_SKEW_SECONDS = 300  # msal, too, counts a token with less left as expired


class CacheKeeper(Protocol):
    """Where a mailbox's token cache lives."""

    def load(self) -> bytes:
        """Raises ConsentRevokedError when there is none."""

    def save(self, cache: bytes) -> bytes:
        """Gives the cache to go on with: ours, or the one that somebody stored meanwhile."""


class StoredCache:
    """In the store, with its version. Both of two racing refreshes are valid, so the loser takes the winner's."""

    def __init__(self, store: CredentialStore, account: AccountId, mailbox: MailboxId) -> None:
        self._store = store
        self._key = (account, mailbox)
        self._version = 0

    def load(self) -> bytes:
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

    def __init__(self, cache: bytes) -> None:
        self._cache = cache

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
            if self._cache is None:
                self._cache = self._keeper.load()
                self._token = _good_token(self._cache, self._app.client_id, self._clock())
            if force or self._token is None or self._token[1] - self._clock() < _SKEW_SECONDS:
                self._token = self._refreshed(self._cache, force=force)
            return self._token[0]

    def identity(self) -> MailboxIdentity:
        """From the cache, without network: home_account_id is <oid>.<tid>."""
        with self._lock:
            if self._cache is None:
                self._cache = self._keeper.load()
            accounts = list((json.loads(self._cache).get("Account") or {}).values())
        subject, _, directory = str(accounts[0].get("home_account_id") if accounts else "").partition(".")
        if not subject or not directory:
            raise ConsentRevokedError("auth_missing")
        return MailboxIdentity(ProviderKind.OFFICE365, directory, subject)

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
        if held.has_state_changed:
            self._cache = self._keeper.save(held.serialize().encode())
        return token


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
