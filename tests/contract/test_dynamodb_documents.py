"""Whatever the stores are given comes back as it was: values drawn from their types, through the table's items."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from calsync_core.adapters.dynamodb import documents, keys
from calsync_core.adapters.dynamodb.documents import VERSIONS, of_doc, row, to_doc
from calsync_core.adapters.dynamodb.link_documents import link_of, link_row, pack, unpack
from calsync_core.domain.apps import AccessCode, AccountApps
from calsync_core.domain.conflicts import Conflict
from calsync_core.domain.connections import Connection
from calsync_core.domain.ids import AccountId, LinkRef
from calsync_core.domain.links import Link
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.servers import KnownServer
from calsync_core.domain.synclog import LogEntry
from calsync_core.ports.stores import Agreement, ApiKey, CursorRow, Grant, Invitation, Member, PendingSignIn
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.examples import A

STORED = {
    "access_code": AccessCode,
    "agreement": Agreement,
    "api_key": ApiKey,
    "apps": AccountApps,
    "conflict": Conflict,
    "connection": Connection,
    "cursor": CursorRow,
    "grant": Grant,
    "invitation": Invitation,
    "log": LogEntry,
    "member": Member,
    "resource": ResourceState,
    "server": KnownServer,
    "sign_in": PendingSignIn,
}
INSTANTS = st.integers(0, 200_000_000_000_000_000).map(
    lambda micros: datetime(1970, 1, 2, tzinfo=UTC) + timedelta(microseconds=micros)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@pytest.fixture(scope="module", autouse=True)
def _instants_are_aware():
    """Only here: instants in UTC, texts that UTF-8 can write."""
    st.register_type_strategy(datetime, INSTANTS)
    st.register_type_strategy(str, TEXTS)
    yield
    st.register_type_strategy(datetime, st.datetimes())
    st.register_type_strategy(str, st.text())


@pytest.mark.parametrize("entity", STORED)
@settings(max_examples=15, deadline=None, database=None)
@given(data=st.data())
def test_a_value_survives_its_item(entity: str, data: st.DataObject) -> None:
    value: Any = data.draw(st.from_type(STORED[entity]))

    item = row(entity, ("PK", "SK"), doc=to_doc(value))

    assert of_doc(STORED[entity], entity, item) == value


@settings(max_examples=100, deadline=None, database=None)
@given(data=st.data())
def test_a_link_survives_its_short_names(data: st.DataObject) -> None:
    link = data.draw(st.from_type(Link))

    item = link_row(AccountId("a"), link)

    assert link_of(link.resource_id, item) == link


@settings(max_examples=100, deadline=None, database=None)
@given(INSTANTS, INSTANTS)
def test_texts_of_instants_sort_as_the_instants_do(first: datetime, second: datetime) -> None:
    assert (keys.instant(first) < keys.instant(second)) == (first < second)
    assert documents.epoch(first) >= first.timestamp()


def test_links_of_up_to_a_day_and_longer_ones_lie_apart() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)

    assert keys.starts(start, start + timedelta(hours=24)) == "2026-03-02T00:00:00.000000Z"
    assert keys.starts(start, start + timedelta(hours=24, microseconds=1)) == "L#2026-03-02T00:00:00.000000Z"


def test_a_round_of_refs_is_packed_to_less_than_half() -> None:
    refs = [LinkRef(f"e-{keys.pointer('c', str(n))}") for n in range(1000)]

    assert unpack(pack(refs)) == refs
    assert unpack(pack([])) == []
    assert len(pack(refs)) < sum(map(len, refs)) / 2


def test_every_entity_of_the_layout_has_a_version() -> None:
    with pytest.raises(KeyError):
        row("something", ("PK", "SK"))
    assert all(version >= 1 for version in VERSIONS.values())


@pytest.mark.parametrize("resource", ["r", "r#LINK", "ACC#b#RES#r", "é" * 20])
def test_no_choice_of_id_leads_into_another_ones_part(resource: str) -> None:
    """Foreign ids stand at the end of a key, so that a partition belongs to one account whatever they are."""
    assert keys.resource_key(A, resource) == f"ACC#a#RES#{resource}"
    assert keys.due_key(A, "wait", resource)[0].startswith("ACC#a#DUE#wait#")
    assert resource not in keys.cursor_sk(resource)
    assert resource not in keys.pointer(resource, resource)
