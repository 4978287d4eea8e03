"""What the clinic does in its booking system: steps of a life (life.py)."""

from tests.properties.looking import Looking
from tests.small_clinic import at


class FrontDesk(Looking):
    """`who` are the resources of a booking, `pick` says which booking."""

    def _booking(self, pick: int):
        found = [one for one in self.clinic.system.bookings.values() if one.status.value != "cancelled"]
        return found[pick % len(found)] if found else None

    def book(self, who: list[str], day: int, hour: float) -> None:
        self.clinic.system.book(who, at(day, hour), "Visit", service_name="Massage")

    def book_series(self, who: list[str], day: int, hour: float, rule: str) -> None:
        self.clinic.system.book_series(who, at(day, hour), rule, "Course", service_name="Course")

    def change_rule(self, pick: int, rule: str) -> None:
        found = [one for one in self.clinic.system.bookings.values() if one.is_series_master]
        series = [one for one in found if one.status.value != "cancelled"]
        if series:
            self.clinic.system.change_rule(series[pick % len(series)].id, rule)

    def move_booking(self, pick: int, day: int, hour: float) -> None:
        if booking := self._booking(pick):
            self.clinic.system.move_booking_by_clinic(booking.id, at(day, hour))

    def change_booking(self, pick: int, what: str) -> None:
        self.forget_kept()
        if booking := self._booking(pick):
            system = self.clinic.system
            if what == "remove" and booking.is_series_master:
                for one in system.occurrences(booking.id):
                    system.remove_booking(one.id)
            if what == "retitle":
                system.change_booking(booking.id, service_name=f"Massage {self.steps}")
            else:
                {"cancel": system.cancel, "remove": system.remove_booking}[what](booking.id)

    def reassign(self, pick: int, who: list[str]) -> None:
        self.forget_kept()
        if booking := self._booking(pick):
            self.clinic.system.reassign(booking.id, who)
            self.forget_kept()

    def touch_block(self, pick: int, day: int, remove: bool) -> None:
        """Somebody moves or removes a block in the booking system; a full check puts it back."""
        refs = sorted(self.clinic.system.blocks)
        if refs:
            self.has_moved_blocks = True
            if remove:
                self.clinic.system.remove_block_by_clinic(refs[pick % len(refs)])
            else:
                self.clinic.system.move_block_by_clinic(refs[pick % len(refs)], at(day, 6))
