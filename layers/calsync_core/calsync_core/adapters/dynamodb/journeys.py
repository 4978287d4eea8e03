"""Invitations, sign-ins under way, grants and agreements."""

from dataclasses import replace
from datetime import datetime, timedelta

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, epoch, of_doc, row, to_doc
from calsync_core.adapters.dynamodb.operations import MISSING, Condition, ConditionFailedError, Put, Row
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, ResourceId, short_hash
from calsync_core.ports.stores import Agreement, Grant, Invitation, PendingSignIn

# A page can say "expired" instead of "unknown" for this long.
_AFTER_EXPIRY = timedelta(days=30)


class DynamoJourneyStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def save_invitation(self, invitation: Invitation) -> Invitation:
        saved = replace(invitation, version=invitation.version + 1)
        item = _invitation_row(saved)
        try:
            if invitation.version:
                unchanged = Condition("#version = :expected", {":expected": invitation.version})
                self._table.put(item, unchanged)
            else:
                self._table.transact([Put(item, MISSING), Put(_pointer_row(saved), MISSING)])
        except ConditionFailedError:
            raise ConcurrentChangeError(invitation=invitation.id) from None
        return saved

    def invitation(self, token_hash: str) -> Invitation | None:
        pointer = self._table.get(_token_key(token_hash))
        if pointer is None:
            return None
        checked("pointer", pointer)
        account, resource = AccountId(str(pointer["account"])), ResourceId(str(pointer["resource"]))
        return self.invitation_by_id(account, resource, str(pointer["id"]))

    def invitation_by_id(self, account: AccountId, resource: ResourceId, invitation_id: str) -> Invitation | None:
        found = self._table.get((keys.resource_key(account, resource), f"INVITATION#{invitation_id}"))
        return of_doc(Invitation, "invitation", found) if found else None

    def save_sign_in(self, pending: PendingSignIn) -> None:
        expires_at = epoch(pending.expires_at)
        self._table.put(row("sign_in", _sign_in_key(pending.state_hash), expires_at=expires_at, doc=to_doc(pending)))

    def take_sign_in(self, state_hash: str, now: datetime) -> PendingSignIn | None:
        # The delete is the taking: of two at once exactly one gets the row.
        found = self._table.delete(_sign_in_key(state_hash))
        pending = of_doc(PendingSignIn, "sign_in", found) if found else None
        return pending if pending and pending.expires_at > now else None

    def save_grant(self, grant: Grant) -> None:
        expires_at = epoch(grant.expires_at)
        self._table.put(row("grant", _grant_key(grant.cookie_hash), expires_at=expires_at, doc=to_doc(grant)))

    def grant(self, cookie_hash: str, now: datetime) -> Grant | None:
        found = self._table.get(_grant_key(cookie_hash))
        grant = of_doc(Grant, "grant", found) if found else None
        return grant if grant and grant.expires_at > now else None

    def delete_grant(self, cookie_hash: str) -> None:
        self._table.delete(_grant_key(cookie_hash))

    def save_agreement(self, agreement: Agreement) -> None:
        doc = to_doc(agreement)
        sk = f"AGREED#{keys.instant(agreement.at)}#{short_hash(doc)}"
        self._table.put(row("agreement", (keys.account_key(agreement.account), sk), doc=doc))

    def agreements(self, account: AccountId) -> list[Agreement]:
        rows = self._table.under(keys.account_key(account), "AGREED#")
        return [of_doc(Agreement, "agreement", one) for one in rows]


def _invitation_row(invitation: Invitation) -> Row:
    return row(
        "invitation",
        (keys.resource_key(invitation.account, invitation.resource), f"INVITATION#{invitation.id}"),
        version=invitation.version,
        expires_at=epoch(invitation.expires_at + _AFTER_EXPIRY),
        doc=to_doc(invitation),
    )


def _pointer_row(invitation: Invitation) -> Row:
    return row(
        "pointer",
        _token_key(invitation.token_hash),
        account=invitation.account,
        resource=invitation.resource,
        id=invitation.id,
        expires_at=epoch(invitation.expires_at + _AFTER_EXPIRY),
    )


def _token_key(token_hash: str) -> keys.Key:
    return f"INVITATION#{token_hash}", "POINTER"


def _sign_in_key(state_hash: str) -> keys.Key:
    return f"OAUTH#{state_hash}", "SIGN_IN"


def _grant_key(cookie_hash: str) -> keys.Key:
    return f"GRANT#{cookie_hash}", "GRANT"
