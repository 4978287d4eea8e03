"""Who may use the console, and which keys may use the API."""

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import of_doc, row, to_doc
from calsync_core.adapters.dynamodb.operations import MISSING, ConditionFailedError, Put
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.ids import AccountId, short_hash
from calsync_core.ports.stores import ApiKey, Member


class DynamoAccessStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def member(self, issuer: str, subject: str) -> Member | None:
        found = self._table.get(_member_key(issuer, subject))
        return of_doc(Member, "member", found) if found else None

    def add_first_admin(self, member: Member) -> bool:
        claim = row("claim", (keys.account_key(member.account), "FIRST_ADMIN"))
        key = _member_key(member.issuer, member.subject)
        person = row("member", key, list_key=_members_key(member.account), list_sort=key[0], doc=to_doc(member))
        try:
            self._table.transact([Put(claim, MISSING), Put(person, MISSING)])
        except ConditionFailedError:
            return False
        return True

    def members(self, account: AccountId) -> list[Member]:
        rows = self._table.query("#list_key = :key", {":key": _members_key(account)}, index=keys.BY_LIST)
        return [of_doc(Member, "member", one) for one in rows]

    def api_key(self, key_hash: str) -> ApiKey | None:
        found = self._table.get((f"KEY#{key_hash}", "API_KEY"))
        return of_doc(ApiKey, "api_key", found) if found else None

    def save_api_key(self, key: ApiKey) -> None:
        places = (f"KEY#{key.key_hash}", "API_KEY"), (keys.account_key(key.account), f"API_KEY#{key.id}")
        self._table.transact([Put(row("api_key", place, doc=to_doc(key))) for place in places])

    def api_keys(self, account: AccountId) -> list[ApiKey]:
        rows = self._table.under(keys.account_key(account), "API_KEY#")
        return [of_doc(ApiKey, "api_key", one) for one in rows]


def _members_key(account: AccountId) -> str:
    return f"{keys.account_key(account)}#MEMBER"


def _member_key(issuer: str, subject: str) -> keys.Key:
    return f"MEMBER#{short_hash(issuer, subject)}", "MEMBER"
