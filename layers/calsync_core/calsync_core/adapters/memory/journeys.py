"""Invitations, sign-ins, grants, agreements, mails and who may use the console, in memory."""

import threading
from datetime import datetime

from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.values import replace
from calsync_core.ports.stores import Agreement, ApiKey, Grant, Invitation, Member, PendingSignIn


class MemoryJourneyStore:
    def __init__(self) -> None:
        self._invitations: dict[tuple[AccountId, ResourceId, str], Invitation] = {}
        self._by_token: dict[str, tuple[AccountId, ResourceId, str]] = {}
        self._sign_ins: dict[str, PendingSignIn] = {}
        self._grants: dict[str, Grant] = {}
        self._agreements: list[Agreement] = []
        self._lock = threading.Lock()

    def save_invitation(self, invitation: Invitation) -> Invitation:
        key = invitation.account, invitation.resource, invitation.id
        with self._lock:
            stored = self._invitations.get(key)
            if (stored.version if stored else 0) != invitation.version:
                raise ConcurrentChangeError(invitation=invitation.id)
            self._by_token.setdefault(invitation.token_hash, key)
            saved = self._invitations[key] = replace(invitation, version=invitation.version + 1)
        return saved

    def invitation(self, token_hash: str) -> Invitation | None:
        key = self._by_token.get(token_hash)
        return None if key is None else self._invitations.get(key)

    def invitation_by_id(self, account: AccountId, resource: ResourceId, invitation_id: str) -> Invitation | None:
        return self._invitations.get((account, resource, invitation_id))

    def save_sign_in(self, pending: PendingSignIn) -> None:
        self._sign_ins[pending.state_hash] = pending

    def take_sign_in(self, state_hash: str, now: datetime) -> PendingSignIn | None:
        pending = self._sign_ins.pop(state_hash, None)
        return pending if pending and pending.expires_at > now else None

    def save_grant(self, grant: Grant) -> None:
        self._grants[grant.cookie_hash] = grant

    def grant(self, cookie_hash: str, now: datetime) -> Grant | None:
        grant = self._grants.get(cookie_hash)
        return grant if grant and grant.expires_at > now else None

    def delete_grant(self, cookie_hash: str) -> None:
        self._grants.pop(cookie_hash, None)

    def save_agreement(self, agreement: Agreement) -> None:
        with self._lock:
            if agreement not in self._agreements:
                self._agreements.append(agreement)

    def agreements(self, account: AccountId) -> list[Agreement]:
        rows = [row for row in self._agreements if row.account == account]
        return sorted(rows, key=lambda row: row.at)


class MemoryMailLedger:
    def __init__(self) -> None:
        self._claims: set[tuple[AccountId, str, str, str]] = set()
        self._messages: dict[str, tuple[AccountId, ResourceId, str | None]] = {}
        self._lock = threading.Lock()

    def claim(self, account: AccountId, kind: str, subject: str, cause: str, now: datetime) -> bool:  # noqa: ARG002
        with self._lock:
            claim = account, kind, subject, cause
            is_new = claim not in self._claims
            self._claims.add(claim)
            return is_new

    def note_message(
        self, message_id: str, account: AccountId, resource: ResourceId, invitation_id: str | None
    ) -> None:
        self._messages[message_id] = account, resource, invitation_id

    def by_message(self, message_id: str) -> tuple[AccountId, ResourceId, str | None] | None:
        return self._messages.get(message_id)


class MemoryAccessStore:
    def __init__(self) -> None:
        self._members: dict[tuple[str, str], Member] = {}
        self._has_admin: set[AccountId] = set()
        self._keys: dict[str, ApiKey] = {}
        self._lock = threading.Lock()

    def member(self, issuer: str, subject: str) -> Member | None:
        return self._members.get((issuer, subject))

    def add_first_admin(self, member: Member) -> bool:
        with self._lock:
            if member.account in self._has_admin or (member.issuer, member.subject) in self._members:
                return False
            self._has_admin.add(member.account)
            self._members[member.issuer, member.subject] = member
            return True

    def members(self, account: AccountId) -> list[Member]:
        return [member for member in self._members.values() if member.account == account]

    def api_key(self, key_hash: str) -> ApiKey | None:
        return self._keys.get(key_hash)

    def save_api_key(self, key: ApiKey) -> None:
        self._keys[key.key_hash] = key

    def api_keys(self, account: AccountId) -> list[ApiKey]:
        rows = [row for row in self._keys.values() if row.account == account]
        return sorted(rows, key=lambda row: row.id)
