"""moto for the adapters at AWS: started once, a table of its own for every test (making one is cheap)."""

import os
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from calsync_core.adapters.dynamodb.stores import dynamodb_stores
from calsync_core.adapters.memory.outward import PlainSealer
from calsync_core.ports.stores import Stores
from moto import mock_aws

from tests.contract.cloud import Cloud, client
from tests.contract.examples import NOW
from tests.contract.microsoft import Microsoft, running_microsoft
from tests.contract.table_from_template import create_table
from tests.contract.webhook_receiver import Receiver, running_receiver

_TABLES = count()


@pytest.fixture(scope="session")
def dynamodb() -> Iterator[Any]:
    """One client for all: making one takes longer than most tests.

    CALSYNC_DYNAMODB_URL puts another DynamoDB in moto's place (the local cloud's, or a real one's).
    """
    url = os.environ.get("CALSYNC_DYNAMODB_URL")
    if url:
        yield client("dynamodb", url)
        return
    with mock_aws():
        yield client("dynamodb")


@pytest.fixture
def table(dynamodb: Any) -> Iterator[str]:
    name = create_table(dynamodb, f"calsync-{next(_TABLES)}")
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def cloud(dynamodb: Any) -> Cloud:
    return Cloud(dynamodb)


@pytest.fixture
def dynamo(cloud: Cloud, table: str) -> Stores:
    """The stores on moto; they never wait, and it is always `NOW`."""
    return dynamodb_stores(cloud, table, PlainSealer(), pause=lambda _: None, now=NOW.timestamp)


@pytest.fixture(scope="session")
def microsoft(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Microsoft]:
    """One Microsoft sandbox for all tests; each takes a person of its own."""
    with running_microsoft(tmp_path_factory.mktemp("microsoft")) as running:
        yield running


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """An endpoint for notifications."""
    with running_receiver() as running:
        yield running
