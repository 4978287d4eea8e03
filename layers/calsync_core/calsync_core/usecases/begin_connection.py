"""Send a browser to the provider's sign-in and remember the round trip for ten minutes, bound to that browser."""

import base64
import hashlib
import json
from datetime import timedelta

from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.values import value
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import PendingSignIn

LIFETIME = timedelta(minutes=10)
PURPOSE = "connect"


@value(frozen=True, slots=True)
class BeginConnection:
    """`browser_key` is the secret in the browser's `__Host-` cookie. `back` is our own path to try again from."""

    account: AccountId
    resource: ResourceId
    invitation_id: str | None
    browser_key: str
    login_hint: str
    back: str


def begin_connection(ports: JourneyPorts, command: BeginConnection) -> str:
    """The provider's address. Raises InstallationError("entra_missing"), ProviderUnavailableError."""
    state = ports.ids.token()
    begun = ports.sign_in.begin(state=state, redirect_uri=ports.redirect_uri, login_hint=command.login_hint)
    state_hash = secret_hash(state)
    payload = json.dumps({"flow": base64.b64encode(begun.flow).decode(), "back": command.back}).encode()
    ports.stores.journeys.save_sign_in(
        PendingSignIn(
            state_hash=state_hash,
            account=command.account,
            resource=command.resource,
            invitation_id=command.invitation_id,
            cookie_hash=secret_hash(command.browser_key),
            sealed_flow=ports.sealer.seal(command.account, payload, flow_context(state_hash)),
            expires_at=ports.clock.now() + LIFETIME,
            purpose=PURPOSE,
        )
    )
    return begun.url


def secret_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def flow_context(state_hash: str) -> str:
    """Goes into the associated data of the seal, so that a flow cannot be moved to another round trip."""
    return f"sign-in:{state_hash}"
