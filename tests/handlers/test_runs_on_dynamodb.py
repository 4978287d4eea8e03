"""The clinic of the canaries on the template's table in moto: what stands in it, and what the role of runs allows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.client import BaseClient
from calsync_core.adapters.dynamodb.stores import dynamodb_stores
from calsync_core.adapters.memory.outward import PlainSealer
from calsync_core.bootstrap.clients import AwsClients

from tests import small_clinic
from tests.contract.cloud import moto
from tests.contract.table_from_template import create_table
from tests.function_world import FunctionWorld, forget_handlers, set_environment
from tests.handlers.test_sync_wiring import allowed
from tests.unit.usecases.test_privacy_canaries import (
    BOOKING,
    CALENDAR,
    OTHER,
    PRIVATE,
    Life,
    found,
    words_in,
)


@dataclass
class Stack:
    life: Life
    table: str
    asked: set[str] = field(default_factory=set)

    def everything(self) -> str:
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=self.table)
        return "\n".join(words_in([page["Items"] for page in pages]))


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    set_environment(monkeypatch)
    name = f"calsync-{uuid4().hex[:8]}"  # another suite's mock may be around this one
    forget_handlers()
    with moto():
        create_table(boto3.client("dynamodb"), name)
        stores = dynamodb_stores(AwsClients().dynamodb(), name, PlainSealer())
        monkeypatch.setattr(small_clinic, "memory_stores", lambda: stores)
        made = Stack(Life(FunctionWorld(monkeypatch)), name)
        _note_calls(monkeypatch, made.asked)
        yield made
    forget_handlers()


def _note_calls(monkeypatch: pytest.MonkeyPatch, asked: set[str]) -> None:
    real = BaseClient._make_api_call

    def note(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems":  # its parts are what a role allows
            parts = {part for item in arguments["TransactItems"] for part in item}
            asked.update(
                "dynamodb:ConditionCheckItem" if part == "ConditionCheck" else f"dynamodb:{part}Item" for part in parts
            )
        elif operation != "Scan":  # the test's own
            asked.add(f"dynamodb:{operation}")
        return real(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", note)


def test_nothing_of_either_side_stands_in_the_table_and_the_role_suffices(stack: Stack) -> None:
    stack.life.clinic.settings(from_calendar__privacy="full")
    for step in (stack.life.live, stack.life.leave):
        step()
        kept = stack.everything()
        assert "anna" in kept
        assert "calendar-1" in kept
        assert not found(kept, CALENDAR + PRIVATE + OTHER + BOOKING)
    assert stack.asked
    assert stack.asked <= allowed("sync_job")
