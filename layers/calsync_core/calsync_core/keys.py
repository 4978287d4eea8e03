"""Every key of the stack but the root key itself is derived here, so that one secret is enough.

Does not belong here: sealing with KMS, signing of links, anything that stores.
"""

import base64
import hashlib
import hmac


def derive(root_key: str, purpose: str) -> bytes:
    """The 32 bytes of the key for one purpose: HMAC-SHA256 of the purpose's name under the root key.

    The same root key and purpose always give the same bytes; one derived key says nothing about another or about
    the root key. A purpose is a fixed word, followed by an account where the key is that account's own
    (`host-key:main`).

    Raises:
        ValueError: the root key or the purpose is empty; a key known to everybody must never come out.
    """
    if not root_key or not purpose:
        raise ValueError("a key needs a root key and a purpose")
    return hmac.new(root_key.encode(), purpose.encode(), hashlib.sha256).digest()


def host_key(root_key: str, account: str) -> str:
    """The Bearer key of the account's bundled booking system: base64url without padding."""
    return base64.urlsafe_b64encode(derive(root_key, f"host-key:{account}")).rstrip(b"=").decode()


def host_events_secret(root_key: str, account: str) -> str:
    """The secret that signs the booking system's events, in the base64 form that Standard Webhooks uses."""
    return base64.b64encode(derive(root_key, f"host-events:{account}")).decode()
