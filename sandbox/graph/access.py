"""Who may ask Graph what: the token's principal, scopes and roles, and the refusals that follow from them."""

from typing import Protocol


class Principal(Protocol):
    """What an access token says. `oid` is None for an app-only token."""

    @property
    def oid(self) -> str | None: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...
    @property
    def roles(self) -> frozenset[str]: ...


class TokenVerifier(Protocol):
    """Reads access tokens; the sign-in half of the sandbox implements it."""

    def verify(self, access_token: str) -> Principal:
        """Return the token's principal.

        Raises ValueError("expired") or ValueError("invalid").
        """
