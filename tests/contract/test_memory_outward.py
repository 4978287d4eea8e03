"""The outward ports in memory under their contracts."""

from datetime import timedelta

import pytest
from calsync_core.adapters.memory.outward import (
    FixedClock,
    MemoryImporter,
    MemoryMailer,
    MemoryQueue,
    PlainSealer,
    SeededIds,
)
from calsync_core.ports.outward import Wish

from tests.contract import outward_contract
from tests.contract.examples import A, R


class TestMailer(outward_contract.MailerContract):
    @pytest.fixture
    def mailer(self) -> MemoryMailer:
        return MemoryMailer()


class TestQueue(outward_contract.QueueContract):
    @pytest.fixture
    def queue(self) -> MemoryQueue:
        return MemoryQueue()

    @pytest.fixture
    def received(self, queue: MemoryQueue):
        return queue.take_all

    def test_wishes_are_taken_once(self, queue: MemoryQueue) -> None:
        queue.wish(Wish(A, R, "button"))

        assert len(queue.take_all()) == 1
        assert queue.take_all() == []


class TestImporter(outward_contract.ImporterContract):
    @pytest.fixture
    def importer(self) -> MemoryImporter:
        return MemoryImporter()

    @pytest.fixture
    def started(self, importer: MemoryImporter):
        return lambda: len(importer.started)


class TestSealer(outward_contract.SealerContract):
    @pytest.fixture
    def sealer(self) -> PlainSealer:
        return PlainSealer()


class TestClock(outward_contract.ClockContract):
    @pytest.fixture
    def clock(self) -> FixedClock:
        return FixedClock()


class TestIds(outward_contract.IdsContract):
    @pytest.fixture
    def ids(self) -> SeededIds:
        return SeededIds(7)


def test_the_clock_moves_only_when_told() -> None:
    clock = FixedClock()
    start = clock.now()
    clock.advance(timedelta(hours=2))

    assert clock.now() == clock.now() == start + timedelta(hours=2)


def test_the_same_seed_gives_the_same_ids() -> None:
    assert [SeededIds(3).token() for _ in range(2)] == [SeededIds(3).token()] * 2
