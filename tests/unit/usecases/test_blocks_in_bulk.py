"""Many new blocks on an import: as many in a call as the booking system takes, and each of them judged by itself."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from calsync_core.adapters.memory.host import MemoryHost
from calsync_core.domain.appointments import Block
from calsync_core.domain.errors import AppointmentRejectedError
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.synclog import Reason
from calsync_core.ports.host import Capabilities

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at


class _Host(MemoryHost):
    """Notes what each call holds, and dies or refuses where it is told to."""

    def __init__(self, clinic: Clinic, many: int) -> None:
        super().__init__(clinic.system, capabilities=Capabilities(lists_blocks=True, blocks_a_call=many))
        self.calls_of: list[list[str]] = []
        self.dies_after: int | None = None
        self.refused: set[str] = set()

    def put_blocks(self, blocks: Sequence[Block]) -> list[str | AppointmentRejectedError]:
        self.calls_of.append([block.ref for block in blocks])
        return super().put_blocks(blocks)

    def put_block(self, block: Block) -> str:
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after < 0:
                raise _CutOffError
        if block.ref in self.refused:
            raise AppointmentRejectedError("block_refused")
        return super().put_block(block)


class _CutOffError(BaseException):
    """The process dies here."""


def _clinic(entries: int, many: int, lanes: int = 1) -> tuple[Clinic, _Host]:
    clinic = a_clinic(page_size=1000)
    clinic.connect()
    for number in range(entries):
        clinic.mailbox().create_entry(at(20 + number // 8, 8 + number % 8))
    host = _Host(clinic, many)
    clinic.host = host
    clinic.ports = replace(clinic.ports, host=lambda _account: host, lanes=lanes)
    return clinic, host


@pytest.mark.parametrize(("many", "calls"), [(50, 1), (7, 7), (1, 49)])
@pytest.mark.parametrize("lanes", [1, 3])
def test_an_import_makes_as_few_calls_as_the_booking_system_allows(many: int, calls: int, lanes: int) -> None:
    clinic, host = _clinic(49, many, lanes)

    clinic.run(cause="import")

    assert len(host.calls_of) == calls
    assert max(map(len, host.calls_of)) <= many
    assert len(clinic.blocks()) == 49
    links = clinic.stores.links.all(ACCOUNT, ResourceId("anna"))
    assert {link.ref for link in links if link.intent is None and link.host.version} == {
        block.ref for block in clinic.blocks()
    }
    host.calls_of.clear()
    clinic.run()
    assert host.calls_of == [], "and then there is nothing left to write"


def test_one_that_is_refused_is_set_aside_and_the_others_of_its_call_are_there() -> None:
    clinic, host = _clinic(20, many=50)
    clinic.run(cause="import")
    refs = [ref for call in host.calls_of for ref in call]

    again, picky = _clinic(20, many=50)
    picky.refused = {refs[7]}
    again.run(cause="import")

    assert {block.ref for block in again.blocks()} == set(refs) - picky.refused
    set_aside = [link.ref for link in again.stores.links.all(ACCOUNT, ResourceId("anna")) if link.is_quarantined]
    assert set_aside == [refs[7]]
    told = [line for line in again.stores.log.of_resource(ACCOUNT, ResourceId("anna")) if line.is_problem]
    assert [(line.reason, line.ref, line.code) for line in told] == [
        (Reason.ENTRY_QUARANTINED, refs[7], "block_refused")
    ]


@pytest.mark.parametrize("written", [0, 1, 13, 49, 50, 51, 99])
def test_a_crash_within_a_call_loses_and_doubles_nothing(written: int) -> None:
    clinic, host = _clinic(100, many=50)
    host.dies_after = written
    with pytest.raises(_CutOffError):
        clinic.run(cause="import")
    assert len(clinic.blocks()) == written

    host.dies_after = None
    clinic.clock.advance(2 * clinic.ports.lease_for)
    clinic.run(cause="import")

    assert len(clinic.blocks()) == 100
    assert [link for link in clinic.stores.links.all(ACCOUNT, ResourceId("anna")) if link.intent is not None] == []
