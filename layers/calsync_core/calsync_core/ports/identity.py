"""Who signs in to the console: any OpenID Connect issuer, seen by the use cases.

Not here: members and roles (`AccessStore`), the browser's cookies (`web`).
"""

from typing import Protocol

from calsync_core.domain.values import value


@value(frozen=True, slots=True)
class Identity:
    """A proven sign-in. Only (issuer, subject) identify; a verified e-mail binds the first admin, once."""

    issuer: str
    subject: str
    email: str
    is_email_verified: bool
    name: str


class IdentityProvider(Protocol):
    """Every method may raise ProviderUnavailableError, and InstallationError where the issuer is set up wrongly."""

    def sign_in_url(self, *, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """The issuer's page; `challenge` is the S256 form of the PKCE verifier."""

    def redeem(self, *, code: str, redirect_uri: str, verifier: str, nonce: str) -> Identity:
        """Exchange the code and check the id_token. Raises SignInRefusedError."""

    def sign_out_url(self, return_to: str) -> str | None:
        """Where the issuer's own session ends; None where it offers no such page."""
