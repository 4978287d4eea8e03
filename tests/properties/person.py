"""What a person does in Outlook: steps of a life (life.py)."""

from datetime import timedelta

from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.appointments import AllDay, Busy, Response, When
from calsync_core.domain.ids import EntryId

from tests.properties.looking import BESIDE, SECRET, Looking
from tests.properties.repeats import IN_OTHER_WORDS, repeating_otherwise
from tests.small_clinic import at


class Person(Looking):
    """`place` is whose mailbox, `pick` which of the entries there."""

    def create_entry(
        self, place: str, day: int, hour: float, busy: str = "busy", private: bool = False, answer: str = "none",
        all_day: bool = False, beside: bool = False,
    ) -> None:  # fmt: skip
        when: When = at(day, hour)
        if all_day:
            first = at(day, 0).start_at.date()
            when = AllDay(first, first + timedelta(days=1))
        server = self.server(place)
        calendar = BESIDE if beside and BESIDE in server.calendars else next(iter(server.calendars))
        server.create_entry(
            when, f"{SECRET} lunch", calendar_id=calendar, busy=Busy(busy), is_private=private,
            response=Response(answer),
        )  # fmt: skip

    def move_entry(self, place: str, pick: int, day: int, hour: float) -> None:
        if entry := self._single(place, pick):
            self.server(place).move_entry(entry.id, at(day, hour))

    def move_far_away(self, place: str, pick: int) -> None:
        entry = self._single(place, pick)
        if entry is not None and entry.mark is None:
            self.server(place).move_entry(entry.id, at(900, 9))

    def delete_entry(self, place: str, pick: int) -> None:
        if entry := self._single(place, pick):
            self.server(place).delete_entry(entry.id)

    def move_to_other_calendar(self, place: str, pick: int, beside: bool) -> None:
        entry = self._single(place, pick)
        target = BESIDE if beside else DEFAULT
        if entry is None or entry.mark is not None or entry.calendar_id == target:
            return
        if target in self.server(place).calendars:
            self.server(place).move_to_calendar(entry.id, target)

    def change_busy(self, place: str, pick: int, busy: str) -> None:
        if entry := self._single(place, pick):
            self.server(place).set_busy(entry.id, Busy(busy))
            self.edited.add(entry.id)

    def answer(self, place: str, pick: int, answer: str) -> None:
        entry = self._single(place, pick)
        if entry is not None and entry.mark is None:
            self.server(place).respond(entry.id, Response(answer))

    def cancel_entry(self, place: str, pick: int) -> None:
        entry = self._single(place, pick)
        if entry is not None and entry.mark is None:
            self.server(place).cancel(entry.id)

    def rename(self, place: str, pick: int) -> None:
        if entry := self._single(place, pick):
            self.server(place).retitle(entry.id, f"{SECRET} renamed")
            self.edited.add(entry.id)

    def invite_people(self, place: str, pick: int) -> None:
        """A person invites others to our copy: from then on every write of ours would mail them."""
        entry = self._single(place, pick)
        if entry is not None and entry.mark is not None and self.is_own(entry):
            self.server(place).change_entry(entry.id, has_attendees=True)

    def clone_copy(self, place: str, pick: int, day: int, hour: float) -> None:
        """A person can only copy what a completed write shows; before that nobody could tell the two apart."""
        entry = self._single(place, pick)
        if entry is None or entry.mark is None or entry.id in self.clones or not self.is_own(entry):
            return
        self.clones.add(self.server(place).copy_entry(entry.id, at(day, hour)))

    def create_series(self, place: str, day: int, hour: float, count: int) -> None:
        server = self.server(place)
        server.create_series(at(day, hour), count, calendar_id=next(iter(server.calendars)))

    def change_occurrence(self, place: str, pick: int, what: str, day: int) -> None:
        marked = self.marked(place, [entry for entry in self.shown(place) if entry.series_id])
        # what of a series of ours lies beyond the window is not looked at yet
        found = [entry for entry in marked if entry.mark is None or self.is_own(entry)]
        if not found:
            return
        one, server = found[pick % len(found)], self.server(place)
        if what == "delete":
            server.delete_occurrence(one.series_id, one.original_start_at)
        elif what == "move":
            server.move_occurrence(one.series_id, one.original_start_at, at(day, 7))
        else:
            self.edited.add(one.id)
            server.change_occurrence(one.series_id, one.original_start_at, busy=Busy.FREE)

    def move_series(self, place: str, pick: int, day: int, count: int) -> None:
        series = sorted({entry.series_id for entry in self.shown(place) if entry.series_id})
        if series:
            moved = series[pick % len(series)]
            was_strange = self._is_strange(place, moved)
            self.server(place).move_series(moved, at(day, 12), count)
            if was_strange:
                self._leave_to_strangers_all_of(place, moved)

    def change_pattern(self, place: str, pick: int, how: str) -> None:
        """How a series repeats, a person's own or a copy of ours."""
        series = sorted({entry.series_id for entry in self.shown(place) if entry.series_id})
        item = self.server(place).items[series[pick % len(series)]] if series else None
        if item is None or item.entry.recurrence is None:
            return
        said = repeating_otherwise(item.entry.recurrence, how, len(item.plan))
        was_strange = self._is_strange(place, item.entry.id)
        if how == IN_OTHER_WORDS:
            self.server(place).change_entry(item.entry.id, recurrence=said)
        else:
            self.server(place).change_pattern(item.entry.id, said)
        if was_strange:
            self._leave_to_strangers_all_of(place, item.entry.id)

    def _is_strange(self, place: str, series_id: EntryId) -> bool:
        return any(one.id in self.orphans for one in self.shown(place) if one.series_id == series_id)

    def _leave_to_strangers_all_of(self, place: str, series_id: EntryId) -> None:
        """Its occurrences have new ids, and are nobody's as before."""
        new = {one.id for one in self.shown(place) if series_id in (one.series_id, one.id)}
        self.orphans |= new
        self.clones |= new

    def delete_series(self, place: str, pick: int) -> None:
        found = sorted({entry.series_id for entry in self.shown(place) if entry.series_id})
        if found:
            self.server(place).delete_entry(found[pick % len(found)])
