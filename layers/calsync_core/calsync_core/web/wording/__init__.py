"""The one wording catalogue: code -> what happened, what it means for bookings, what to do, who acts.

Pages, mails, log and API use the same codes. Rules: no word from the engine room, no blame, never a code alone.
A test walks every error and every Reason and is red when a code has no text in one of the rooms of this package.
"""

from collections.abc import Mapping

from calsync_core.web.wording.conflicts import CONFLICTS
from calsync_core.web.wording.connections import CONNECTION, EXCHANGE
from calsync_core.web.wording.console import CONSOLE
from calsync_core.web.wording.fields import CONCURRENCY, INPUT
from calsync_core.web.wording.installation import INSTALLATION
from calsync_core.web.wording.role_accounts import ROLE_ACCOUNTS
from calsync_core.web.wording.servers import SERVERS
from calsync_core.web.wording.sides import ENTRIES, HOST, REMOTE
from calsync_core.web.wording.sign_in import JOURNEYS, LINKS, SIGN_IN
from calsync_core.web.wording.synclog import LOG, STOP_LINES
from calsync_core.web.wording.undo import UNDO
from calsync_core.web.wording.why import WHY
from calsync_core.web.wording.words import Wording

# Codes that only the operator's log tells apart; people are told the same.
_SAME_AS: Mapping[str, tuple[str, ...]] = {
    "provider_unavailable": (
        "answer_endless", "answer_too_large", "answer_unreadable", "batch_incomplete", "connection_cut",
        "dependency_failed", "entry_busy", "feed_endless", "foreign_link", "listing_changed", "message_unknown",
        "name_not_found", "timed_out",
    ),
    "sign_in_unavailable": ("sign_in_unclear",),
    "host_unavailable": ("host_answer_too_large", "host_answer_unreadable", "host_busy", "host_unreachable"),
    "store_unavailable": ("aws_throttled", "aws_unavailable", "store_contended", "store_throttled"),
    "installation": (
        "account_missing", "aws_request", "entra_login_url_wrong", "exchange_request",
        "host_question_refused", "item_collection_too_large",
        "item_too_large", "key_too_long", "oidc_client_refused", "oidc_discovery_incomplete", "oidc_issuer_differs",
        "schema_broken", "schema_unknown", "sealer_missing", "secret_broken", "secret_missing", "store_request",
    ),
    "auth_expired": ("auth_missing",),
    "subscription_lost": ("handshake_failed", "push_refused", "subscription_gone", "subscription_refused"),
    "auth_admin_approval": ("auth_app_disabled",),
    "entra_registration": ("entra_request_refused",),
    "entry_rejected": (
        "block_invalid", "block_refused", "exists", "host_rejected", "idempotency_key_reused", "occurrence_crossing",
        "request_refused", "too_large", "transaction_used", "zone_unknown",
    ),
    "cursor_expired": ("cursor_foreign",),
    "sign_in_again": ("code_refused",),
    "token_invalid": ("nonce_foreign",),
    "other_mailbox": ("identity_changed",),
    "resource_unknown": ("host_resource_unknown",),
    "event_refused": ("malformed", "signature_invalid"),
}  # fmt: skip

_TEXTS: Mapping[str, Wording] = {
    **REMOTE,
    **HOST,
    **ENTRIES,
    **CONNECTION,
    **EXCHANGE,
    **SERVERS,
    **SIGN_IN,
    **LINKS,
    **INSTALLATION,
    **INPUT,
    **CONCURRENCY,
    **STOP_LINES,
    **LOG,
    **CONFLICTS,
    **CONSOLE,
    **JOURNEYS,
    **UNDO,
    **WHY,
    **ROLE_ACCOUNTS,
}
CATALOGUE: Mapping[str, Wording] = {
    **_TEXTS,
    **{alias: _TEXTS[code] for code, aliases in _SAME_AS.items() for alias in aliases},
}


def wording(code: str) -> Wording:
    """The text of a code; for one without a text, the general one (a test keeps that from happening)."""
    return CATALOGUE.get(code, CATALOGUE["internal"])
