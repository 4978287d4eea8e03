"""Values <-> items. Each item carries `entity` and `v`, the version of its shape; one that we do not know is refused.

Most values are one JSON text in `doc`, made by pydantic from the frozen dataclass itself; links are in
`link_documents.py`. The webhook goes through here, so neither pydantic nor what links are made of is imported.

To change a shape: raise its number in `VERSIONS` and read the old one here too, until no item has it any more.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.operations import Row, Value
from calsync_core.domain.errors import InstallationError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

VERSIONS = {
    "access_code": 1,
    "agreement": 1,
    "api_key": 1,
    "apps": 1,
    "check": 1,
    "claim": 1,
    "conflict": 1,
    "connection": 1,
    "credentials": 1,
    "cursor": 1,
    "data_key": 1,
    "due": 1,
    "entry": 1,
    "grant": 1,
    "invitation": 1,
    "journal": 1,
    "lease": 1,
    "leaving": 1,
    "link": 1,
    "log": 1,
    "member": 1,
    "message": 1,
    "minute": 1,
    "part": 1,
    "pointer": 1,
    "resource": 1,
    "role_account": 1,
    "seen": 1,
    "server": 1,
    "settings": 1,
    "sign_in": 1,
    "subscription": 1,
    "token": 1,
    "tries": 1,
}


def row(entity: str, key: keys.Key, **attributes: Value | None) -> dict[str, Value]:
    """One item; attributes that are None are left out."""
    kept = {name: value for name, value in attributes.items() if value is not None}
    return {"PK": key[0], "SK": key[1], "entity": entity, "v": VERSIONS[entity], **kept}


def checked(entity: str, row_: Row) -> Row:
    """Raises InstallationError("schema_unknown"): written by a newer version of calsync, or not what the key says."""
    if row_.get("entity") != entity or row_.get("v") != VERSIONS[entity]:
        raise InstallationError("schema_unknown", entity=entity, v=str(row_.get("v")))
    return row_


def epoch(at: datetime) -> int:
    """For `expires_at`, the table's TTL attribute; rounded up, so that DynamoDB is never early."""
    return int(-(-at.timestamp() // 1))


_ADAPTERS: "dict[Any, TypeAdapter[Any]]" = {}


def _adapter(kind: Any) -> "TypeAdapter[Any]":
    """Built at first use: a function pays at its cold start only for what it stores, and the webhook nothing."""
    if kind not in _ADAPTERS:
        from pydantic import ConfigDict, TypeAdapter

        config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", hide_input_in_errors=True)
        # A dataclass cannot be given a config from outside, a tuple can, and hands it down.
        _ADAPTERS[kind] = TypeAdapter(tuple[kind], config=config)
    return _ADAPTERS[kind]


def to_doc(value: object) -> str:
    one: str = _adapter(type(value)).dump_json((value,)).decode()
    return one[1:-1]


def of_doc(kind: type[T], entity: str, row_: Row) -> T:
    """Raises InstallationError: `schema_unknown`, or `schema_broken` for a text that is not such a value."""
    try:
        value: T = _adapter(kind).validate_json("[" + str(checked(entity, row_)["doc"]) + "]")[0]
    except (ValueError, KeyError):  # pydantic's ValidationError is a ValueError
        raise InstallationError("schema_broken", entity=entity) from None
    return value
