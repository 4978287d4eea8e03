"""The booking system in memory keeps the contract."""

from datetime import time
from typing import Any

import pytest
from calsync_core.adapters.memory.booking_system import MemoryBookingSystem
from calsync_core.adapters.memory.host import MemoryHost
from calsync_core.domain.appointments import When
from calsync_core.domain.ids import BookingId
from calsync_core.domain.resources import WorkingRange

from tests.contract.host_contract import HostContract, HostSide


class MemoryHostSide:
    def __init__(self) -> None:
        self.system = MemoryBookingSystem(page_size=2)
        hours = tuple(WorkingRange(day, time(9), time(17)) for day in range(5))
        self.system.add_resource("anna", working_hours=hours)
        self.system.add_resource("room4")
        self.host = MemoryHost(self.system)

    def book(self, when: When, resources: tuple[str, ...] = ("anna",), **fields: Any) -> BookingId:
        return self.system.book(resources, when, **fields)

    def move(self, booking_id: BookingId, when: When) -> None:
        self.system.move_booking_by_clinic(booking_id, when)

    def cancel(self, booking_id: BookingId) -> None:
        self.system.cancel(booking_id)

    def reassign(self, booking_id: BookingId, resources: tuple[str, ...]) -> None:
        self.system.reassign(booking_id, resources)


class TestMemoryHost(HostContract):
    @pytest.fixture
    def side(self) -> HostSide:
        return MemoryHostSide()
