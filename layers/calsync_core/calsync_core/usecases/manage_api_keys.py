"""Keys of the /v1 API: made and shown once, stored as a hash, bound to one account and one scope, revoked for good."""

import hashlib

from calsync_core.domain.errors import InputError, NotFoundError
from calsync_core.domain.ids import AccountId
from calsync_core.domain.values import replace, value
from calsync_core.ports.outward import Clock, Ids
from calsync_core.ports.stores import AccessStore, ApiKey

SCOPES = ("read", "write")  # write may also read
MAX_KEYS = 50
_PREFIX = "cs_"  # so that a leaked key is recognised by secret scanners


@value(frozen=True, slots=True)
class NewApiKey:
    """`secret` exists here and at the person who made it, nowhere else."""

    key: ApiKey
    secret: str


def create_api_key(
    access: AccessStore, clock: Clock, ids: Ids, account: AccountId, *, name: str, scope: str
) -> NewApiKey:
    """Raises InputError: name_missing, scope_unknown, too_many_keys."""
    label = " ".join("".join(char for char in name if char.isprintable()).split())[:80]
    if not label:
        raise InputError("name_missing", field="name")
    if scope not in SCOPES:
        raise InputError("scope_unknown", field="scope")
    if sum(not key.is_revoked for key in access.api_keys(account)) >= MAX_KEYS:
        raise InputError("too_many_keys", field="name")
    secret = _PREFIX + ids.token()
    key = ApiKey(
        id=ids.short(), key_hash=_hashed(secret), account=account, scope=scope, name=label, created_at=clock.now()
    )
    access.save_api_key(key)
    return NewApiKey(key, secret)


def revoke_api_key(access: AccessStore, account: AccountId, key_id: str) -> None:
    """Twice is no error. Raises NotFoundError for an unknown or another account's key."""
    key = next((one for one in access.api_keys(account) if one.id == key_id), None)
    if key is None:
        raise NotFoundError
    access.save_api_key(replace(key, is_revoked=True))


def find_api_key(access: AccessStore, secret: str) -> ApiKey | None:
    """The valid key, looked up by its hash; None for unknown and revoked ones alike."""
    if not secret.startswith(_PREFIX) or len(secret) > 200:
        return None
    key = access.api_key(_hashed(secret))
    return None if key is None or key.is_revoked else key


def _hashed(secret: str) -> str:
    """A plain hash is enough: the secret is 256 random bits, not a password."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
