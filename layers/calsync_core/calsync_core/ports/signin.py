"""Signing in at the calendar's provider, as the use cases see it; adapters/graph/auth.py implements it.

One round trip: `begin` gives the address to send the browser to and the flow, which the use case seals and keeps for
ten minutes under the hash of `state`; `finish` gets that flow back with the query of the callback. Neither stores
anything: tokens leave `finish` as one opaque cache, and the use case decides whether it is kept.
"""

from collections.abc import Mapping
from typing import Protocol

from calsync_core.domain.connections import MailboxIdentity
from calsync_core.domain.ids import AccountId, MailboxId
from calsync_core.domain.values import value
from calsync_core.ports.calendar import CalendarProvider


@value(frozen=True, slots=True)
class Begun:
    """`url`: the provider's sign-in page. `flow`: what `finish` needs (PKCE verifier, nonce); a secret."""

    url: str
    flow: bytes


@value(frozen=True, slots=True)
class SignedIn:
    """Who signed in, by a checked id_token (aud, iss, tid, exp, nonce), and the token cache to seal.

    `addresses` are all addresses that the provider knows for the account, lower case, the main one first.
    """

    identity: MailboxIdentity
    address: str
    display_name: str
    cache: bytes
    addresses: tuple[str, ...] = ()


class SignIn(Protocol):
    def begin(self, *, state: str, redirect_uri: str, login_hint: str, prompt: str = "select_account") -> Begun:
        """response_mode=query, PKCE S256, nonce. `state` is the caller's, 256 random bits.

        Raises InstallationError("entra_missing") when the stack has no Entra values yet, ProviderUnavailableError.
        """

    def finish(self, flow: bytes, answer: Mapping[str, str]) -> SignedIn:
        """Redeem the code of the callback's query `answer`; the whole query is handed over, errors included.

        Raises:
            SignInRefusedError: "declined" (the person pressed Cancel), "wrong_account" (account type or tenant does
                not fit), "blocked_by_organisation" (conditional access), "sign_in_again" (code used or too old),
                "token_invalid" (state, nonce, aud, iss or tid do not fit).
            AdminApprovalError: the organisation's administrator must approve first.
            MailboxUnusableError: signed in, but Graph has no calendar to serve for this account.
            InstallationError: our registration or secret is wrong.
            ProviderUnavailableError: try again.
        """

    def admin_consent_url(self, *, state: str, redirect_uri: str, directory: str = "organizations") -> str:
        """Where an administrator approves calsync for the whole organisation.

        Raises InstallationError("entra_missing").
        """


class CalendarAccess(Protocol):
    """Opens a mailbox; no network until a method of the provider is called."""

    def of_grant(self, account: AccountId, cache: bytes) -> CalendarProvider:
        """With the token cache of a sign-in that is not stored yet; refreshed tokens are not written back."""

    def of_mailbox(self, account: AccountId, mailbox: MailboxId) -> CalendarProvider:
        """With the stored, sealed tokens of a connection."""
