"""Sign-in of a member to the console by OpenID Connect: start, and what the issuer sends back.

A member is (issuer, subject). An e-mail claim is looked at once in an account's life: the first sign-in with the
deploy parameter's address, verified by the issuer, becomes the first admin. Not here: cookies and pages.
"""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

from calsync_core.domain.errors import InputError, SignInRefusedError
from calsync_core.domain.ids import AccountId
from calsync_core.domain.values import value
from calsync_core.ports.identity import Identity, IdentityProvider
from calsync_core.ports.outward import Clock, Ids, Sealer
from calsync_core.ports.stores import AccessStore, JourneyStore, Member, PendingSignIn

LIFETIME = timedelta(minutes=10)
_PURPOSE = "console"
DESTINATIONS = ("console", "bookings")  # fixed words: an address from a request would be an open redirect


@value(frozen=True, slots=True)
class SignInPorts:
    """What a sign-in needs. `first_admin_email` may be empty: then nobody is bound."""

    provider: IdentityProvider
    journeys: JourneyStore
    access: AccessStore
    sealer: Sealer
    clock: Clock
    ids: Ids
    account: AccountId
    first_admin_email: str


@value(frozen=True, slots=True)
class SignInStarted:
    """`url` is the issuer's page; `browser_key` goes into the browser's `__Host-` cookie."""

    url: str
    browser_key: str


@value(frozen=True, slots=True)
class SignedIn:
    member: Member
    destination: str


def start_sign_in(ports: SignInPorts, *, destination: str, redirect_uri: str) -> SignInStarted:
    """Remember the round trip for ten minutes. Raises InputError("destination_unknown")."""
    if destination not in DESTINATIONS:
        raise InputError("destination_unknown", field="next")
    state, nonce, verifier, browser_key = (ports.ids.token() for _ in range(4))
    flow = json.dumps({"nonce": nonce, "verifier": verifier, "destination": destination})
    state_hash = _hashed(state)
    url = ports.provider.sign_in_url(
        redirect_uri=redirect_uri, state=state, nonce=nonce, challenge=_challenge(verifier)
    )
    ports.journeys.save_sign_in(
        PendingSignIn(
            state_hash=state_hash,
            account=ports.account,
            resource=None,
            invitation_id=None,
            cookie_hash=_hashed(browser_key),
            sealed_flow=ports.sealer.seal(ports.account, flow.encode(), _context(state_hash)),
            expires_at=ports.clock.now() + LIFETIME,
            purpose=_PURPOSE,
        )
    )
    return SignInStarted(url, browser_key)


def finish_sign_in(
    ports: SignInPorts, *, state: str, code: str, error: str, browser_key: str, redirect_uri: str
) -> SignedIn:
    """Judge the issuer's answer; the state is used up by the first look, whatever comes of it.

    Raises SignInRefusedError: state_unknown, state_foreign, declined, code_refused, token_invalid, not_a_member.
    """
    pending = ports.journeys.take_sign_in(_hashed(state), ports.clock.now()) if state else None
    if pending is None or pending.purpose != _PURPOSE:
        raise SignInRefusedError("state_unknown")
    if not hmac.compare_digest(pending.cookie_hash, _hashed(browser_key)):
        raise SignInRefusedError("state_foreign")
    if error or not code:
        raise SignInRefusedError("declined")
    plain = ports.sealer.unseal(pending.account, pending.sealed_flow, _context(pending.state_hash))
    flow = json.loads(plain)
    identity = ports.provider.redeem(
        code=code, redirect_uri=redirect_uri, verifier=flow["verifier"], nonce=flow["nonce"]
    )
    return SignedIn(_member(ports, identity), flow["destination"])


def _member(ports: SignInPorts, identity: Identity) -> Member:
    known = ports.access.member(identity.issuer, identity.subject)
    if known is not None:
        return known
    wanted = ports.first_admin_email.strip().casefold()
    if wanted and identity.is_email_verified and identity.email.strip().casefold() == wanted:
        first = Member(
            issuer=identity.issuer,
            subject=identity.subject,
            account=ports.account,
            role="admin",
            email=identity.email,
            name=identity.name,
        )
        if ports.access.add_first_admin(first):
            return first
    raise SignInRefusedError("not_a_member")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _hashed(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _context(state_hash: str) -> str:
    return f"console-sign-in:{state_hash}"
